"""The forms of answers to checks and of snoozes, as the description shows them."""

from __future__ import annotations

from services.audit.api.shown import Amount, DayText, IdText, Instant, Shown
from services.audit.domain.check import Advice
from services.audit.domain.rule import Grade
from services.audit.domain.snooze import SnoozeState


class WarningShown(Shown):
    """What one rule says of a case before it is filed."""

    rule: str
    rule_version: int
    grade: Grade
    title: str
    title_zh: str
    amount_at_risk: Amount
    evidence: dict[str, str]
    explanation: str
    explanation_zh: str


class CaseChecked(Shown):
    """What all rules say of one case; `silent` are those that lacked a fact."""

    case_ref: str
    advice: Advice
    findings: list[WarningShown]
    silent: list[str]


class CheckAnswer(Shown):
    """The answer to a check; `check_id` is what its feedback names."""

    check_id: IdText
    rule_set: str
    cases: list[CaseChecked]


class FeedbackKept(Shown):
    """How many answers to warnings were kept."""

    check_id: IdText
    kept: int


class SnoozeShown(Shown):
    """A rule that is quiet for an institution from `since` until the day `until`, not included."""

    snooze_id: IdText
    rule: str
    grade: Grade
    institution_code: str
    state: SnoozeState
    since: DayText
    until: DayText
    reason: str
    by: str
    asked_at: Instant
    approved_by: str | None
    ended_by: str | None


class SnoozesShown(Shown):
    """A page of snoozes; `next` is the `after` of the next page, null on the last."""

    snoozes: list[SnoozeShown]
    next: IdText | None
