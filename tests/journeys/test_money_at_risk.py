"""From the bill to the queue: an operation billed twice, and what it costs whom under a quota."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.audit.domain.rule import read_rules
from services.audit.work.money_at_risk import MoneyAtRisk
from shared.plumbing.auth import add_client
from shared.plumbing.database import open_pool
from shared.plumbing.peer import Peer
from tests.settlement.conftest import House
from tests.support.agency import Agency, agency, made
from tests.support.postgres import ServiceDatabases
from tests.support.reviewing import raised_on

POOL, OTHER, HOSPITAL = "320100", "653000", "HA"
CATALOGUE = {"cesarean-section": {"item_class": "a"}, "anaesthesia": {"item_class": "a"}}


@pytest.fixture
async def whole(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[Agency]:
    async with agency(service_databases, tmp_path, None) as opened:
        await opened.open_for_business({POOL: {HOSPITAL: 3}, OTHER: {"HB": 3}})
        clerk = await opened.caller("settlement", "lister", "clerk", POOL)
        for item, facts in CATALOGUE.items():
            listed = {"item_code": item, "name": item, "start": "2020-01-01"} | facts
            await made(clerk.post("/catalogue-items", listed))
        yield opened
        await opened.close()


async def settled(whole: Agency, house: House) -> str:
    """A caesarean whose operation is on the bill twice: 3,000 yuan too much."""
    hospital = await whole.caller("settlement", "his", "hospital", POOL, HOSPITAL)
    person = await house.person(POOL)
    pregnancy = await house.pregnancy(hospital, person)
    admission = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                 "admitted_on": "2024-03-20"}  # fmt: skip
    stay = (await made(hospital.post("/stays", admission)))["stay_id"]
    bill = [("cesarean-section", "2", "3000.00"), ("anaesthesia", "1", "800.00")]
    lines = [
        {"line_number": n, "item_code": item, "charged_on": "2024-03-21", "quantity": quantity,
         "price": price}
        for n, (item, quantity, price) in enumerate(bill, 1)
    ]  # fmt: skip
    total = (await made(hospital.post(f"/stays/{stay}/lines", {"lines": lines})))["total"]
    record = {"discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": "cesarean",
              "total": total}  # fmt: skip
    await made(hospital.post(f"/stays/{stay}/discharge", record))
    return str(
        (await made(hospital.post(f"/stays/{stay}/settle", {"total": total})))["settlement_id"]
    )


async def test_under_a_quota_the_fund_loses_nothing_by_an_item_billed_twice(whole: Agency) -> None:
    settlement, audit = whole.services["settlement"], whole.services["audit"]
    owner = await open_pool(whole.databases["settlement"]["owner"], size=2)
    secret = await add_client(
        owner, client_id="service-audit", role="service", pool_code="", institution_code="",
        at=whole.clock.now(),
    )  # fmt: skip
    claim = await settled(whole, House(settlement, whole.clock, owner))
    reviewer = await whole.caller("audit", "reviewer", "reviewer", POOL)
    raised = await raised_on(reviewer, claim, "duplicate-charge")
    flag = await made(reviewer.get(f"/flags/{raised}"))
    assert flag["amount_at_risk"] == "3000.00"  # the rule knows the bill, and not who pays it
    peer = Peer(
        "settlement", "http://settlement", f"service-audit:{secret}",
        httpx.ASGITransport(settlement.app),
    )  # fmt: skip
    await MoneyAtRisk(audit.app.state.desk.pool, whole.clock, read_rules(), peer).ask()
    now = await made(reviewer.get(f"/flags/{flag['flag_id']}"))
    money = now["money_at_risk"]
    # The hospital bears what it billed twice. The quota contains the mother's share, which was so
    # much higher for it: the fund even paid 310 yuan less.
    assert now["amount_at_risk"] == "0.00"
    parts = (money["fund"], money["member"], money["institution"], money["refused"])
    assert parts == ("-310.00", "310.00", "3000.00", None)
    await peer.close()
    await owner.close()
