"""First review: pursue a flag, which asks its institution for a statement, or clear it."""

from __future__ import annotations

from services.audit.actions.review_step import Word, read_for, record_step
from services.audit.domain.flag import Flag
from services.audit.domain.refusals import Refusal
from services.audit.domain.review import clear, pursue
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claims
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def first_review(
    tx: Connection, clock: Clock, time_limits: TimeLimits, word: Word, *, pursues: bool
) -> Flag | Refusal | None:
    """Record a first review; None if the pool has no such flag."""
    at = clock.now()
    flag = await read_for(tx, word, at)
    if not isinstance(flag, Flag):
        return flag
    if pursues:
        claim = await claims.find(tx, flag.pool_code, flag.claim_id) if flag.claim_id else None
        after = pursue(flag, claim, word.by, word.reason_code)
    else:
        after = clear(flag, word.by, word.reason_code)
    if isinstance(after, Refusal):
        return after
    step = "first-review-pursued" if pursues else "first-review-cleared"
    return await record_step(tx, time_limits, word, flag, after, step, at)
