"""The forms of audit's answers, as the description shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.claim import ClaimStatus
from services.audit.domain.flag import Deduction, FlagState, Outcome
from services.audit.domain.predicate import OnePredicate
from services.audit.domain.rule import Grade

IdText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
DayText = Annotated[str, Field(json_schema_extra={"format": "date"})]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Amount = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,12})\.[0-9]{2}$")]


class _Shown(BaseModel):
    """A closed form: what it does not name is never answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FlagShown(_Shown):
    """A flag in a list. `outcome` and `amount` are proposed until the state is `decided`."""

    flag_id: IdText
    claim_id: IdText
    institution_code: str
    rule_family: str
    grade: Grade
    amount_at_risk: Amount
    state: FlagState
    outcome: Outcome | None
    amount: Amount | None
    decision: int
    deduction: Deduction
    raised_at: Instant
    version: int


class FlagsShown(_Shown):
    """A page of flags; `next` is the `after` of the next page, null on the last."""

    flags: list[FlagShown]
    next: IdText | None


class PartsShown(_Shown):
    """Who bears which part of a claim."""

    total: Amount
    fund: Amount
    member: Amount
    member_account: Amount
    member_cash: Amount
    institution: Amount
    other_fund: Amount
    desk_fund: Amount
    desk_member: Amount


class ClaimShown(_Shown):
    """A claim as audit sees it; `event_on` is the day of the birth, visit, loss or surgery."""

    claim_id: IdText
    status: ClaimStatus
    version: int
    pool_code: str
    county_code: str
    institution_code: str
    institution_level: int
    stay_id: IdText
    person_ref: str
    pregnancy_id: IdText | None
    benefit: str
    insurance_type: Literal["310", "510"]
    expenditure_item: str
    member_kind: str
    mode: str | None
    infants: int | None
    admitted_on: DayText
    event_on: DayText
    discharged_on: DayText
    settled_at: Instant
    reversed_at: Instant | None
    account_month: str
    parts: PartsShown
    out_of_scope: Amount
    line_count: int
    book: str
    engine: str


class JudgementShown(_Shown):
    """By which set of rules a claim was judged, and when."""

    rule_set: str
    judged_at: Instant


class ClaimWhole(ClaimShown):
    """A claim with its judgements and flags."""

    judgements: list[JudgementShown]
    flags: list[FlagShown]


class FindingShown(_Shown):
    """What one rule says of the claim and its rival, in words."""

    finding_id: IdText
    rule: str
    rule_version: int
    title: str
    title_zh: str
    days_between: int
    rival: ClaimShown
    explanation: str
    explanation_zh: str


class StepShown(_Shown):
    """An entry of a flag's history."""

    number: int
    step: str
    by: str
    at: Instant
    reason: str
    amount: Amount | None
    from_state: str
    to_state: str


class FlagWhole(FlagShown):
    """A flag with all that it stands on; `next_steps` are the review addresses that take it."""

    next_steps: list[str]
    claim: ClaimShown
    findings: list[FindingShown]
    history: list[StepShown]


class RuleShown(_Shown):
    """One version of one rule."""

    id: str
    version: int
    family: str
    grade: Grade
    in_force: bool
    valid_from: DayText
    parameters: OnePredicate
    title: str
    title_zh: str
    legal_basis: str
    legal_basis_zh: str


class RulesShown(_Shown):
    """All versions of all rules, and the set in force today."""

    rule_set: str
    rules: list[RuleShown]
