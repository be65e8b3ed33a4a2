"""What settlement tells of a claim, from settling to reversal, and of deductions from it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.contract import Amount, Contract, Day, MonthText, PoolCode, Shape
from shared.contracts.person import Sex


class Posting(Shape):
    """One leg of the double entry; the legs of an event sum to zero."""

    account: str
    amount: Amount


class Parts(Shape):
    """Who bears which part, final after clearing; only `institution` may be negative."""

    total: Amount
    fund: Amount
    member: Amount
    member_account: Amount
    member_cash: Amount
    institution: Amount
    other_fund: Amount
    desk_fund: Amount
    desk_member: Amount


class UnitUsed(Shape):
    """What a claim used of a limit that belongs to its whole pregnancy."""

    unit: str
    amount: Amount
    used: Amount
    limit: Amount


class ItemCharged(Shape):
    """What the bill holds of one item of the catalogue: `lines` fee lines on `days` different
    days, the first and the last of them included; `amount` is all that was charged, `in_scope` what
    of it the fund may share."""

    code: str
    quantity: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
    amount: Amount
    in_scope: Amount
    first_on: Day
    last_on: Day
    lines: int
    days: int


class ClaimSettled(Contract):
    """A settlement was made; complete, so that no consumer needs to call back.

    Version 2 tells every benefit; what only a delivery has is null elsewhere. Version 3 adds the
    clinical facts: the person's sex, and age in whole years on the day of the event, counted by
    months; the completed `weeks` of gestation; diagnoses (ICD-10, the principal one first) and
    procedures (ICD-9-CM-3) as the hospital coded them; the bill by item, the greatest amounts
    first, `items_left_out` items of lesser amounts untold. Null is what nobody stated. It reads
    what versions 1 and 2 wrote: the first told deliveries alone.
    """

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.settled"
    version: ClassVar = 3

    claim_id: str
    pool_code: PoolCode
    county_code: PoolCode
    institution_code: str
    institution_level: int
    stay_id: str
    person_ref: str
    person_state_version: int
    pregnancy_id: str | None
    benefit: Literal["delivery", "prenatal", "loss", "family_planning", "complication"]
    insurance_type: Literal["310", "510"]
    expenditure_item: Literal["maternity", "medical"]
    member_kind: str
    mode: Literal["vaginal", "assisted", "cesarean"] | None
    infants: int | None
    admitted_on: Day
    event_on: Day
    discharged_on: Day
    settled_at: str
    account_month: MonthText
    parts: Parts
    line_count: int
    out_of_scope: Amount
    postings: list[Posting]
    book: str
    engine: str
    particulars: dict[str, str | int | bool | list[str] | None] | None = None
    units: Annotated[list[UnitUsed], Field(default_factory=list)]
    sex: Sex | None = None
    age: int | None = None
    weeks: int | None = None
    diagnoses: Annotated[list[str], Field(default_factory=list)]
    procedures: Annotated[list[str], Field(default_factory=list)]
    items: list[ItemCharged] | None = None
    items_left_out: int = 0


class UnitCorrected(Shape):
    """What an adjustment changes of a claim's use of a limit: a difference."""

    unit: str
    amount: Amount


class ClaimAdjusted(Contract):
    """A late document, or a corrected state of the person, changes what a claim comes to.

    `parts` are differences, to be added to what stood, and so are `postings` and `units`; `cause`
    is `book:` with the hash of the book that came and the number of its appointment, or `person:`
    and the version of the state. `expenditure_item` is what the whole claim is charged to from now
    on. Version 2 adds `units`, of a visit, and the number; it reads what version 1 wrote.
    """

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.adjusted"
    version: ClassVar = 2

    claim_id: str
    adjustment_id: str
    pool_code: PoolCode
    institution_code: str
    cause: str
    person_state_version: int
    expenditure_item: Literal["maternity", "medical"]
    adjusted_at: str
    account_month: MonthText
    parts: Parts
    postings: list[Posting]
    book: str
    engine: str
    units: Annotated[list[UnitCorrected], Field(default_factory=list)]


class ClaimReversed(Contract):
    """A settlement was undone by exact negatives; the stay may be settled again, as a new claim."""

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.reversed"

    claim_id: str
    reversal_id: str
    pool_code: PoolCode
    institution_code: str
    reversed_at: str
    account_month: MonthText
    parts: Parts
    postings: list[Posting]
    book: str
    engine: str


class DeductionTaken(Contract):
    """A decided amount now waits to be deducted from the institution's next payment run."""

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.deduction-taken"

    claim_id: str
    flag_id: str
    decision: int
    deduction_id: str
    pool_code: PoolCode
    institution_code: str
    amount: Amount
    taken_at: str


class DeductionRefused(Contract):
    """A decided amount cannot be deducted; the flag opens again."""

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.deduction-refused"

    claim_id: str
    flag_id: str
    decision: int
    pool_code: PoolCode
    institution_code: str
    amount: Amount
    reason: Literal["reversed", "more-than-left", "unknown-claim"]
    refused_at: str


class DeductionReleased(Contract):
    """A later decision on the flag gives back what an earlier one had taken.

    `decision` is the earlier, `released_by` the later: a dismissal, or a lower amount that is
    taken instead and told next.
    """

    topic: ClassVar = "maternity.settlement.claim.v1"
    type: ClassVar = "settlement.claim.deduction-released"

    claim_id: str
    flag_id: str
    decision: int
    released_by: int
    deduction_id: str
    pool_code: PoolCode
    institution_code: str
    amount: Amount
    released_at: str
