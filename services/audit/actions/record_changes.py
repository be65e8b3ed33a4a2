"""Record changes of flags: the row, its step, the log, and the event of an opening anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from services.audit.domain.flag import Flag, opened_again
from services.audit.domain.time_limits import TimeLimits, with_last_day
from services.audit.store import flags
from services.audit.told.reopened import flag_reopened
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log
from shared.plumbing.outbox import tell

AUDIT = "audit"
"""The actor of what no person does: what events and rules bring about."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a flag: `before` is None for a new one; `cause` is the request or event."""

    before: Flag | None
    after: Flag
    step: str
    by: str
    reason: str
    cause: str
    amount: Money | None = None
    reason_code: str = ""


async def record_changes(
    tx: Connection, changes: Sequence[Change], time_limits: TimeLimits, at: datetime
) -> list[Flag]:
    """Record changes, at most one a flag; returns the flags with the last days of their new steps.

    Raises Stale when a flag changed since it was read.
    """
    if not changes:
        return []
    changes = [_timed(change, time_limits, at) for change in changes]
    await flags.insert(tx, [c.after for c in changes if c.before is None])
    await flags.update(tx, [c.after for c in changes if c.before is not None])
    await flags.insert_steps(tx, [(c.after, _step(c, at)) for c in changes])
    await write_log(tx, [_deed(c, at) for c in changes])
    anew = [c for c in changes if c.before is not None and opened_again(c.before, c.after)]
    await tell(tx, [flag_reopened(c.after, c.reason, at, c.cause) for c in anew])
    return [change.after for change in changes]


def _timed(change: Change, time_limits: TimeLimits, at: datetime) -> Change:
    """The time runs from the day on which the step began; a further finding does not prolong it."""
    if change.before is not None and change.before.state is change.after.state:
        return change
    return replace(change, after=with_last_day(change.after, time_limits, business_day(at)))


def _step(change: Change, at: datetime) -> flags.Step:
    return flags.Step(
        number=change.after.version,
        step=change.step,
        by=change.by,
        at=at,
        reason=change.reason,
        reason_code=change.reason_code,
        amount=change.amount,
        from_state=change.before.state if change.before else "",
        to_state=change.after.state,
    )


def _deed(change: Change, at: datetime) -> Deed:
    return Deed(
        pool_code=change.after.pool_code,
        at=at,
        actor=change.by,
        institution_code=change.after.institution_code,
        request_id=change.cause,
        action=f"flag-{change.step}",
        subject=f"flag:{change.after.flag_id}",
        from_state=change.before.state if change.before else "",
        to_state=change.after.state,
        before=_facts(change.before) if change.before else b"",
        after=_facts(change.after),
    )


def _facts(flag: Flag) -> bytes:
    # The driver's UUID is a subclass, which the encoder does not know by itself.
    return orjson.dumps(flag, default=str)
