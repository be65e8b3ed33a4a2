"""The forms of audit's answers on what reviews came to."""

from __future__ import annotations

from services.audit.api.shown import Amount, DayText, IdText, Instant, MonthText, Shown
from services.audit.domain.flag import Hearing, Outcome
from services.audit.domain.reason import Verdict


class ReviewShown(Shown):
    """One decision. `outcome` is what people found, `disposal` what they did about it."""

    flag_id: IdText
    decision: int
    claim_id: IdText | None
    institution_code: str
    channel: str | None
    month: MonthText | None
    outcome: Verdict
    disposal: Outcome
    reason_code: str
    amount: Amount
    hearing: Hearing
    reviewed_by: str
    approved_by: str
    reviewed_on: DayText
    decided_at: Instant


class ReviewedShown(Shown):
    """A page of decisions; `next` is the `after` of the next page, null on the last."""

    reviews: list[ReviewShown]
    next: str | None


class ReasonShown(Shown):
    """A reason code in words."""

    code: str
    verdict: Verdict
    title: str
    title_zh: str


class ReasonsShown(Shown):
    """All reason codes."""

    reasons: list[ReasonShown]
