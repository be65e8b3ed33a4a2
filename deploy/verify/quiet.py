"""Waiting for quiet: the outbox sent, every consumer caught up, the log sealed."""

from __future__ import annotations

import asyncio
import time

from deploy.verify.stores import Stores

PAUSE_SECONDS = 0.25

_UNSENT = "select count(*) from outbox where position is null"
_UNSEALED = """
select count(*) from log
where xid >= coalesce((select max(xid_until::text::bigint) from sealed_block), 0)::text::xid8
"""

_DUE = "select count(*) from reconsideration_due"


async def wait_for_quiet(stores: Stores, seconds: int) -> list[str]:
    """Wait until all is quiet; returns what still moves when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        moving = await still_moving(stores)
        if not moving or time.monotonic() > deadline:
            return moving
        await asyncio.sleep(PAUSE_SECONDS)


async def still_moving(stores: Stores) -> list[str]:
    """What is still to be sent, heard or sealed."""
    moving = []
    for service, connection in stores.each():
        if count := await connection.fetchval(_UNSENT):
            moving.append(f"{count} events of {service} are not sent")
        if count := await connection.fetchval(_UNSEALED):
            moving.append(f"{count} log rows of {service} are not sealed")
    if count := await stores.settlement.fetchval(_DUE):
        moving.append(f"{count} people's claims are to be reconsidered")
    for topic, group, _ in stores.heard():
        if count := await stores.log.lag(topic, group):
            moving.append(f"{group} is {count} events behind")
    return moving
