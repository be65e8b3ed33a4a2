"""P13c: one case checked by the rules before it is filed, over HTTP: p99 on one connection.

The case bills 60 items and is of a mother with eight claims of the same hospital, each with 30
items, among 16,000 claims laid before.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import HOSPITALS, POOLS, Request, Stage, staged

RUNS = 5
SECONDS = 4
_PERSONS = 2_000
_FASTEST = 500
"""More checks a second than one connection gets answered."""
_INSTITUTION = next(code for pool, code, _ in HOSPITALS if pool == POOLS[0])
_LAY = """
insert into claim (
    pool_code, claim_id, institution_code, county_code, institution_level, stay_id, person_ref,
    pregnancy_id, benefit, insurance_type, expenditure_item, member_kind, admitted_on, event_on,
    discharged_on, settled_at, settled_on, account_month, total_fen, fund_fen, member_fen,
    member_account_fen, member_cash_fen, institution_fen, other_fund_fen, desk_fund_fen,
    desk_member_fen, out_of_scope_fen, line_count, book, engine, status, version, sex, age, weeks,
    items)
select $1, gen_random_uuid(), $2, $1, 3, 's' || p || '-' || n, 'person-' || p, 'g' || p,
    'prenatal', '510', 'maternity', 'employee', day, day, day, day + time '10:00', day,
    to_char(day, 'YYYY-MM'), 30000, 20000, 10000, 0, 10000, 0, 0, 20000, 10000, 0, 30, 'b', '1',
    'settled', 1, 'female', 30, 4 * n, $3::jsonb
from generate_series(1, $4) p, generate_series(1, 8) n,
    lateral (select date '2026-01-01' + 20 * n as day) of_visit
"""


def measure(_: set[str]) -> None:
    """Print P13c. Raises Void."""
    with staged("audit") as stage:
        asyncio.run(_lay(stage))
        stage.up()
        tails, middles = [], []
        for run in range(RUNS + 1):
            load = stage.send(_checks(run), SECONDS, connections=1)
            if load.refused:
                raise Void(f"{load.refused} refused")
            if run:  # the first warms up
                tails.append(load.p99_ms)
                middles.append(load.p50_ms)
    say(
        "P13c", statistics.median(tails), "ms", spread=spread(tails), required=20,
        p50_ms=statistics.median(middles),
    )  # fmt: skip


async def _lay(stage: Stage) -> None:
    day = "2026-03-01"
    items = [
        {"code": f"exam-{n}", "quantity": "1", "amount_fen": 1000, "in_scope_fen": 1000,
         "first_on": day, "last_on": day, "lines": 1, "days": 1}
        for n in range(30)
    ]  # fmt: skip
    connection = await asyncpg.connect(stage.laying_dsn)
    try:
        await connection.execute(_LAY, POOLS[0], _INSTITUTION, json.dumps(items), _PERSONS)
        await connection.execute("analyze claim")
    finally:
        await connection.close()


def _checks(seed: int) -> list[Request]:
    drawn = random.Random(seed)
    return [
        (_INSTITUTION, "POST /audit/v1/checks", "", _body(drawn, number))
        for number in range(_FASTEST * SECONDS)
    ]


def _body(drawn: random.Random, number: int) -> str:
    orders = [
        {"item_code": code, "quantity": "1", "amount": f"{drawn.randrange(10, 900)}.00",
         "charged_on": "2026-07-02", "list_price": "900.00"}
        for code in ("cesarean-section", "anaesthesia", *(f"lab-{n}" for n in range(58)))
    ]  # fmt: skip
    case = {
        "case_ref": f"ZY-{number}", "person_ref": f"person-{drawn.randrange(1, _PERSONS + 1)}",
        "benefit": "delivery", "insurance_type": "510", "admitted_on": "2026-07-01",
        "event_on": "2026-07-02", "discharged_on": "2026-07-05", "total": "9000.00",
        "sex": "female", "age": 30, "mode": "cesarean", "weeks": 39, "insured": True,
        "diagnoses": ["O82.000", "O24.900", "Z37.000"], "procedures": ["74.1x01"],
        "orders": orders,
    }  # fmt: skip
    return json.dumps({"stage": "in", "cases": [case]})
