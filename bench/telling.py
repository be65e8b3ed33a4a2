"""P8 and P20: a steady rate of settlements with relay and audit at work, over a real broker.

P8 is the time from a settlement's commit to the commit of audit's row of it; P20 holds the mean
rate of a national day for ten minutes, in two halves as a token is good for no longer, and asks
what then still waits. `DAY_SECONDS=60` in the environment makes its day a minute.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from datetime import datetime
from uuid import UUID

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import Fresh, Load, Stage, staged
from bench.stays import faults, lay

RUNS = 5
_P8_RATE = 200.0
_P8_SECONDS = 10
NATIONAL_RATE = 324.0
"""28 million settlements a day, evenly: the published volume of the national platform."""
DAY_SECONDS = int(os.environ.get("DAY_SECONDS", "600"))
_WARM = 2_000
_CAUGHT_UP_SECONDS_MAX = 60

# Each claim's commit in settlement, by the transaction that wrote its event.
_TOLD = """
select id, pg_xact_commit_timestamp(xid::xid) as at from outbox
where type = 'settlement.claim.settled' and at >= $1
"""
_HEARD = """
select event_id, pg_xact_commit_timestamp(xmin) as at from inbox where event_id = any($1)
"""


def measure(figures: set[str]) -> None:
    """Print those of P8 and P20 that were asked for. Raises Void."""
    with staged(with_audit=True) as stage:
        stage.up()
        settled = _steady(stage, 400.0, _WARM / 400).done
        if "P8" in figures:
            settled += _say_delay(stage)
        if "P20" in figures:
            settled += _say_day(stage)
        found = asyncio.run(faults(stage.dsn, settled))
        if found:
            raise Void("; ".join(found))


def _say_delay(stage: Stage) -> int:
    tails, middles, done = [], [], 0
    for _ in range(RUNS):
        since = asyncio.run(_now(stage))
        load = _steady(stage, _P8_RATE, _P8_SECONDS)
        delays = asyncio.run(_delays(stage, since, load.done))
        done += load.done
        tails.append(delays[int(len(delays) * 0.99)])
        middles.append(statistics.median(delays))
    say(
        "P8", statistics.median(tails), "ms", spread=spread(tails), required=500,
        p50_ms=round(statistics.median(middles), 1), rate=_P8_RATE,
    )  # fmt: skip
    return done


def _say_day(stage: Stage) -> int:
    since = asyncio.run(_now(stage))
    fresh = asyncio.run(lay(stage.laying_dsn, int(NATIONAL_RATE * DAY_SECONDS), lines=1))
    middle = len(fresh) // 2
    halves = [
        _settled(stage, half, NATIONAL_RATE, DAY_SECONDS / 2)
        for half in (fresh[:middle], fresh[middle:])
    ]
    lag, done = asyncio.run(_unheard(stage, since)), sum(half.done for half in halves)
    asyncio.run(_delays(stage, since, done))
    seconds = sum(half.seconds for half in halves)
    say(
        "P20", max(half.p99_ms for half in halves), "ms", required=100, runs=1,
        rate=round(done / seconds, 1), seconds=round(seconds), lag_at_end=lag,
        p50_ms=max(half.p50_ms for half in halves),
        python_us=round(max(half.python_us for half in halves)),
        postgres_us=round(max(half.postgres_us for half in halves)),
    )  # fmt: skip
    return done


def _steady(stage: Stage, rate: float, seconds: float) -> Load:
    fresh = asyncio.run(lay(stage.laying_dsn, int(rate * seconds), lines=1))
    return _settled(stage, fresh, rate, seconds)


def _settled(stage: Stage, fresh: Fresh, rate: float, seconds: float) -> Load:
    load = stage.settle(fresh, seconds, rate=rate, connections=128)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load


async def _delays(stage: Stage, since: datetime, count: int) -> list[float]:
    """Milliseconds from commit to commit of the events told since, when all were heard."""
    settlement = await asyncpg.connect(stage.dsn)
    audit = await asyncpg.connect(stage.cluster.dsn(database="audit"))
    try:
        told = {row["id"]: row["at"] for row in await settlement.fetch(_TOLD, since)}
        deadline = time.monotonic() + _CAUGHT_UP_SECONDS_MAX
        heard: dict[UUID, datetime] = {}
        while len(heard) < count:
            if time.monotonic() > deadline:
                raise Void(f"audit heard {len(heard)} of {count} events")
            rows = await audit.fetch(_HEARD, list(told))
            heard = {row["event_id"]: row["at"] for row in rows}
            await asyncio.sleep(0.2)
    finally:
        await settlement.close()
        await audit.close()
    return sorted((heard[event] - at).total_seconds() * 1000 for event, at in told.items())


async def _unheard(stage: Stage, since: datetime) -> int:
    """How many of the events told since wait for audit at this moment."""
    settlement = await asyncpg.connect(stage.dsn)
    audit = await asyncpg.connect(stage.cluster.dsn(database="audit"))
    told = [row["id"] for row in await settlement.fetch(_TOLD, since)]
    heard = await audit.fetchval("select count(*) from inbox where event_id = any($1)", told)
    await settlement.close()
    await audit.close()
    return len(told) - int(heard)


async def _now(stage: Stage) -> datetime:
    connection = await asyncpg.connect(stage.dsn)
    try:
        now: datetime = await connection.fetchval("select clock_timestamp()")
        return now
    finally:
        await connection.close()
