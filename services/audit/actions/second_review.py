"""Second review: another person decides with the first, or sends the flag back."""

from __future__ import annotations

from uuid import UUID

from services.audit.actions.record_changes import Change, record_changes
from services.audit.domain.flag import Flag, FlagState, approve, send_back
from services.audit.domain.refusals import Refusal
from services.audit.store import flags
from services.audit.told.decided import flag_decided
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.outbox import tell


async def second_review(
    tx: Connection,
    clock: Clock,
    *,
    pool_code: str,
    flag_id: UUID,
    by: str,
    agree: bool,
    reason: str,
    request_id: str,
) -> Flag | Refusal | None:
    """Agree or disagree with the first review; None if the pool has no such flag."""
    found = await flags.lock(tx, [(pool_code, flag_id)])
    if not found:
        return None
    before = found[0]
    after = approve(before, by) if agree else send_back(before, by)
    if isinstance(after, Refusal):
        return after
    at = clock.now()
    step = "second-review-agreed" if agree else "second-review-disagreed"
    amount = after.proposal.amount if after.proposal else None
    await record_changes(tx, [Change(before, after, step, by, reason, request_id, amount)], at)
    if after.state is FlagState.DECIDED and after.proposal is not None:
        await flags.insert_decision(tx, after, after.proposal, by, at)
        await tell(tx, [flag_decided(after, after.proposal, at)])
    return after
