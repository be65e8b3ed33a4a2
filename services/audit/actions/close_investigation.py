"""Close an investigation with its result; a disposal follows."""

from __future__ import annotations

from services.audit.actions.review_step import Word, read_for, record_step
from services.audit.domain import review
from services.audit.domain.flag import Flag
from services.audit.domain.refusals import Refusal
from services.audit.domain.time_limits import TimeLimits
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def close_investigation(
    tx: Connection, clock: Clock, time_limits: TimeLimits, word: Word
) -> Flag | Refusal | None:
    """Record what was found; None if the pool has no such flag."""
    at = clock.now()
    flag = await read_for(tx, word, at)
    if not isinstance(flag, Flag):
        return flag
    after = review.close_investigation(flag, word.reason_code)
    if isinstance(after, Refusal):
        return after
    return await record_step(tx, time_limits, word, flag, after, "investigation-closed", at)
