"""What enrollment tells: each person's whole history, and each contribution."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.contract import Amount, Contract, Day, MonthText, PoolCode, Shape

MemberKind = Literal[
    "employee", "flexible", "retiree", "early_retiree", "spouse_unemployed", "unemployment_benefit"
]

Sex = Literal["female", "male"]


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
    """A person's whole history under a version; a later version replaces an earlier one.

    Version 2 adds what review needs of the person: the sex and the month of birth, never the day.
    It reads what version 1 wrote, which told neither.
    """

    topic: ClassVar = "maternity.enrollment.person-state.v1"
    type: ClassVar = "enrollment.person-state.changed"
    version: ClassVar = 2

    person_ref: str
    state_version: int
    spells: list[Spell]
    paid: list[PaidMonths]
    sex: Sex | None = None
    birth_month: MonthText | None = None


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
