"""A claim as audit sees it: what settlement told of one settlement."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.money import Money


class ClaimStatus(StrEnum):
    """Whether the settlement stands."""

    SETTLED = "settled"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Parts:
    """Who bears which part; total = fund + member + institution + other_fund."""

    total: Money
    fund: Money
    member: Money
    member_account: Money
    member_cash: Money
    institution: Money
    other_fund: Money
    desk_fund: Money
    desk_member: Money

    def plus(self, more: Parts) -> Parts:
        """Each part with what an adjustment adds to it."""
        return Parts(*(getattr(self, f.name) + getattr(more, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class ItemCharged:
    """What the bill holds of one item of the catalogue: `lines` fee lines on `days` different
    days, the first and the last of them included."""

    code: str
    quantity: Decimal
    amount: Money
    in_scope: Money
    first_on: date
    last_on: date
    lines: int
    days: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. `event_on` is the day of the birth, visit, loss or surgery, `settled_on` the
    business day of settling. Only a delivery has `mode` and `infants`.

    `age` is in whole years on the day of the event, counted by months, `weeks` are the completed
    ones of gestation; `mode_stated` is what the record's own field calls a birth whose codes or
    lines tell of the `mode`; diagnoses (ICD-10, the principal one first) and procedures
    (ICD-9-CM-3) are as the hospital coded them. `items` has the greatest amounts first,
    `items_left_out` counts those that were not told. None is what nobody stated.
    """

    pool_code: str
    claim_id: UUID
    institution_code: str
    county_code: str
    institution_level: int
    stay_id: str
    person_ref: str
    pregnancy_id: str | None
    benefit: str
    insurance_type: str
    expenditure_item: str
    member_kind: str
    mode: str | None
    infants: int | None
    admitted_on: date
    event_on: date
    discharged_on: date
    settled_at: datetime
    settled_on: date
    account_month: str
    parts: Parts
    out_of_scope: Money
    line_count: int
    book: str
    engine: str
    status: ClaimStatus
    reversed_at: datetime | None
    version: int
    sex: str | None = None
    age: int | None = None
    weeks: int | None = None
    mode_stated: str | None = None
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    items: tuple[ItemCharged, ...] | None = None
    items_left_out: int = 0

    @property
    def days_in_hospital(self) -> int:
        """Days from admission to discharge; 0 where both are one day."""
        return (self.discharged_on - self.admitted_on).days

    @property
    def is_live(self) -> bool:
        """Whether the settlement stands."""
        return self.status is ClaimStatus.SETTLED

    def adjusted(self, by: Adjustment) -> Claim:
        """The claim with an adjustment."""
        return replace(
            self,
            parts=self.parts.plus(by.parts),
            expenditure_item=by.expenditure_item,
            version=by.sequence,
        )


@dataclass(frozen=True, slots=True)
class Reversal:
    """That settlement undid a claim; `sequence` is the event's number among the claim's events."""

    pool_code: str
    claim_id: UUID
    at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """That settlement adjusted a claim: `parts` are differences, `expenditure_item` is what the
    whole claim is charged to from now on. `sequence` as of a reversal."""

    pool_code: str
    claim_id: UUID
    parts: Parts
    expenditure_item: str
    sequence: int
