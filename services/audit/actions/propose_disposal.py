"""Disposal: propose what is done about a flag."""

from __future__ import annotations

from services.audit.actions.review_step import Word, read_for, record_step
from services.audit.domain.flag import Flag, Proposal
from services.audit.domain.refusals import Refusal
from services.audit.domain.review import propose
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claims
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def propose_disposal(
    tx: Connection, clock: Clock, time_limits: TimeLimits, word: Word, proposal: Proposal
) -> Flag | Refusal | None:
    """Record a proposal; None if the pool has no such flag."""
    at = clock.now()
    flag = await read_for(tx, word, at)
    if not isinstance(flag, Flag):
        return flag
    claim = await claims.find(tx, flag.pool_code, flag.claim_id) if flag.claim_id else None
    after = propose(flag, claim, proposal)
    if isinstance(after, Refusal):
        return after
    return await record_step(
        tx, time_limits, word, flag, after, "disposal-proposed", at, proposal.amount
    )
