"""First review: somebody proposes what a flag should come to."""

from __future__ import annotations

from uuid import UUID

from services.audit.actions.record_changes import Change, record_changes
from services.audit.domain.flag import Flag, Proposal, propose
from services.audit.domain.refusals import Refusal
from services.audit.store import claims, flags
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def first_review(
    tx: Connection,
    clock: Clock,
    *,
    pool_code: str,
    flag_id: UUID,
    proposal: Proposal,
    reason: str,
    request_id: str,
) -> Flag | Refusal | None:
    """Record a proposal; None if the pool has no such flag."""
    found = await flags.lock(tx, [(pool_code, flag_id)])
    claim = await claims.find(tx, pool_code, found[0].claim_id) if found else None
    if claim is None:
        return None
    after = propose(found[0], claim, proposal)
    if isinstance(after, Refusal):
        return after
    change = Change(
        found[0], after, "first-review", proposal.by, reason, request_id, proposal.amount
    )
    await record_changes(tx, [change], clock.now())
    return after
