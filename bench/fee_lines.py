"""P18: bills of a hundred fee lines over HTTP, beside COPY of the very same rows."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import POOLS, Request, staged
from bench.stays import lay
from shared.plumbing.clock import SystemClock, business_day

PAIRS = 5
SECONDS = 5
LINES = 100
_FASTEST = 600
"""More bills a second than this machine takes."""
_ITEMS = 40
# A stay that waits for its lines; the one that it was laid with stays.
_OPEN_AGAIN = """
update stay set state = 'open', version = 1, discharged_on = null, event_on = null, mode = null,
                infants = null, weeks = null, bill_fen = null
where stay_id = any($1::uuid[])
"""
_CATALOGUE = """
insert into catalogue_item
select pool, 'item-' || n, 'item ' || n, (array['a', 'a', 'b', 'c'])[1 + n % 4],
       case n % 4 when 2 then 0.1 else 0 end, case n % 4 when 0 then 4000 end,
       daterange('2020-01-01', null), 'bench', now()
from unnest($1::text[]) pool, generate_series(1, $2::int) n
"""


def measure(_: set[str]) -> None:
    """Print P18. Raises Void."""
    with staged() as stage, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)  # the server writes the file, as its own user
        file = Path(folder) / "lines"
        stage.up()
        asyncio.run(_run(stage.laying_dsn, _CATALOGUE, list(POOLS), _ITEMS))
        rates, ratios, ceilings, costs = [], [], [], []
        for number in range(PAIRS + 1):
            load = stage.send(_bills(stage.laying_dsn), SECONDS, connections=16)
            if load.refused or not load.done:
                raise Void(f"{load.refused} refused, {load.done} done")
            lines = load.done * LINES
            ceiling = asyncio.run(_copy(stage.laying_dsn, file, lines))
            if number:  # the first warms up
                rates.append(load.rate * LINES)
                ceilings.append(ceiling)
                ratios.append(load.rate * LINES / ceiling)
                costs.append(load.cpu_us / LINES)
    say(
        "P18", statistics.median(rates), "lines/s", ceiling=statistics.median(ceilings),
        ratio=statistics.median(ratios), spread=spread(ratios), required=0.2,
        us_per_line=round(statistics.median(costs), 1), lines_per_request=LINES,
    )  # fmt: skip


def _bills(dsn: str) -> list[Request]:
    fresh = asyncio.run(lay(dsn, _FASTEST * SECONDS, lines=1, tidy=False))
    asyncio.run(_run(dsn, _OPEN_AGAIN, [stay for stay, _, _ in fresh]))
    day = str(business_day(SystemClock().now()) - timedelta(days=19))
    lines = [
        {
            "line_number": number, "item_code": f"item-{number % _ITEMS + 1}", "charged_on": day,
            "quantity": "2", "price": f"{10 + number}.50",
        }
        for number in range(2, LINES + 2)
    ]  # fmt: skip
    body = json.dumps({"lines": lines})
    return [
        (institution, f"POST /settlement/v1/stays/{stay}/lines", stay, body)
        for stay, institution, _ in fresh
    ]


async def _copy(dsn: str, file: Path, rows: int) -> float:
    """Rows a second of PostgreSQL's binary COPY into a table with the same key and checks."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "drop table if exists bench_line; create table bench_line"
            " (like line including indexes including constraints)"
        )
        newest = f"select * from line order by stay_id desc limit {rows}"  # noqa: S608 - a number
        await connection.execute(f"copy ({newest}) to '{file}' (format binary)")
        await connection.execute("checkpoint")
        before = time.perf_counter()
        done = await connection.execute(f"copy bench_line from '{file}' (format binary)")
        return int(done.split()[1]) / (time.perf_counter() - before)
    finally:
        await connection.close()


async def _run(dsn: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement, *values)
    await connection.close()
