"""Snooze a rule for an institution: ask, approve, end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import orjson

from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import RuleBook
from services.audit.domain.snooze import Snooze, asked
from services.audit.store import snoozes
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log

Change = Callable[[Snooze, str, date], Snooze | Refusal]


async def ask_snooze(
    tx: Connection, clock: Clock, snooze: Snooze, book: RuleBook, request_id: str
) -> Snooze | Refusal:
    """Record a snooze as asked for."""
    new = asked(snooze, book)
    if isinstance(new, Refusal):
        return new
    await snoozes.insert(tx, new)
    await _log(tx, clock, None, new, new.by, request_id, "snooze-asked")
    return new


async def change_snooze(
    tx: Connection,
    clock: Clock,
    change: Change,
    *,
    pool_code: str,
    snooze_id: UUID,
    by: str,
    request_id: str,
    action: str,
) -> Snooze | Refusal | None:
    """Approve or end a snooze by `change`; None if the pool has no such snooze."""
    before = await snoozes.lock(tx, pool_code, snooze_id)
    if before is None:
        return None
    after = change(before, by, business_day(clock.now()))
    if isinstance(after, Refusal):
        return after
    await snoozes.update(tx, after)
    await _log(tx, clock, before, after, by, request_id, action)
    return after


async def _log(
    tx: Connection,
    clock: Clock,
    before: Snooze | None,
    after: Snooze,
    by: str,
    request_id: str,
    action: str,
) -> None:
    at = clock.now()
    day = business_day(at)
    deed = Deed(
        pool_code=after.pool_code,
        at=at,
        actor=by,
        institution_code=after.institution_code,
        request_id=request_id,
        action=action,
        subject=f"snooze:{after.snooze_id}",
        from_state="" if before is None else before.state(day),
        to_state=after.state(day),
        before=b"" if before is None else orjson.dumps(before, default=str),
        after=orjson.dumps(after, default=str),
    )
    await write_log(tx, [deed])
