"""P14: pages of the reviewers' queue among a million flags, over HTTP on one connection.

Flags are laid in bulk by one statement, every tenth of them under review; pages begin anywhere:
by money (what the console shows), by money in one state, and in the order raised.
"""

from __future__ import annotations

import asyncio
import random
import statistics

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import POOLS, REVIEWER, Request, staged

RUNS = 5
SECONDS = 4
FLAGS = 1_000_000
_FASTEST = 400
"""More pages a second than one connection gets answered."""
_LAY = """
insert into flag (pool_code, flag_id, institution_code, channel, month, grade, at_risk_fen, state,
                  first_by, second_by, outcome, amount_fen, proposed_by, decision, deduction, told,
                  version, raised_at)
select $1, lpad(to_hex(n), 32, '0')::uuid, 'H' || n % 100, 'c' || n, '2026-01', 'suspicious',
    n::bigint * 7919 % 1000003, case when n % 10 = 0 then 'open' else 'decided' end,
    case when n % 10 > 0 then 'r1' end, case when n % 10 > 0 then 'r2' end,
    case when n % 10 > 0 then 'dismiss' end, case when n % 10 > 0 then 0 end,
    case when n % 10 > 0 then 'r1' end, 0, 'none', 1, 1, now()
from generate_series(1, $2) n
"""
_KINDS = ("order=money", "order=money&state=open", "order=raised")


def measure(_: set[str]) -> None:
    """Print P14. Raises Void."""
    with staged("audit") as stage:
        asyncio.run(_lay(stage.laying_dsn))
        stage.up()
        tails, middles = [], []
        for run in range(RUNS + 1):
            load = stage.send(_pages(run), SECONDS, connections=1)
            if load.refused or not load.done:
                raise Void(f"{load.refused} refused, {load.done} answered")
            if run:  # the first warms up
                tails.append(load.p99_ms)
                middles.append(load.p50_ms)
    say(
        "P14", statistics.median(tails), "ms", spread=spread(tails), required=50, flags=FLAGS,
        p50_ms=statistics.median(middles), runs=RUNS,
        taken="p99 at the client, stricter than the p95 asked for", laid="in bulk",
    )  # fmt: skip


async def _lay(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_LAY, POOLS[0], FLAGS, timeout=None)
        await connection.execute("analyze flag")
    finally:
        await connection.close()


def _pages(seed: int) -> list[Request]:
    """Pages that come after any flag under review."""
    drawn = random.Random(seed)
    asked = []
    for number in range(_FASTEST * SECONDS):
        after = f"{drawn.randrange(1, FLAGS // 10) * 10:032x}"
        place = f"{after[:8]}-{after[8:12]}-{after[12:16]}-{after[16:20]}-{after[20:]}"
        query = f"{_KINDS[number % len(_KINDS)]}&after={place}"
        asked.append((REVIEWER, f"GET /audit/v1/flags?{query}", "", ""))
    return asked
