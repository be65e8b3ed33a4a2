"""A case: everything that pricing may look at, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.settlement.domain.claimed import Claimed
from services.settlement.domain.cost import Bed, Cost
from services.settlement.domain.institution import UNSTATED, Institution
from services.settlement.domain.member import Member
from shared.money import NOTHING, Money
from shared.policy.shapes import Circumstance, DecidingDate


@dataclass(frozen=True, slots=True)
class Dates:
    """The four dates of a case; the pool's clause says which decides."""

    admitted: date
    event: date
    discharged: date
    settled: date

    @classmethod
    def all_on(cls, day: date) -> Dates:
        """One day for all four."""
        return cls(day, day, day, day)

    def chosen(self, which: DecidingDate) -> date:
        """The date that `which` names."""
        day: date = getattr(self, which.value)
        return day


@dataclass(frozen=True, slots=True)
class Case:
    """A benefit to be priced. `known_on`: what the book said on that day.

    `cost` None asks for the pool's standard amount without a bill. `account_available` is what
    the member may and will pay from the personal account; the rest is cash. `bed` is held against
    the pool's bed cap.
    """

    pool: str
    member: Member
    claimed: Claimed
    dates: Dates
    known_on: date
    institution: Institution = UNSTATED
    cost: Cost | None = None
    bed: Bed | None = None
    account_available: Money = NOTHING
    county: str | None = None
    circumstances: frozenset[Circumstance] = frozenset()
