"""Disposal: another person approves what was proposed, or rejects it."""

from __future__ import annotations

from services.audit.actions.review_step import Word, read_for, record_decision, record_step
from services.audit.domain.flag import Flag
from services.audit.domain.refusals import Refusal
from services.audit.domain.review import approve, reject
from services.audit.domain.time_limits import TimeLimits
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def decide_disposal(
    tx: Connection, clock: Clock, time_limits: TimeLimits, word: Word, *, approves: bool
) -> Flag | Refusal | None:
    """Record an approval, which decides the flag, or a rejection; None if there is no such flag."""
    at = clock.now()
    flag = await read_for(tx, word, at)
    if not isinstance(flag, Flag):
        return flag
    after = (approve if approves else reject)(flag, word.by, word.reason_code)
    if isinstance(after, Refusal):
        return after
    proposed = flag.proposal.amount if flag.proposal else None
    step = "disposal-approved" if approves else "disposal-rejected"
    recorded = await record_step(tx, time_limits, word, flag, after, step, at, proposed)
    if approves:
        await record_decision(tx, recorded, word.by, at)
    return recorded
