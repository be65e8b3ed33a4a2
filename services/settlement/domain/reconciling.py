"""A hospital's books held against ours: totals of a period, then row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from shared.money import NOTHING, Money


class Sums(NamedTuple):
    """What books of a period come to, as receipts show it: the bills, what funds paid of them, what
    personal accounts paid, and the rows. A refund's amounts are negative."""

    total: Money
    fund: Money
    account: Money
    rows: int


class BookRow(NamedTuple):
    """A settlement, or (`refund`) its reversal, as one side's book has it.

    `claim` is the settlement's id on both, `stay` the stay's, empty where a book does not say.
    """

    claim: str
    refund: bool
    stay: str
    person: str
    total: Money
    fund: Money
    account: Money


_PREFECTURE = 4
"""Digits of a place's code (GB/T 2260) that it shares with all counties of its prefecture."""


def stands_for(code: str, pool: str, counties: Collection[str]) -> bool:
    """Whether a code names a pool's agency: the pool itself or one of its counties, which clears
    nothing by itself. Where the book does not list them they are those of its prefecture."""
    if code == pool:
        return True
    if counties:
        return code in counties
    return len(code) == len(pool) and code.isdigit() and code[:_PREFECTURE] == pool[:_PREFECTURE]


class Scope(NamedTuple):
    """Which rows are held against each other: those of a period by the day of settling or
    reversing, both days included; of an insurance as the hospital was told it, or of all;
    settlements, reversals, or both; of some benefits, or of all."""

    since: date
    until: date
    insurance_type: str | None
    refunds: bool | None
    benefits: tuple[str, ...] | None = None

    @property
    def visits(self) -> bool | None:
        """Whether of losses and complications, which come as visits and as stays, the visits are
        meant, the stays (False), or both: what is cleared with prenatal checks are visits, what is
        cleared with births stays."""
        with_checks, with_births = (
            self.benefits is not None and benefit in self.benefits
            for benefit in ("prenatal", "delivery")
        )
        return None if with_checks == with_births else with_checks


class DifferenceKind(StrEnum):
    """What is amiss with a row. `state`: one side has it settled and the other refunded, or of
    another stay; `refund_unpaired`: both have one of the two, and the hospital not the other."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    STATE = "state"
    REFUND_UNPAIRED = "refund_unpaired"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not level: as it is in each book, None where it is in one of them only."""

    kind: DifferenceKind
    theirs: BookRow | None
    ours: BookRow | None


class Held(NamedTuple):
    """Rows held against each other: those that are level, as we have them, and those that are
    not."""

    level: list[BookRow]
    differences: list[Difference]


def sums_of(rows: Iterable[BookRow]) -> Sums:
    """What rows come to."""
    total, fund, account, number = NOTHING, NOTHING, NOTHING, 0
    for row in rows:
        total, fund, account = total + row.total, fund + row.fund, account + row.account
        number += 1
    return Sums(total, fund, account, number)


def difference_of(theirs: Sums, ours: Sums) -> Sums:
    """Theirs less ours; level where nothing is left of it."""
    return Sums(
        theirs.total - ours.total,
        theirs.fund - ours.fund,
        theirs.account - ours.account,
        theirs.rows - ours.rows,
    )


def by_claim(theirs: Iterable[BookRow], reversals: Mapping[str, str]) -> list[BookRow]:
    """Their rows, a refund that is named by the reversal's own id (`reversals`) by its claim's."""
    return [row._replace(claim=reversals.get(row.claim, row.claim)) for row in theirs]


def held_against(theirs: Sequence[BookRow], ours: Sequence[BookRow]) -> Held:
    """Each row of either book is level, or has one difference; ours has no row twice.

    What a hospital's book has twice is missing here the second time.
    """
    of_ours = {(row.claim, row.refund): row for row in ours}
    of_theirs: dict[tuple[str, bool], list[BookRow]] = defaultdict(list)
    for row in theirs:
        of_theirs[row.claim, row.refund].append(row)
    level: list[BookRow] = []
    differences: list[Difference] = []
    for key in sorted(of_ours.keys() | of_theirs.keys()):
        told, mine = of_theirs.get(key, []), of_ours.get(key)
        differences += [Difference(DifferenceKind.MISSING_HERE, row, None) for row in told[1:]]
        first = told[0] if told else None
        kind = _kind(first, mine, *_beside(key, of_theirs, of_ours))
        if kind is None and mine is not None:
            level.append(mine)
        elif kind is not None:
            differences.append(Difference(kind, first, mine))
    return Held(level, differences)


def _beside(
    key: tuple[str, bool],
    of_theirs: dict[tuple[str, bool], list[BookRow]],
    of_ours: dict[tuple[str, bool], BookRow],
) -> tuple[bool, bool]:
    """Whether each book has the other row of the claim: its refund, or what was refunded."""
    other = (key[0], not key[1])
    return bool(of_theirs.get(other)), other in of_ours


def _kind(
    theirs: BookRow | None, ours: BookRow | None, their_other: bool, our_other: bool
) -> DifferenceKind | None:
    if theirs is not None and ours is not None:
        if theirs.stay and theirs.stay != ours.stay:
            return DifferenceKind.STATE
        same = (theirs.total, theirs.fund, theirs.account) == (ours.total, ours.fund, ours.account)
        return None if same else DifferenceKind.AMOUNT
    if ours is not None:
        if their_other:
            return DifferenceKind.REFUND_UNPAIRED if our_other else DifferenceKind.STATE
        return DifferenceKind.MISSING_THERE
    assert theirs is not None  # noqa: S101 - a key is of one of them
    if our_other and (theirs.refund or not their_other):
        return DifferenceKind.STATE
    return DifferenceKind.MISSING_HERE
