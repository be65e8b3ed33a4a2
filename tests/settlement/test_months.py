"""Months of the ledger: closed in their order, and never posted into again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import uuid4

from services.settlement.heard import contribution
from services.settlement.store import periods
from shared.contracts.person import ContributionPosted
from shared.plumbing.bus.record import Event, Record
from shared.plumbing.clock import to_wire
from shared.plumbing.database import AGENCY, transaction
from tests.settlement.conftest import KIZILSU, NANJING, House, sessions_wait
from tests.support.agency import made
from tests.support.running import Client

MARCH_ENDS = datetime(2024, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC)


async def finance_on(house: House, at: datetime, pool: str = NANJING) -> Client:
    """It is now so late; who closes the pool's months."""
    house.clock.at = at
    return await house.running.caller(f"finance-{uuid4()}", "finance", pool)


def told(at: datetime, pool: str = NANJING) -> Event:
    """Enrollment booked 630.00 at an instant."""
    event = ContributionPosted(
        contribution_id=str(uuid4()), person_ref="p", pool_code=pool, county_code=pool,
        kind="employee", month="2024-03", base="6000.00", employer="510.00", individual="120.00",
        posted_at=to_wire(at), document="d", article="a",
    )  # fmt: skip
    record = Record(event.topic, 0, 1, event.contribution_id, {}, event.to_bytes())
    return Event(uuid4(), event.type, event.contribution_id, 1, record)


async def heard(house: House, *events: Event) -> None:
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        await contribution.handle(tx, events)


async def moved(house: House, pool: str = NANJING) -> Sequence[tuple[str, int, datetime]]:
    """What came in, by month of account."""
    rows = await house.owner.fetch(
        "select to_char(month, 'YYYY-MM') as month, amount_fen, posted_at from posting"
        " where account = 'bank' and pool_code = $1 order by month, posted_at", pool,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def kept(house: House) -> dict[str, int]:
    """What was kept of the bank's movement when a month was closed."""
    rows = await house.owner.fetch("select * from period_balance where account = 'bank'")
    return {f"{row['month']:%Y-%m}": row["amount_fen"] for row in rows}


async def test_what_is_heard_after_the_close_is_income_of_the_first_open_month(
    house: House,
) -> None:
    await heard(house, told(MARCH_ENDS))
    finance = await finance_on(house, datetime(2024, 4, 2, tzinfo=UTC))
    await made(finance.post("/periods", {"month": "2024-03"}))
    in_april = datetime(2024, 4, 1, 3, 0, tzinfo=UTC)
    await heard(house, told(MARCH_ENDS), told(in_april), told(MARCH_ENDS, KIZILSU))
    assert await moved(house) == [
        ("2024-03", 63000, MARCH_ENDS), ("2024-04", 63000, MARCH_ENDS),
        ("2024-04", 63000, in_april),
    ]  # fmt: skip
    assert await moved(house, KIZILSU) == [("2024-03", 63000, MARCH_ENDS)]
    finance = await finance_on(house, datetime(2024, 5, 2, tzinfo=UTC))
    await made(finance.post("/periods", {"month": "2024-04"}))
    await heard(house, told(MARCH_ENDS))
    assert (await moved(house))[-1] == ("2024-05", 63000, MARCH_ENDS)
    assert await kept(house) == {"2024-03": 63000, "2024-04": 126000}


async def test_months_are_closed_in_their_order(house: House) -> None:
    await heard(house, told(datetime(2024, 1, 9, tzinfo=UTC)), told(MARCH_ENDS))
    finance = await finance_on(house, datetime(2024, 5, 2, tzinfo=UTC))
    refused = await finance.post("/periods", {"month": "2024-03"})
    assert (refused.status_code, refused.json()["code"]) == (409, "1035-earlier-period-open")
    assert await house.owner.fetchval("select count(*) from closed_period") == 0
    await made(finance.post("/periods", {"month": "2024-01"}))
    # February holds nothing: nobody need close it.
    await made(finance.post("/periods", {"month": "2024-03"}))
    closed = await finance.post("/periods", {"month": "2024-03"})
    assert closed.json()["code"] == "1025-period-closed"
    elsewhere = await finance_on(house, house.clock.at, KIZILSU)
    await made(elsewhere.post("/periods", {"month": "2024-04"}))


async def test_who_posts_and_who_closes_wait_for_each_other(house: House) -> None:
    finance = await finance_on(house, datetime(2024, 4, 2, tzinfo=UTC))
    pool = house.running.app.state.office.pool
    async with transaction(pool, [AGENCY]) as tx:
        await contribution.handle(tx, [told(MARCH_ENDS)])
        await heard(house, told(MARCH_ENDS))  # who posts does not wait for another who posts
        closing = asyncio.create_task(made(finance.post("/periods", {"month": "2024-03"})))
        await sessions_wait(house, 1)
        assert not closing.done()
    await closing
    assert await kept(house) == {"2024-03": 126000}
    async with transaction(pool, [AGENCY]) as tx:
        await periods.lock(tx, NANJING)
        posting = asyncio.create_task(heard(house, told(datetime(2024, 4, 1, 9, tzinfo=UTC))))
        await sessions_wait(house, 1)
        assert not posting.done()
        await periods.close(tx, NANJING, date(2024, 4, 1), "x", house.clock.now())
    await posting
    assert [month for month, *_ in await moved(house)] == ["2024-03", "2024-03", "2024-05"]
