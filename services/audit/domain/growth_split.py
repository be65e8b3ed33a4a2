"""Growth of spending, told apart: dearer cases, more cases, other cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared.money import Money


@dataclass(frozen=True, slots=True)
class Spent:
    """What cases of one kind cost together in a period."""

    cases: int
    amount: Money

    def __post_init__(self) -> None:
        if self.cases < 0 or (self.cases == 0 and self.amount):
            raise ValueError("money is spent on cases")


@dataclass(frozen=True, slots=True)
class GrowthSplit:
    """The change of spending from one period to the next; the three parts are the whole of it.

    price: the same kind of case costs more; volume: there are more cases; mix: dearer kinds of case
    have become more frequent.
    """

    price: Money
    volume: Money
    mix: Money

    @property
    def change(self) -> Money:
        return self.price + self.volume + self.mix


_NONE = Spent(0, Money(0))


def split_growth(before: Mapping[str, Spent], after: Mapping[str, Spent]) -> GrowthSplit:
    """Split the change of spending by kinds of case.

    Volume counts the additional cases at the earlier mean; mix the change of shares at the earlier
    price of each kind; price the rest. A kind that was not there before has no earlier price: it
    counts as mix at today's. Without cases before, or after, all of it is volume. Each part is
    rounded to the fen by largest remainder, so that they sum to the change.
    """
    cases = sum(spent.cases for spent in before.values())
    cases_now = sum(spent.cases for spent in after.values())
    cost = sum(spent.amount.fen for spent in before.values())
    cost_now = sum(spent.amount.fen for spent in after.values())
    if cases == 0 or cases_now == 0:
        return GrowthSplit(price=Money(0), volume=Money(cost_now - cost), mix=Money(0))
    volume = Fraction((cases_now - cases) * cost, cases)
    price = sum(
        (_dearer(before.get(kind, _NONE), now) for kind, now in after.items()), start=Fraction(0)
    )
    mix = cost_now - cost - volume - price
    price_fen, volume_fen, mix_fen = _whole([price, volume, mix])
    return GrowthSplit(Money(price_fen), Money(volume_fen), Money(mix_fen))


def _dearer(before: Spent, now: Spent) -> Fraction:
    """What today's cases of a kind cost beyond its earlier price; nothing without one."""
    if before.cases == 0 or now.cases == 0:
        return Fraction(0)
    return now.amount.fen - Fraction(now.cases * before.amount.fen, before.cases)


def _whole(parts: list[Fraction]) -> list[int]:
    """Round parts of a whole sum so that they still sum to it; ties go to the earlier part."""
    floors = [part.numerator // part.denominator for part in parts]
    left = int(sum(parts)) - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
    for i in by_remainder[:left]:
        floors[i] += 1
    return floors
