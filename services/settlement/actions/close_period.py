"""Close a month of the ledger, and keep each account's movement."""

from __future__ import annotations

from datetime import timedelta

from services.settlement.actions.scene import Scene
from services.settlement.domain.refusals import Refusal
from services.settlement.store import periods
from shared.period import Month
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log

_LAST_WRITES = timedelta(hours=1)


async def close_period(tx: Connection, scene: Scene, month: Month) -> Month | Refusal:
    """Close a month an hour after it is over, when nothing decided within it is still being
    written; and after those before it, so that what comes late has a month that is open."""
    if Month.of(business_day(scene.now - _LAST_WRITES)) <= month:
        return Refusal.PERIOD_NOT_OVER
    day = month.first_day()
    await periods.lock(tx, scene.pool_code)
    if await periods.is_open_before(tx, scene.pool_code, day):
        return Refusal.EARLIER_PERIOD_OPEN
    if not await periods.close(tx, scene.pool_code, day, scene.actor, scene.now):
        return Refusal.PERIOD_CLOSED
    subject = f"period:{scene.pool_code}/{month}"
    await write_log(tx, [scene.deed("close_period", subject, "", "closed")])
    return month
