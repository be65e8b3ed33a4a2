"""Second review: another person agrees with the first, disagrees, or orders an investigation."""

from __future__ import annotations

from enum import StrEnum

from services.audit.actions.review_step import Word, read_for, record_decision, record_step
from services.audit.domain.flag import Flag, FlagState
from services.audit.domain.refusals import Refusal
from services.audit.domain.review import agree, disagree, order_investigation
from services.audit.domain.time_limits import TimeLimits
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


class Result(StrEnum):
    """What the second reviewer says of the first review."""

    AGREE = "agree"
    DISAGREE = "disagree"
    INVESTIGATE = "investigate"


_STEPS = {
    Result.AGREE: (agree, "second-review-agreed"),
    Result.DISAGREE: (disagree, "second-review-disagreed"),
    Result.INVESTIGATE: (order_investigation, "investigation-ordered"),
}


async def second_review(
    tx: Connection, clock: Clock, time_limits: TimeLimits, word: Word, result: Result
) -> Flag | Refusal | None:
    """Record a second review; None if the pool has no such flag."""
    at = clock.now()
    flag = await read_for(tx, word, at)
    if not isinstance(flag, Flag):
        return flag
    review, step = _STEPS[result]
    after = review(flag, word.by, word.reason_code)
    if isinstance(after, Refusal):
        return after
    recorded = await record_step(tx, time_limits, word, flag, after, step, at)
    if recorded.state is FlagState.DECIDED:
        await record_decision(tx, recorded, word.by, at)
    return recorded
