"""What is taken off a bill before it is settled: lines returned, in whole or in part, and lines
cancelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from services.settlement.domain.cost import Cost, sum_of
from services.settlement.domain.line import ClassedLine, FeeLine
from services.settlement.domain.refusals import Refusal
from shared.money import Money


class KeptLine(NamedTuple):
    """A line as it stands in the bill. Of one that returns another, `cost` is what it takes off."""

    line_number: int
    returns: int | None
    cost: Cost


class TakenOff(NamedTuple):
    """What cancelling lines takes off the bill, what it brings back there, and which lines go."""

    charged: Cost
    returned: Cost
    line_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a line, its returns taken off."""

    line: FeeLine
    item_class: str
    quantity: Decimal
    cost: Cost


def left_of(classed: ClassedLine) -> Left:
    """Of a line that nothing returns yet: all of it."""
    return Left(classed.line, classed.item_class, classed.line.quantity, classed.cost)


def returned(line: FeeLine, left: Mapping[int, Left]) -> tuple[ClassedLine, Left] | Refusal:
    """A line that takes an earlier one back, and what is left of that one then.

    Its parts are cut from what is left in proportion, by largest remainder: none falls below
    nothing, and the last return leaves nothing in any of them.
    """
    base = left.get(line.returns or 0)
    if base is None:
        return Refusal.LINE_UNKNOWN
    if (line.item_code, line.price) != (base.line.item_code, base.line.price):
        return Refusal.RETURN_UNLIKE_LINE
    if line.charged_on < base.line.charged_on:
        return Refusal.RETURN_UNLIKE_LINE
    amount = line.amount()
    if line.quantity > base.quantity or amount > base.cost.total:
        return Refusal.RETURN_EXCEEDS_LINE
    cut = _cut(base.cost, amount)
    rest = replace(base, quantity=base.quantity - line.quantity, cost=base.cost.less(cut))
    return ClassedLine(line, base.item_class, cut), rest


def as_returned(line: FeeLine, left: Mapping[int, Left]) -> FeeLine:
    """A line that returns another by the hospital's own code alone: of the item that was billed,
    whatever the code is mapped to by now."""
    base = left.get(line.returns or 0)
    if base is None or line.item_code or line.own_code != base.line.own_code:
        return line
    return replace(line, item_code=base.line.item_code)


def taken_off(lines: Sequence[KeptLine], named: Collection[int] | None) -> TakenOff | Refusal:
    """Which lines of a bill are cancelled: all of them (None), or those that are named.

    A line goes with what returns it, for a return of nothing would stay behind.
    """
    chosen = [line for line in lines if named is None or line.line_number in named]
    numbers = {line.line_number for line in chosen}
    if named is not None and numbers != set(named):
        return Refusal.LINE_UNKNOWN
    if any(line.returns in numbers and line.line_number not in numbers for line in lines):
        return Refusal.LINE_RETURNED
    return TakenOff(
        sum_of([line.cost for line in chosen if line.returns is None]),
        sum_of([line.cost for line in chosen if line.returns is not None]),
        tuple(sorted(numbers)),
    )


def _cut(whole: Cost, amount: Money) -> Cost:
    """So much of a bill, its parts by largest remainder, the first of equal ones first."""
    parts = (whole.in_scope, whole.out_of_scope, whole.over_limit, whole.first_copay)
    if not whole.total:
        return whole
    shares = [divmod(part.fen * amount.fen, whole.total.fen) for part in parts]
    short = amount.fen - sum(share for share, _ in shares)
    largest = sorted(range(len(parts)), key=lambda n: -shares[n][1])[:short]
    cut = [Money(share + (n in largest)) for n, (share, _) in enumerate(shares)]
    return Cost(amount, *cut)
