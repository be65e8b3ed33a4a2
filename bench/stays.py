"""Stays that wait for settlement, laid straight into the tables, and what must hold afterwards.

Laid as the service would have stored them: distinct persons with histories, registered
pregnancies, eight classed lines a stay whose sums stand on the stay, by item too, and coded
diagnoses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import asyncpg
import orjson

from bench.stage import HOSPITALS, Fresh
from shared.contracts.person import PaidMonths, PersonStateChanged, Spell
from shared.ids import new_id
from shared.money import Money
from shared.period import Month
from shared.plumbing.clock import SystemClock, business_day

# item, class, quantity, base price and price limit in fen, first co-payment
_LINES = """
(values (1, 'delivery', 'a', 1, 180000, null, 0.0), (2, 'bed', 'a', 4, 5000, 3500, 0.0),
        (3, 'oxytocin', 'b', 2, 1000, null, 0.1), (4, 'nursing', 'a', 4, 2600, null, 0.0),
        (5, 'monitoring', 'a', 6, 1800, null, 0.0), (6, 'blood-count', 'a', 2, 2000, null, 0.0),
        (7, 'ultrasound', 'b', 1, 11000, null, 0.2), (8, 'photo', 'c', 1, 9900, null, 0.0))
    as template(line_number, item_code, class, quantity, base_fen, limit_fen, copay_rate)
"""
_LAY_STAYS = """
insert into stay (pool_code, stay_id, institution_code, stay_number, person_ref, pregnancy_id,
                  state, version, month, admitted_on, discharged_on, event_on, mode, infants, weeks,
                  particulars)
select pool, stay_id, hospital, stay_id, person, pregnancy, 'discharged', 3,
       date_trunc('month', $6::date), $6, $6::date + 4, $6::date + 1,
       (array['vaginal', 'vaginal', 'assisted', 'cesarean'])[1 + n % 4], 1 + (n % 50 = 0)::int, 39,
       '{"diagnoses":["O80.000","Z37.000"],"procedures":["73.5900x001"]}'
from unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
    with ordinality as laid(pool, hospital, stay_id, pregnancy, person, n)
"""
_LAY_PREGNANCIES = """
insert into pregnancy
select pool, pregnancy, person, hospital, daterange($5::date - 240, null), null, $6, 1
from unnest($1::text[], $2::text[], $3::uuid[], $4::text[])
    as laid(pool, hospital, pregnancy, person)
"""
_LAY_PERSONS = """
insert into person_state
select pool, person, 1, replace(convert_from($3, 'UTF8'), 'PERSON', person)::json, $4
from unnest($1::text[], $2::text[]) as laid(pool, person)
"""
_LAY_LINES = f"""
insert into line
select month, pool_code, stay_id, line_number, institution_code, institution_code, item_code,
       admitted_on, quantity, price, amount, class,
       amount - outside - above - copay, outside, above, copay
from (
    select *, case class when 'b' then round((amount - above) * copay_rate) else 0 end as copay
    from (
        select *, quantity * price as amount,
               case class when 'c' then quantity * price else 0 end as outside,
               coalesce(greatest(price - limit_fen, 0) * quantity, 0) as above
        from (
            select stay.*, template.*, base_fen + abs(hashtext(stay_number)) % 500 as price
            from stay cross join {_LINES}
            where stay_id = any($1::uuid[]) and ($2 >= line_number)
        ) priced
    ) counted
) classed
"""  # noqa: S608 - our own constant
_SUM_LINES = """
update stay set line_count = s.lines, total_fen = s.total, bill_fen = s.total,
       in_scope_fen = s.inside, out_of_scope_fen = s.outside,
       over_limit_fen = s.above, first_copay_fen = s.copay
from (select pool_code, stay_id, count(*) as lines, sum(amount_fen) as total,
             sum(in_scope_fen) as inside, sum(out_of_scope_fen) as outside,
             sum(over_limit_fen) as above, sum(first_copay_fen) as copay
      from line where stay_id = any($1::uuid[]) group by pool_code, stay_id) s
where stay.pool_code = s.pool_code and stay.stay_id = s.stay_id
returning stay.stay_id, stay.institution_code, stay.total_fen
"""
_LAY_ITEMS = """
insert into stay_items (pool_code, stay_id, institution_code, items, left_out)
select pool_code, stay_id, institution_code,
       json_agg(json_build_object(
           'code', item_code, 'quantity', trim_scale(quantity)::text,
           'amount', (amount_fen / 100.0)::numeric(16, 2)::text,
           'in_scope', (in_scope_fen / 100.0)::numeric(16, 2)::text,
           'first_on', charged_on, 'last_on', charged_on, 'lines', 1, 'days', 1)
           order by amount_fen desc), 0
from line where stay_id = any($1::uuid[]) group by pool_code, stay_id, institution_code
"""
_BATCH = 10_000


async def lay(
    dsn: str,
    count: int,
    *,
    lines: int = 8,
    tidy: bool = True,
    hospitals: Sequence[tuple[str, str, int]] = HOSPITALS,
) -> Fresh:
    """Lay stays of distinct persons, by turns in the hospitals; `dsn` is the superuser's.

    `tidy` vacuums what was laid, which otherwise would go on behind the run and count as its cost.
    """
    connection = await asyncpg.connect(dsn)
    try:
        # Foreign keys hold by construction here, and looking at each would take minutes.
        await connection.execute("set session_replication_role = replica")
        laid: list[tuple[str, str, str]] = []
        while len(laid) < count:
            some = min(_BATCH, count - len(laid))
            laid += await _lay_batch(connection, some, lines, hospitals)
        if tidy:
            await connection.execute(
                "vacuum (analyze) stay, stay_items, line, pregnancy, person_state"
            )
            await connection.execute("checkpoint")
        return laid
    finally:
        await connection.close()


async def _lay_batch(
    connection: asyncpg.Connection[asyncpg.Record],
    count: int,
    lines: int,
    places: Sequence[tuple[str, str, int]],
) -> list[tuple[str, str, str]]:
    now = SystemClock().now()
    admitted = business_day(now) - timedelta(days=20)
    hospitals = [places[n % len(places)] for n in range(count)]
    pools, codes = [pool for pool, _, _ in hospitals], [code for _, code, _ in hospitals]
    persons = [uuid4().hex for _ in range(count)]
    pregnancies, stays = [new_id() for _ in range(count)], [new_id() for _ in range(count)]
    async with connection.transaction():
        for pool in sorted(set(pools)):
            of_pool = [p for p, own in zip(persons, pools, strict=True) if own == pool]
            state = _state(pool, admitted)
            await connection.execute(_LAY_PERSONS, [pool] * len(of_pool), of_pool, state, now)
        await connection.execute(
            _LAY_PREGNANCIES, pools, codes, pregnancies, persons, admitted, now
        )
        await connection.execute(_LAY_STAYS, pools, codes, stays, pregnancies, persons, admitted)
        await connection.execute(_LAY_LINES, stays, lines)
        rows = await connection.fetch(_SUM_LINES, stays)
        await connection.execute(_LAY_ITEMS, stays)
    return [(str(stay), code, Money(total).to_wire()) for stay, code, total in rows]


def _state(pool: str, on: date) -> bytes:
    """A history of six years with a gap, paid up to the month before."""
    month = Month.of(on)
    state = PersonStateChanged.model_validate(
        {
            "person_ref": "PERSON", "state_version": 1,
            "spells": [
                Spell(pool_code=pool, county_code=pool, kind="employee",
                      insurance=["310", "510"], start="2020-01-01", end=None)
            ],
            "paid": [
                PaidMonths(first="2020-01", last="2021-06"),
                PaidMonths(first="2022-01", last=str(month)),
            ],
            "sex": "female", "birth_month": "1994-06",
        }
    )  # fmt: skip
    return orjson.dumps(state.model_dump())


_BALANCE = """
select (select count(*) from settlement where reverses is null) as settlements,
       (select count(*) from claim where state = 'settled') as claims,
       (select count(distinct object_id) from idempotency
        where operation in ('settle', '2304')) as keys,
       (select count(*) from outbox where type = 'settlement.claim.settled') as told,
       (select count(*) from log where action = 'settle') as logged,
       (select count(*) from stay where state = 'settled') as stays,
       (select coalesce(sum(amount_fen), 0) from posting) as ledger,
       (select count(*) from (select 1 from posting group by settlement_id
                              having sum(amount_fen) <> 0) uneven) as uneven,
       (select count(distinct settlement_id) from posting) as posted
"""


async def faults(dsn: str, settled: int, *, unlogged: int = 0) -> list[str]:
    """What does not hold after `settled` claims; nothing where the run counts.

    `unlogged` of them were laid in bulk, without outbox and log rows.
    """
    connection = await asyncpg.connect(dsn)
    row = await connection.fetchrow(_BALANCE)
    await connection.close()
    assert row is not None
    found = [
        f"{row[what]} {what} for {settled} claims"
        for what in ("settlements", "claims", "keys", "stays", "posted")
        if row[what] != settled
    ]
    found += [
        f"{row[what]} {what} for {settled - unlogged} answers"
        for what in ("told", "logged")
        if row[what] != settled - unlogged
    ]
    if row["ledger"] or row["uneven"]:
        found.append(f"the ledger does not balance: {row['ledger']} fen, {row['uneven']} entries")
    return found
