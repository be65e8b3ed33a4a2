"""The tenant wall: row-level security alone, whatever a statement forgot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.verify import reconciliation
from shared.plumbing.database import AGENCY, Connection, open_pool, transaction
from tests.settlement.conftest import NANJING, House, house_of_the_file

A, B = f"H{NANJING}a", f"H{NANJING}b"
SERVICE, GROUP = "settlement_service", "settlement_group"
OPEN = {*reconciliation.OPEN, *reconciliation.MEET["settlement"]}
_NAMING_A_HOSPITAL = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  and a.attname = 'institution_code' and has_table_privilege($1, c.oid, 'select')
order by 1
"""
_WALLED = """
select relname from pg_class join pg_policy on polrelid = pg_class.oid
where relrowsecurity and polname = 'wall' and polcmd = '*'
"""


async def _walled(house: House, role: str = SERVICE) -> list[str]:
    """The tables of hospitals' rows that a role may read, save those that stand open."""
    named = await house.owner.fetch(_NAMING_A_HOSPITAL, role)
    return [row["relname"] for row in named if row["relname"] not in OPEN]


@asynccontextmanager
async def _as(house: House, role: str, *callers: str) -> AsyncIterator[Connection]:
    settings = house.running.settings
    dsn = {"service": settings.service_dsn, "group": settings.group_dsn}[role]
    pool = await open_pool(dsn.get_secret_value(), size=1)
    try:
        async with transaction(pool, callers) as tx:
            yield tx
    finally:
        await pool.close()


async def _seen(tx: Connection, table: str) -> set[str]:
    rows = await tx.fetch(f"select distinct institution_code from {table}")  # noqa: S608
    return {row["institution_code"] for row in rows} & {A, B}


house = house_of_the_file()


_PROPOSE = """
insert into adjustment select (jsonb_populate_record(null::adjustment, to_jsonb(s) ||
    jsonb_build_object('adjustment_id', $2::uuid, 'cause', 'person:2', 'state', 'proposed',
    'state_version', 2, 'met', '[]'::jsonb, 'corrections', '[]'::jsonb, 'revisions', '[]'::jsonb,
    'proposed_by', 'clerk', 'proposed_at', s.settled_at, 'account_month', null))).*
from settlement s where settlement_id = $1
"""


_TOLD = (
    "insert into his_profile (pool_code, institution_code, terms, sealed_secret, proposed_by,"
    " proposed_at) select $1, $3, '{}', '', $2::uuid::text, $4",
    "insert into used_nonce select $3, $1 || $2::uuid::text, $4",
    "insert into encounter values ($1, $2, $3, 'p', '{}', $4)",
    "insert into told_line select $1, $2, $3, to_char($4::timestamptz, 'YYYY'), '1', 1",
    "insert into doubt values ($1, gen_random_uuid(), $3, $2, 'k', '{}', $4)",
    "insert into settlement_list"
    " (pool_code, settlement_id, institution_code, stay_id, told, told_at)"
    " select $1, settlement_id, $3, stay_id, '{}', $4 from settlement where stay_id = $2",
    "insert into told_warning values ($1, $2, $3, $2, 'c', 'r', $4)",
    "insert into warning_reply values ($1, $2, $3, $2, $2, 'c', 'r', 'corrected', '', $4)",
)


@pytest.fixture(scope="module")
async def two(house: House) -> House:
    """Both hospitals have a row in each walled table."""
    nanjing_a, nanjing_b = (house.hospitals[f"{letter}-{NANJING}"] for letter in "ab")
    for hospital, code in ((nanjing_a, A), (nanjing_b, B)):
        stay, outcome = await house.ready_stay(hospital)
        answer = await hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
        assert answer.status_code == 201
        other, _ = await house.ready_stay(hospital, discharge=False)
        for line in (1, 2):
            body = {"line_numbers": [line]}
            assert (await hospital.post(f"/stays/{other}/lines:cancel", body)).status_code == 201
        mapped = {"own_code": "b1", "own_name": "床位", "item_code": "bed"}
        assert (await hospital.post("/item-mappings", mapped)).status_code == 201
        sums = {"total": "1.00", "fund": "1.00", "account": "0.00"}
        row = {"settlement_id": str(uuid4())} | sums
        book = {"since": "2024-03-01", "until": "2024-03-31", "totals": sums | {"rows": 1}}
        held = await hospital.post("/reconciliations", book | {"rows": [row]})
        assert held.status_code == 201
        await house.owner.execute(
            "insert into exchanged_file"
            " select $1, $2, $3, 'a', 'x', at, at + interval '1 day'"
            " from (select $4::timestamptz as at) now",
            NANJING, uuid4(), code, house.clock.now(),
        )  # fmt: skip
        await house.owner.execute(
            "insert into deduction values ($1, $2, $3, $4, $4, 1, 100, 'pending', $5)",
            NANJING, uuid4(), UUID(answer.json()["settlement_id"]), code, house.clock.now(),
        )  # fmt: skip
        await house.owner.execute(_PROPOSE, UUID(answer.json()["settlement_id"]), uuid4())
        for told in _TOLD:
            await house.owner.execute(told, NANJING, UUID(stay), code, house.clock.now())
    for table in await _walled(house):
        async with _as(house, "service", AGENCY) as tx:
            assert await _seen(tx, table) == {A, B}, table
    return house


async def test_every_table_that_names_a_hospital_stands_behind_the_wall(two: House) -> None:
    walled = {row["relname"] for row in await two.owner.fetch(_WALLED)}
    naming = {row["relname"] for row in await two.owner.fetch(_NAMING_A_HOSPITAL, SERVICE)}
    assert naming == walled | OPEN
    of_group = {row["relname"] for row in await two.owner.fetch(_NAMING_A_HOSPITAL, GROUP)}
    assert of_group <= naming


async def test_a_hospital_sees_its_own_rows_only(two: House) -> None:
    for table in await _walled(two):
        for callers, seen in (((A,), {A}), ((B,), {B}), ((A, B), {A, B}), (("H9",), set())):
            async with _as(two, "service", *callers) as tx:
                assert await _seen(tx, table) == seen, (table, callers)


async def test_the_group_sees_its_callers_rows_only(two: House) -> None:
    tables = await _walled(two, GROUP)
    assert tables
    for table in tables:
        for callers, seen in (((A,), {A}), ((A, B), {A, B}), ((), set())):
            async with _as(two, "group", *callers) as tx:
                assert await _seen(tx, table) == seen, (table, callers)


async def test_without_a_caller_nothing_is_seen(two: House) -> None:
    pool = await open_pool(two.running.settings.service_dsn.get_secret_value(), size=1)
    for table in await _walled(two):
        assert await pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608
    await pool.close()


async def test_no_institution_can_be_called_like_the_agency(two: House) -> None:
    answer = await two.clerks[NANJING].post(
        "/agreements", {"institution_code": AGENCY, "level": 3, "start": "2020-01-01"}
    )
    assert answer.status_code == 400


_COPY = """
insert into {table} select (jsonb_populate_record(old, $1::jsonb)).*
from {table} old where institution_code = '{mine}' limit 1
"""


@pytest.mark.parametrize("table", ["stay", "line", "settlement", "posting"])
async def test_another_hospitals_row_is_not_written(two: House, table: str) -> None:
    """The policy refuses a row of somebody else's, the CHECK one that is not the caller's."""
    new = f'{{"institution_code": "{B}", "caller": "{B}", "stay_number": "{uuid4()}", '
    new += f'"stay_id": "{uuid4()}", "posting_id": "{uuid4()}", "settlement_id": "{uuid4()}"}}'
    async with _as(two, "service", A) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await tx.execute(_COPY.format(table=table, mine=A), new)


@pytest.mark.parametrize("table", ["line", "settlement"])
async def test_the_check_refuses_a_caller_who_is_not_the_institution(
    two: House, table: str
) -> None:
    new = f'{{"caller": "{B}", "line_number": 99, "settlement_id": "{uuid4()}"}}'
    async with _as(two, "service", A) as tx:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await tx.execute(_COPY.format(table=table, mine=A), new)
    check = await two.owner.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conname = $1 and conrelid = $2::text::regclass",
        refused.value.constraint_name, table,
    )  # fmt: skip
    assert check == "CHECK ((caller = institution_code))"


async def test_a_settlement_of_another_hospitals_stay_breaks_the_key(two: House) -> None:
    """Also where no wall stands: the owner tries."""
    theirs = await two.owner.fetchval("select stay_id from stay where institution_code = $1", B)
    new = f'{{"stay_id": "{theirs}", "settlement_id": "{uuid4()}"}}'
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await two.owner.execute(_COPY.format(table="settlement", mine=A), new)


async def test_no_process_role_can_pass_the_wall(two: House) -> None:
    rows = await two.owner.fetch(
        "select rolname, rolsuper, rolbypassrls from pg_roles where rolname = any($1)",
        ["settlement_service", "settlement_group"],
    )
    assert len(rows) == 2
    assert not any(row["rolsuper"] or row["rolbypassrls"] for row in rows)
    owned = await two.owner.fetchval(
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner"
        " where r.rolname = any($1)",
        ["settlement_service", "settlement_group"],
    )
    assert owned == 0
