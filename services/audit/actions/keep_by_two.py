"""Keep what one person asks for and a second one confirms: ask, approve, end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import orjson

from services.audit.domain.by_two import ByTwo, TwoState, replaced
from services.audit.domain.refusals import Refusal
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log

T = TypeVar("T", bound=ByTwo)
Change = Callable[[T, str], T | Refusal]


@dataclass(frozen=True, slots=True)
class Shelf(Generic[T]):
    """Where such things lie: their name in the log, and the statements. Of one place and month
    one waits and one counts: `insert` says whether there was room to wait, `lock_standing` gives
    the one that counts in the place of another."""

    noun: str
    insert: Callable[[Connection, T], Awaitable[bool]]
    lock: Callable[[Connection, str, UUID], Awaitable[T | None]]
    lock_standing: Callable[[Connection, T], Awaitable[T | None]]
    update: Callable[[Connection, T], Awaitable[None]]


async def ask(
    tx: Connection, clock: Clock, shelf: Shelf[T], new: T | Refusal, request_id: str
) -> T | Refusal:
    """Record it as asked for; it does not count yet."""
    if isinstance(new, Refusal):
        return new
    if not await shelf.insert(tx, new):
        return Refusal.ONE_IS_THERE
    await _log(tx, clock, shelf.noun, None, new, new.by, request_id, "asked")
    return new


async def change(
    tx: Connection, clock: Clock, shelf: Shelf[T], step: Change[T], action: str, *,
    pool_code: str, id: UUID, by: str, request_id: str,
) -> T | Refusal | None:  # fmt: skip
    """Approve or end it by `step`; None if the pool has no such thing. One that comes to count
    replaces the one that counted in its place: what two people set, two people correct."""
    before = await shelf.lock(tx, pool_code, id)
    if before is None:
        return None
    after = step(before, by)
    if isinstance(after, Refusal):
        return after
    if after.state is TwoState.STANDING and (old := await shelf.lock_standing(tx, after)):
        gone = replaced(old, after)
        await shelf.update(tx, gone)
        await _log(tx, clock, shelf.noun, old, gone, by, request_id, "replaced")
    await shelf.update(tx, after)
    await _log(tx, clock, shelf.noun, before, after, by, request_id, action)
    return after


async def _log(
    tx: Connection, clock: Clock, noun: str, before: ByTwo | None, after: ByTwo, by: str,
    request_id: str, action: str,
) -> None:  # fmt: skip
    deed = Deed(
        pool_code=after.pool_code,
        at=clock.now(),
        actor=by,
        institution_code="",
        request_id=request_id,
        action=f"{noun}-{action}",
        subject=f"{noun}:{after.id}",
        from_state="" if before is None else before.state,
        to_state=after.state,
        before=b"" if before is None else orjson.dumps(before, default=str),
        after=orjson.dumps(after, default=str),
    )
    await write_log(tx, [deed])
