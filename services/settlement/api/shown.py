"""The forms of settlement's answers, for the description; the bytes themselves come from `render`.

A test holds each rendered answer against its form, both ways.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from services.settlement.api.wire import Code, StayBenefit
from shared.plumbing.edge import Wire

IdText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
DayText = Annotated[str, Field(json_schema_extra={"format": "date"})]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Amount = Annotated[
    str,
    Field(
        pattern=r"^-?(0|[1-9][0-9]{0,12})\.[0-9]{2}$",
        description="yuan with two decimals; negative in a reversal",
    ),
]
BookHash = Annotated[str, Field(description="hash of the policy book that decided")]


class StepShown(Wire):
    """One step of the decision, with the article that decided it and how well that is known."""

    what: str
    amount: Amount | None
    values: dict[str, str]
    article: str
    document: str
    document_title: str
    grade: str
    label: str


class DeskShown(Wire):
    """What the receipt shows."""

    fund: Amount
    member: Amount


class QuoteShown(Wire):
    """What settling would come to: total = fund + member + institution + other_fund.

    `institution` is what the hospital bears (or, negative, gains) after the month's clearing.
    """

    stay_id: IdText
    pool: str
    institution_code: Code
    benefit: str
    insurance_type: Literal["310", "510"]
    expenditure_item: Literal["maternity", "medical"]
    total: Amount
    fund: Amount
    member: Amount
    member_account: Amount
    member_cash: Amount
    institution: Amount
    other_fund: Amount
    desk: DeskShown
    rule_on: DayText
    steps: list[StepShown]
    book: BookHash
    engine: str


class SettlementShown(QuoteShown):
    """A settlement as it was made, or (`reverses` names it) the exact negative of one."""

    settlement_id: IdText
    reverses: IdText | None
    settled_at: Instant


class CaseResult(Wire):
    """What became of one case of a batch: its settlement, or why there is none, as a problem
    (`type`, `code`, `title`, `title_zh`, `retryable`, ...)."""

    key: str
    status: int
    settlement: SettlementShown | None
    problem: dict[str, Any] | None


class BatchShown(Wire):
    """What became of each case, in the order told."""

    results: list[CaseResult]


class PartsShown(Wire):
    """The differences that an adjustment makes, part by part."""

    total: Amount
    fund: Amount
    member: Amount
    member_account: Amount
    member_cash: Amount
    institution: Amount
    other_fund: Amount
    desk: DeskShown


class UnitCorrected(Wire):
    """What an adjustment changes of a visit's use of one of its pregnancy's units."""

    unit: str
    amount: Amount


class SumShown(Wire):
    """What an entitlement comes to; withdrawn where the law gives none."""

    state: Literal["opened", "deferred", "withdrawn", "fixed"]
    days: int | None
    amount: Amount | None
    until: DayText | None
    payee: Literal["employer", "person"] | None


class EntitlementRevised(Wire):
    """What an adjustment changes of an entitlement; `before` is null where it opens one."""

    kind: Literal["allowance", "nutrition"]
    before: SumShown | None
    after: SumShown
    steps: list[StepShown]


class AdjustmentShown(Wire):
    """What a late document (`book:`, its hash and the number of its appointment) or a corrected
    state of the person (`person:` and its version) changes of a settlement; `decided_at` is null
    while it waits for another person. Those of one pregnancy's visits are decided together.
    What a corrected state had proposed by itself is `endorsed` by a first release, and released by
    another person's.
    What it changes of the person's entitlements is shown to the agency alone."""

    adjustment_id: IdText
    settlement_id: IdText
    institution_code: Code
    cause: str
    state: Literal["proposed", "released", "rejected", "withdrawn"]
    expenditure_item: Literal["maternity", "medical"]
    parts: PartsShown
    units: list[UnitCorrected]
    entitlements: list[EntitlementRevised]
    rule_on: DayText
    steps: list[StepShown]
    book: BookHash
    engine: str
    endorsed: bool
    proposed_at: Instant
    decided_at: Instant | None


class SettlementNow(SettlementShown):
    """A settlement, what has become of its claim, and the released adjustments beside it: the
    claim comes to the sum."""

    state: Literal["settled", "reversed"]
    adjustments: list[AdjustmentShown]


class SettlementsShown(Wire):
    """What became of a stay, or of a person's, oldest first; a reversal has no state of its own.
    The next page is after `next`."""

    items: list[SettlementNow | SettlementShown]
    next: IdText | None


class AdjustmentExplained(Wire):
    """How the claim was priced again, one sentence a step."""

    adjustment_id: IdText
    zh: list[str]
    en: list[str]


class ExplanationShown(Wire):
    """What the receipt shows, in a sentence too, then what clearing makes of it where that differs,
    then one sentence a step, in both languages; then those of each released adjustment."""

    settlement_id: IdText
    desk: DeskShown
    zh: list[str]
    en: list[str]
    adjustments: list[AdjustmentExplained]


class StayShown(Wire):
    """A stay and its bill so far: total = in_scope + out_of_scope + over_limit + first_copay."""

    stay_id: IdText
    stay_number: Code
    state: str
    benefit: StayBenefit
    pregnancy_id: IdText | None
    admitted_on: DayText
    discharged_on: DayText | None
    line_count: int
    total: Amount
    in_scope: Amount
    out_of_scope: Amount
    over_limit: Amount
    first_copay: Amount


class StaysShown(Wire):
    """A person's stays and visits, oldest first; the next page is after `next`."""

    items: list[StayShown]
    next: IdText | None


class LineShown(Wire):
    """A fee line: amount = in_scope + out_of_scope + over_limit + first_copay. In one that
    `returns` another, quantity and amounts are negative."""

    line_number: int
    returns: int | None
    item_code: Code
    item_class: Literal["a", "b", "c", "none"]
    charged_on: DayText
    quantity: str
    price: Amount
    amount: Amount
    in_scope: Amount
    out_of_scope: Amount
    over_limit: Amount
    first_copay: Amount


class LinesShown(Wire):
    """The lines of a bill by number; the next page is after `next`."""

    items: list[LineShown]
    next: int | None


class RecordShown(Wire):
    """What the discharge stated: the principal diagnosis first; empty before it."""

    stay_id: IdText
    event_on: DayText | None
    discharged_on: DayText | None
    diagnoses: list[str]
    procedures: list[str]


class LineWarned(Wire):
    """Why a line that may have been meant to be covered is paid by the member."""

    line_number: int
    code: Literal["not_in_catalogue", "not_for_maternity"]
    title: str
    title_zh: str


class BilledShown(StayShown):
    """A stay after lines were added to it."""

    warnings: list[LineWarned]


class PregnancyShown(Wire):
    """A registered pregnancy; `until` is the first day after it."""

    pregnancy_id: IdText
    person_ref: str
    institution_code: Code
    since: DayText
    until: DayText | None
    delivered_on: DayText | None
    ended_by: Literal["birth", "loss"] | None


class DesignationShown(Wire):
    """An institution that a pregnancy was entrusted to, since when."""

    institution_code: Code
    since: DayText


class KnownPregnancyShown(Wire):
    """A pregnancy as it is told in its pool; `until` is the first day after it. To a hospital
    `institution_code` and `designations` tell of itself alone."""

    pregnancy_id: IdText
    person_ref: str
    state: Literal["open", "ended", "cancelled"]
    since: DayText
    until: DayText | None
    institution_code: Code | None
    designations: list[DesignationShown]


class KnownPregnanciesShown(Wire):
    """A person's pregnancies, the latest first."""

    items: list[KnownPregnancyShown]


class UnitShown(Wire):
    """A limit of the pregnancy: limit = used + left."""

    unit: str
    limit: Amount
    used: Amount
    left: Amount


class UnitsShown(Wire):
    """What a pregnancy's limits have left, over all hospitals."""

    pregnancy_id: IdText
    items: list[UnitShown]


class EntitlementShown(Wire):
    """What a settlement entitles the person to; an allowance's amount waits for its base, and
    `until` is the first day on which a deferred one is due."""

    entitlement_id: IdText
    kind: Literal["allowance", "nutrition"]
    person_ref: str
    pregnancy_id: IdText | None
    settlement_id: IdText
    event: Literal["birth", "loss", "family_planning"]
    days: int | None
    amount: Amount | None
    state: Literal["opened", "deferred", "withdrawn", "fixed"]
    until: DayText | None
    payee: Literal["employer", "person"] | None
    opened_at: Instant
    steps: list[StepShown]
    book: BookHash
    engine: str


class EntitlementsShown(Wire):
    """Entitlements, withdrawn ones included, oldest first; the next page is after `next`."""

    items: list[EntitlementShown]
    next: IdText | None


class RefusedNow(Wire):
    """A settlement that the rules as known today would refuse. Where an article says so, to take
    all back is proposed as an adjustment; else its hospital has to reverse it."""

    settlement_id: IdText
    code: str


class ReconsiderationShown(Wire):
    """One batch: how many settlements were priced again, and what came of it. `next` is where the
    next batch begins, null when all were looked at."""

    reconsideration_id: IdText
    looked_at: int
    proposed: list[IdText]
    withdrawn: int
    refused: list[RefusedNow]
    next: IdText | None


class AdjustmentsShown(Wire):
    """Adjustments in one state, oldest first; the next page is after `next`."""

    items: list[AdjustmentShown]
    next: IdText | None
