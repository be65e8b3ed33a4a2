"""Settled claims laid in bulk: genuine ones, multiplied under new names.

One line a stay, and neither outbox nor log rows, as where their old months were dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import asyncpg

from shared.ids import new_id

_BATCH = 20_000
_NAMES = """
create temp table name (
    n bigint, settlement_id uuid, stay_id uuid, pregnancy_id uuid, person_ref text,
    of_settlement uuid, of_stay uuid, of_pregnancy uuid, of_person text)
"""
_TAKE_NAMES = """
with genuine as (
    select row_number() over () - 1 as at, count(*) over () as of, s.* from genuine_settlement s
)
insert into name
select n, laid.settlement_id, laid.stay_id, laid.pregnancy_id, laid.person_ref,
       g.settlement_id, g.stay_id, g.pregnancy_id, g.person_ref
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
    with ordinality as laid(settlement_id, stay_id, pregnancy_id, person_ref, n)
join genuine g on g.at = n % g.of
"""
# The genuine rows apart: in the growing tables they would be found more and more slowly.
_GENUINE = """
create temp table genuine_settlement as select * from settlement order by settlement_id limit 10;
create temp table genuine_person_state as
    select * from person_state where person_ref in (select person_ref from genuine_settlement);
create temp table genuine_pregnancy as
    select * from pregnancy where pregnancy_id in (select pregnancy_id from genuine_settlement);
create temp table genuine_stay as
    select * from stay where stay_id in (select stay_id from genuine_settlement);
create temp table genuine_line as
    select * from line
    where stay_id in (select stay_id from genuine_settlement) and line_number = 1;
create temp table genuine_claim as
    select * from claim where settlement_id in (select settlement_id from genuine_settlement);
create temp table genuine_posting as
    select * from posting where settlement_id in (select settlement_id from genuine_settlement);
create temp table genuine_idempotency as
    select * from idempotency where object_id in (select settlement_id from genuine_settlement);
"""
# Which genuine rows a name multiplies, and what the copies say instead.
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "person_state": (
        "t.person_ref = name.of_person",
        {
            "person_ref": "name.person_ref",
            "state": "replace(t.state::text, t.person_ref, name.person_ref)::json",
        },
    ),
    "pregnancy": ("t.pregnancy_id = name.of_pregnancy", {}),
    "stay": ("t.stay_id = name.of_stay", {"stay_number": "name.stay_id::text"}),
    "line": ("t.stay_id = name.of_stay", {}),
    "settlement": ("t.settlement_id = name.of_settlement", {}),
    "claim": (
        "t.settlement_id = name.of_settlement",
        # Only a surgery's claim names its person.
        {"person_ref": "case when t.person_ref is not null then name.person_ref end"},
    ),
    "posting": ("t.settlement_id = name.of_settlement", {"posting_id": "gen_random_uuid()"}),
    "idempotency": (
        "t.object_id = name.of_settlement",
        {"object_id": "name.settlement_id", "key": "name.stay_id::text"},
    ),
}
_OWN = ("settlement_id", "stay_id", "pregnancy_id", "person_ref")


async def lay_settled(dsn: str, count: int) -> None:
    """Lay `count` settled claims, made of those that the service has settled; by the superuser."""
    connection = await asyncpg.connect(dsn)
    try:
        # Foreign keys hold by construction here, and looking at each would take minutes.
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_NAMES + ";" + _GENUINE)
        copies = [await _copy(connection, table) for table in _TABLES]
        for start in range(0, count, _BATCH):
            some = min(_BATCH, count - start)
            async with connection.transaction():
                await connection.execute("truncate name")
                ids = [[new_id() for _ in range(some)] for _ in range(3)]
                await connection.execute(_TAKE_NAMES, *ids, [uuid4().hex for _ in range(some)])
                await connection.execute("analyze name")
                for copy in copies:
                    await connection.execute(copy)
        if count > _BATCH:  # as autovacuum leaves a table of that size
            await connection.execute(f"vacuum (analyze) {', '.join(_TABLES)}")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def _copy(connection: asyncpg.Connection[asyncpg.Record], table: str) -> str:
    of, said = _TABLES[table]
    columns = await connection.fetch(
        "select attname from pg_attribute where attrelid = $1::regclass::oid and attnum > 0"
        " and not attisdropped order by attnum",
        table,
    )
    names = [row["attname"] for row in columns]
    own = {name: f"name.{name}" for name in _OWN}
    values = ", ".join({**own, **said}.get(name, f"t.{name}") for name in names)
    return (
        f"insert into {table} ({', '.join(names)}) "  # noqa: S608 - our own names
        f"select {values} from name join genuine_{table} t on {of} order by name.n"
    )
