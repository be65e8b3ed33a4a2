"""The forms of audit's answers, as the description shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.claim import ClaimStatus
from services.audit.domain.flag import Deduction, FlagState, Hearing, Outcome
from services.audit.domain.pick import PickedBy
from services.audit.domain.rule import Grade
from services.audit.domain.statement import Stance

IdText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
DayText = Annotated[str, Field(json_schema_extra={"format": "date"})]
MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Amount = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,12})\.[0-9]{2}$")]


class Shown(BaseModel):
    """A closed form: what it does not name is never answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LineAmountShown(Shown):
    """What of an amount is one fee line's."""

    line_number: int
    amount: Amount


class FlagShown(Shown):
    """A flag in a list: on a claim, or on a channel of its institution since a month.

    `outcome`, `amount` and `lines` are proposed until the state is `decided`; an institution sees
    them from then on. `due_on` is the last day of its step.
    """

    flag_id: IdText
    claim_id: IdText | None
    channel: str | None
    month: MonthText | None
    institution_code: str
    rule_family: str | None
    grade: Grade
    amount_at_risk: Amount
    state: FlagState
    due_on: DayText | None
    hearing: Hearing
    round: int
    outcome: Outcome | None
    amount: Amount | None
    lines: list[LineAmountShown]
    reason_code: str | None
    decision: int
    deduction: Deduction
    raised_at: Instant
    version: int
    held_by: str | None
    held_until: Instant | None


class FlagsShown(Shown):
    """A page of flags; `next` is the `after` of the next page, null on the last."""

    flags: list[FlagShown]
    next: IdText | None


class CountsShown(Shown):
    """How many flags of the pool stand in each state."""

    counts: dict[FlagState, int]


class PartsShown(Shown):
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


class ClaimShown(Shown):
    """A claim as audit sees it; `event_on` is the day of the birth, visit, loss or surgery, `age`
    the person's in whole years on that day, counted by months; `weeks` are those of gestation;
    `mode_stated` is another mode than `mode`, which the hospital's own field names.
    Diagnoses are codes of ICD-10, the principal one first, procedures of ICD-9-CM-3. Null is what
    nobody stated."""

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
    mode_stated: str | None
    infants: int | None
    admitted_on: DayText
    event_on: DayText
    discharged_on: DayText
    days_in_hospital: int
    sex: Literal["female", "male"] | None
    age: int | None
    weeks: int | None
    diagnoses: list[str]
    procedures: list[str]
    settled_at: Instant
    reversed_at: Instant | None
    account_month: str
    parts: PartsShown
    out_of_scope: Amount
    line_count: int
    book: str
    engine: str


class JudgementShown(Shown):
    """By which set of rules a claim was judged, and when; `silent` are the rules that lacked a
    fact."""

    rule_set: str
    judged_at: Instant
    silent: list[str]


class ItemShown(Shown):
    """What the bill holds of one item: `lines` fee lines on `days` different days."""

    code: str
    quantity: str
    amount: Amount
    in_scope: Amount
    first_on: DayText
    last_on: DayText
    lines: int
    days: int


class ClaimWhole(ClaimShown):
    """A claim with its bill by item, judgements and flags. Of a long bill the greatest items are
    here, and `items_left_out` counts the others; null where the bill was not told by item."""

    items: list[ItemShown] | None
    items_left_out: int
    score: ScoreShown | None
    judgements: list[JudgementShown]
    flags: list[FlagShown]


class PeersShown(Shown):
    """A claim's bill (`own`) beside the `n` of its kind whose day is `since` to `until`: how many
    lie `below` it, and the bills at the places of their distribution, null where there are not
    `enough`."""

    claim_id: IdText
    since: DayText
    until: DayText
    n: int
    enough: bool
    below: int
    own: Amount
    least: Amount | None
    p10: Amount | None
    p25: Amount | None
    median: Amount | None
    p75: Amount | None
    p90: Amount | None
    most: Amount | None


class FindingShown(Shown):
    """What one rule says of the claim, in words; `rival` is the other claim where it takes two."""

    finding_id: IdText
    rule: str
    rule_version: int
    title: str
    title_zh: str
    days_between: int | None
    amount_at_risk: Amount
    evidence: dict[str, str]
    rival: ClaimShown | None
    explanation: str
    explanation_zh: str


class StepShown(Shown):
    """An entry of a flag's history."""

    number: int
    step: str
    by: str
    at: Instant
    reason: str
    reason_code: str | None
    amount: Amount | None
    from_state: str
    to_state: str


class LineSaidShown(Shown):
    """What was said to one fee line."""

    line_number: int
    text: str


class StatementShown(Shown):
    """What the institution said when it was asked for the n-th time."""

    round: int
    by: str
    stated_at: Instant
    stance: Stance
    text: str
    lines: list[LineSaidShown]


class ContributorShown(Shown):
    """A claim that an alarm rests on, and by how much it lies above what such cases usually came
    to: papers to ask for, no verdict."""

    claim_id: IdText
    excess: Amount


class SeriesFindingShown(Shown):
    """What the statistics said of one month of a channel, in money and in words, with the rule by
    which the channel is watched and its law."""

    finding_id: IdText
    channel: str
    month: MonthText
    score: str
    window_months: int
    cases: int
    expected: Amount
    actual: Amount
    excess: Amount
    explanation: str
    explanation_zh: str
    rule: str
    rule_version: int
    title: str
    title_zh: str
    legal_basis: str
    legal_basis_zh: str
    features: str
    model: str
    contributors: list[ContributorShown]


class MoneyAtRiskShown(Shown):
    """What fund, member and institution bear because of what the flag disputes, by re-pricing its
    claim without it under its own book; a part may be negative. Null parts where it was refused, or
    where the whole claim is questioned and nothing was to be asked."""

    fund: Amount | None
    member: Amount | None
    institution: Amount | None
    book: str | None
    refused: str | None
    asked_at: Instant


class ScoreShown(Shown):
    """What statistics made of the claim: the chance that people confirm it wrong, and the fund's
    money at risk then. It decides nothing. The challenger's word counts for nothing."""

    chance: str
    at_risk: Amount
    explanation: str
    explanation_zh: str
    features: str
    model: str
    scored_at: Instant
    challenger_chance: str | None
    challenger_model: str | None


class PickShown(Shown):
    """Why a claim is under review that no rule met: drawn by `lot`, of which any claim had the
    chance `share`, or picked by a `person`; with the score that it had then, if it had one."""

    picked_by: PickedBy
    by: str
    reason: str
    share: str | None
    chance: str | None
    explanation: str | None
    explanation_zh: str | None
    features: str | None
    model: str | None
    picked_at: Instant


class FlagWhole(FlagShown):
    """A flag with all that it stands on; `next_steps` are the review addresses that take it,
    `money_at_risk` is null while settlement was not asked, `score` where its claim has none,
    `pick` where a rule or a channel raised it."""

    next_steps: list[str]
    money_at_risk: MoneyAtRiskShown | None
    score: ScoreShown | None
    pick: PickShown | None
    claim: ClaimShown | None
    findings: list[FindingShown]
    months: list[SeriesFindingShown]
    statements: list[StatementShown]
    history: list[StepShown]


class GroundShown(Shown):
    """What a rule found, with its law; in words where no other institution's claim is in it. Of a
    flag on a channel it is the channel's rule, in the words of the latest month."""

    rule: str
    rule_version: int
    title: str
    title_zh: str
    amount_at_risk: Amount
    explanation: str | None
    explanation_zh: str | None
    legal_basis: str
    legal_basis_zh: str


class MonthSaid(Shown):
    """What was found of one month, in words."""

    month: MonthText
    explanation: str
    explanation_zh: str


class NoticeShown(FlagShown):
    """What an institution is told: grounds and law, its own claim, and what it said itself.
    `picked_by` says of a claim that no rule met whether the lot or a person picked it."""

    claim: ClaimShown | None
    picked_by: PickedBy | None
    grounds: list[GroundShown]
    months: list[MonthSaid]
    statements: list[StatementShown]
