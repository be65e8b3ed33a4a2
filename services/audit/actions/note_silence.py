"""Note that institutions let the time for their statements go by."""

from __future__ import annotations

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.review import stay_silent
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import queue
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import Connection


async def note_silence(
    tx: Connection, clock: Clock, time_limits: TimeLimits, cause: str, most: int
) -> int:
    """Pass flags whose institution was silent on to the second review, at most so many; how many.

    `cause` names the sweep in the log.
    """
    at = clock.now()
    overdue = await queue.lock_overdue_statements(tx, business_day(at), most)
    await record_changes(
        tx,
        [
            Change(flag, stay_silent(flag), "statement-missing", AUDIT, "institution-silent", cause)
            for flag in overdue
        ],
        time_limits,
        at,
    )
    return len(overdue)
