"""P4: complete cases in batches of a hundred over HTTP, beside C2: a hundred in a transaction."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import defaultdict
from datetime import date, timedelta

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import Request, Stage, staged
from bench.stays import faults, lay
from bench.yardstick import Yardstick

PAIRS = 5
SECONDS = 8
CASES = 100
_LANES = 2
_LAID = 10_000
"""Cases for each run: two batches of each hospital, more than this machine settles meanwhile."""
_LINES = 8
# Their persons and pregnancies stay: what is sent opens stays of its own.
_TAKE_AWAY = """
with gone as (delete from stay where stay_id = any($1::uuid[])
              returning stay_id, institution_code, person_ref, pregnancy_id, admitted_on),
     lines as (delete from line using gone where line.stay_id = gone.stay_id),
     items as (delete from stay_items using gone where stay_items.stay_id = gone.stay_id)
select * from gone
"""


def measure(_: set[str]) -> None:
    """Print P4. Raises Void."""
    with staged() as stage:
        yardstick = Yardstick(stage.cluster)
        asyncio.run(yardstick.prepare())
        stage.up()
        rates, ceilings, settled = [], [], 0
        for number in range(PAIRS + 1):
            batches = asyncio.run(_batches(stage, _LAID))
            before = asyncio.run(_settled(stage.dsn))
            load = stage.send(batches, SECONDS, connections=_LANES)
            done = asyncio.run(_settled(stage.dsn)) - before
            if load.refused or done != load.done * CASES:
                raise Void(f"{load.refused} refused, {done} settled of {load.done * CASES}")
            settled += done
            if number:  # the first warms up
                rates.append(done / load.seconds)
                ceilings.append(asyncio.run(yardstick.c2(SECONDS)))
        found = asyncio.run(faults(stage.dsn, settled))
        if found:
            raise Void("; ".join(found))
    ratios = [rate / c2 for rate, c2 in zip(rates, ceilings, strict=True)]
    say(
        "P4", statistics.median(rates), "settlements/s", ceiling=statistics.median(ceilings),
        ratio=statistics.median(ratios), spread=spread(ratios), required=0.4, cases=CASES,
    )  # fmt: skip


async def _batches(stage: Stage, cases: int) -> list[Request]:
    """Requests of a hundred cases, each of one hospital."""
    fresh = await lay(stage.laying_dsn, cases, lines=1)
    connection = await asyncpg.connect(stage.laying_dsn)
    rows = await connection.fetch(_TAKE_AWAY, [stay for stay, _, _ in fresh])
    await connection.execute("vacuum (analyze) stay, stay_items, line")
    await connection.close()
    of_hospital: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        of_hospital[row["institution_code"]].append(_case(row))
    return [
        (code, "POST /settlement/v1/settlements:batch", f"batch-{code}-{first}",
         json.dumps({"cases": told[first : first + CASES]}))
        for first in range(0, cases, CASES)
        for code, told in of_hospital.items()
        if len(told) >= first + CASES
    ]  # fmt: skip


def _case(row: asyncpg.Record) -> dict[str, object]:
    admitted: date = row["admitted_on"]
    born, left = (str(admitted + timedelta(days=n)) for n in (1, 4))
    lines = [
        {"line_number": n, "item_code": f"item-{n}", "charged_on": born, "quantity": "2",
         "price": f"{200 + n}.50"}
        for n in range(1, _LINES + 1)
    ]  # fmt: skip
    total = sum(2 * (20050 + 100 * n) for n in range(1, _LINES + 1))
    return {
        "key": str(row["stay_id"]), "stay_number": str(row["stay_id"]),
        "person_ref": row["person_ref"], "pregnancy_id": str(row["pregnancy_id"]),
        "admitted_on": str(admitted), "lines": lines,
        "outcome": {"event_on": born, "discharged_on": left, "mode": "vaginal", "weeks": 39,
                    "total": f"{total // 100}.{total % 100:02d}"},
    }  # fmt: skip


async def _settled(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found: int = await connection.fetchval("select count(*) from settlement")
    await connection.close()
    return found
