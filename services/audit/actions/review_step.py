"""What the steps of a review share: who says what to which version of a flag, and its record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.audit.actions.record_changes import Change, record_changes
from services.audit.domain.flag import Flag
from services.audit.domain.reason import REASONS
from services.audit.domain.refusals import Refusal
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import flags, queue
from services.audit.told.decided import flag_decided
from shared.money import Money
from shared.plumbing.database import Connection
from shared.plumbing.outbox import tell


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word on a flag: why, as a code and as text, and the version that was looked at."""

    pool_code: str
    flag_id: UUID
    version: int
    by: str
    reason_code: str
    reason: str
    request_id: str


async def read_for(tx: Connection, word: Word, at: datetime) -> Flag | Refusal | None:
    """The flag, locked, if it is as it was looked at and nobody else works on it.

    None if the pool has no such flag.
    """
    found = await flags.lock(tx, [(word.pool_code, word.flag_id)])
    if not found:
        return None
    if found[0].held_against(word.by, at):
        return Refusal.HELD_BY_ANOTHER
    return found[0] if found[0].version == word.version else Refusal.CHANGED_MEANWHILE


async def record_step(
    tx: Connection, time_limits: TimeLimits, word: Word, before: Flag, after: Flag, step: str,
    at: datetime, amount: Money | None = None,
) -> Flag:  # fmt: skip
    """Record a step; whoever took it lets go of the flag."""
    change = Change(
        before, after, step, word.by, word.reason, word.request_id, amount, word.reason_code
    )
    [recorded] = await record_changes(tx, [change], time_limits, at)
    await queue.let_go(tx, word.pool_code, word.flag_id, word.by)
    own = recorded.lease is not None and recorded.lease.by == word.by
    return replace(recorded, lease=None) if own else recorded


async def record_decision(tx: Connection, flag: Flag, approved_by: str, at: datetime) -> None:
    """Record and tell what two people decided."""
    if flag.proposal is None:
        raise ValueError("a decision is made of a proposal")
    verdict = REASONS[flag.proposal.reason_code].verdict
    await flags.insert_decision(tx, flag, flag.proposal, verdict, approved_by, at)
    await tell(tx, [flag_decided(flag, flag.proposal, verdict, at)])
