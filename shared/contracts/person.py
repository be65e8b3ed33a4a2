"""What enrollment tells: each person's whole history, and each contribution."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.contract import Amount, Contract, Day, MonthText, PoolCode, Shape

MemberKind = Literal[
    "employee", "flexible", "retiree", "early_retiree", "spouse_unemployed", "unemployment_benefit"
]


class Spell(Shape):
    """A time in one kind of membership: from `start`, up to and not including `end`."""

    pool_code: PoolCode
    county_code: PoolCode
    kind: MemberKind
    insurance: list[Literal["310", "510"]]
    start: Day
    end: Day | None


class PaidMonths(Shape):
    """Months paid without a gap, the first and the last of them included."""

    first: MonthText
    last: MonthText


class PersonStateChanged(Contract):
    """A person's whole history under a version; a later version replaces an earlier one."""

    topic: ClassVar = "maternity.enrollment.person-state.v1"
    type: ClassVar = "enrollment.person-state.changed"

    person_ref: str
    state_version: int
    spells: list[Spell]
    paid: list[PaidMonths]


class ContributionPosted(Contract):
    """One month's contribution of one person, as it was booked: income of the one fund."""

    topic: ClassVar = "maternity.enrollment.contribution.v1"
    type: ClassVar = "enrollment.contribution.posted"

    contribution_id: str
    person_ref: str
    pool_code: PoolCode
    county_code: PoolCode
    kind: MemberKind
    month: MonthText
    base: Amount
    employer: Amount
    individual: Amount
    posted_at: str
    document: str
    article: str
