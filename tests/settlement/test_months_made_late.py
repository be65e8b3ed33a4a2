"""Nobody made the coming months for too long: rows lie in the tables' rest. The next migration
makes their months and moves them, while the service goes on."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from shared.plumbing.clock import business_day
from shared.plumbing.migrate import migrate
from tests.settlement.conftest import House
from tests.support.running import Client

PARTED = ("line", "log", "outbox", "posting")


async def _rows(owner: asyncpg.Pool[asyncpg.Record], table: str) -> list[str]:
    """Every row as text, whatever is told or sealed of it meanwhile."""
    left_out = "- 'position' - 'sent_at'"
    return [
        row[0]
        for row in await owner.fetch(
            f"select (to_jsonb(t) {left_out})::text from {table} t order by 1"  # noqa: S608
        )
    ]


async def _count(owner: asyncpg.Pool[asyncpg.Record], table: str, month: date) -> Any:
    return await owner.fetchval(f"select count(*) from {table} where month = $1", month)  # noqa: S608


async def test_a_month_is_made_although_rows_of_it_came_before(
    house: House, nanjing_a: Client
) -> None:
    today = business_day(house.clock.now())
    month = today.replace(day=1)
    stay, outcome = await house.ready_stay(nanjing_a)
    bill = {"total": outcome["total"]}
    settled = await nanjing_a.post(f"/stays/{stay}/settle", bill, "late")
    assert settled.status_code == 201
    dsn = house.running.settings.owner_dsn.get_secret_value()
    parted = await house.owner.fetch(
        "select oid::regclass::text as name from pg_class where relkind = 'p' order by 1"
    )
    assert tuple(row["name"] for row in parted) == PARTED
    before = {table: await _rows(house.owner, table) for table in PARTED}
    assert all([await _count(house.owner, f"{table}_rest", month) for table in PARTED])
    with pytest.raises(asyncpg.UndefinedTableError):
        await _count(house.owner, f"posting_{month:%Y%m}", month)

    asked = asyncio.create_task(nanjing_a.get(f"/settlements/{settled.json()['settlement_id']}"))
    await asyncio.to_thread(migrate, "settlement", dsn, today)
    assert (await asked).status_code == 200

    assert {table: await _rows(house.owner, table) for table in PARTED} == before
    for table in PARTED:
        assert await _count(house.owner, f"{table}_rest", month) == 0
        of_month = await _count(house.owner, f"{table}_{month:%Y%m}", month)
        assert of_month == await _count(house.owner, table, month) > 0
    # What was kept is found, and what comes now lies in its month.
    again = await nanjing_a.post(f"/stays/{stay}/settle", bill, "late")
    assert again.content == settled.content
    undone = await nanjing_a.post(f"/settlements/{settled.json()['settlement_id']}/reverse")
    assert undone.status_code == 201
    assert await _count(house.owner, "posting_rest", month) == 0
    # A second migration finds nothing to do.
    await asyncio.to_thread(migrate, "settlement", dsn, today)
    assert await _count(house.owner, f"posting_{month:%Y%m}", month) > of_month
