"""Leases: who works on a flag, for a quarter of an hour at a time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.audit.domain.flag import IN_REVIEW, Flag, FlagState
from services.audit.domain.refusals import Refusal
from services.audit.store import flags, queue
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log

LEASE = timedelta(minutes=15)

# What waits for the institution is nobody's to work on.
WORKED_ON = IN_REVIEW - {FlagState.NOTIFIED}


async def take_next(
    tx: Connection, clock: Clock, pool_code: str, by: str, state: FlagState | None,
    family: str | None = None,
) -> Flag | Refusal:  # fmt: skip
    """Lease the flag of the queue, or of one family, with the most money that waits for a step of
    this person."""
    now = clock.now()
    states = WORKED_ON if state is None else WORKED_ON & {state}
    taken = await queue.take_next(tx, pool_code, by, states, now, now + LEASE, family)
    return taken or Refusal.NOTHING_WAITS


async def take(
    tx: Connection, clock: Clock, *, pool_code: str, flag_id: UUID, by: str, takes_over: bool,
    request_id: str,
) -> Flag | Refusal | None:  # fmt: skip
    """Lease this flag, or prolong one's lease; None if the pool has no such flag.

    `takes_over` ends another's lease, which is a supervisor's right and is logged.
    """
    found = await flags.lock(tx, [(pool_code, flag_id)])
    if not found:
        return None
    [flag] = found
    now = clock.now()
    if not flag.in_review:
        return Refusal.NOT_OPEN
    if flag.lease is not None and flag.held_against(by, now):
        if not takes_over:
            return Refusal.HELD_BY_ANOTHER
        deed = Deed(
            pool_code=pool_code,
            at=now,
            actor=by,
            institution_code=flag.institution_code,
            request_id=request_id,
            action="lease-taken-over",
            subject=f"lease:{flag_id}",
            from_state=flag.lease.by,
            to_state=by,
        )
        await write_log(tx, [deed])
    return await queue.hold(tx, flag, by, now + LEASE)


async def let_go(tx: Connection, *, pool_code: str, flag_id: UUID, by: str) -> Flag | None:
    """End one's own lease; None if the pool has no such flag."""
    await queue.let_go(tx, pool_code, flag_id, by)
    return await flags.find(tx, pool_code, flag_id)
