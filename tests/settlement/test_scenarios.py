"""Courses that go wrong by their order or their dates, not by a value: each ends as it must.

The names are those of `tests/contracts/covered.toml`.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.settlement.conftest import KIZILSU, NANJING, House
from tests.support.agency import made
from tests.support.running import Client

TWINS = 100


async def standing(house: House, stay: str) -> tuple[int, int]:
    """Settlements of a stay that stand, and what its postings come to."""
    row = await house.owner.fetchrow(
        "select (select count(*) from claim where stay_id = $1::text::uuid and state = 'settled'),"
        " (select coalesce(sum(amount_fen), 0)::bigint from posting)",
        stay,
    )
    assert row is not None
    return tuple(row)


async def test_a_hundred_of_one_request_at_once_settle_once(
    house: House, nanjing_a: Client
) -> None:
    """SCN-001."""
    stay, outcome = await house.ready_stay(nanjing_a)
    before = await house.counts()
    body, key = {"total": outcome["total"]}, uuid4().hex
    answers = await asyncio.gather(
        *(nanjing_a.post(f"/stays/{stay}/settle", body, key) for _ in range(TWINS))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    for waiting in (answer for answer in answers if answer.status_code == 409):
        assert waiting.json()["retryable"]
        assert "retry-after" in waiting.headers
    now = await house.counts()
    assert [now[t] - before[t] for t in ("settlement", "claim", "idempotency")] == [1, 1, 1]
    told = "select count(*) from outbox where type = 'settlement.claim.settled'"
    assert await house.owner.fetchval(told) == 1


async def test_a_key_says_nothing_in_another_operation(house: House, nanjing_a: Client) -> None:
    """SCN-004: a key is its caller's for one operation. The reversal is done once, and
    the settlement's own answer still lies under it."""
    stay, outcome = await house.ready_stay(nanjing_a)
    body, key = {"total": outcome["total"]}, uuid4().hex
    settled = await nanjing_a.post(f"/stays/{stay}/settle", body, key)
    undo = f"/settlements/{settled.json()['settlement_id']}/reverse"
    undone = [await nanjing_a.post(undo, key=key) for _ in range(2)]
    assert [answer.status_code for answer in undone] == [201, 201]
    assert undone[0].content == undone[1].content != settled.content
    assert (await nanjing_a.post(f"/stays/{stay}/settle", body, key)).content == settled.content
    assert await standing(house, stay) == (0, 0)


async def test_a_settling_and_its_reversal_at_once_are_one_after_the_other(
    house: House, nanjing_a: Client
) -> None:
    """SCN-013: the settlement that stood is reversed; settled anew is the stay, or it is not."""
    outcomes = set()
    for _ in range(8):
        stay, outcome = await house.ready_stay(nanjing_a)
        bill = {"total": outcome["total"]}
        first = await made(nanjing_a.post(f"/stays/{stay}/settle", bill))
        undone, again = await asyncio.gather(
            nanjing_a.post(f"/settlements/{first['settlement_id']}/reverse"),
            nanjing_a.post(f"/stays/{stay}/settle", bill),
        )
        assert undone.status_code == 201, undone.text
        assert again.status_code in (201, 409), again.text
        assert await standing(house, stay) == (int(again.status_code == 201), 0)
        outcomes.add(again.status_code)
    assert outcomes


async def test_a_place_in_anothers_list_shows_nothing_of_it(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    """SCN-019: a cursor is a place in the caller's own list, whoever was given it."""
    mine: dict[str, set[str]] = {}
    for hospital in (nanjing_a, nanjing_b):
        for code in "xyz":
            await made(hospital.post("/item-mappings", mapping(code)))
        listed = await made(hospital.get("/item-mappings", state="proposed", limit=10))
        mine[hospital.institution] = {item["mapping_id"] for item in listed["items"]}
    whole = mine[nanjing_b.institution]
    assert len(whole) == 3
    for place in mine[nanjing_a.institution]:
        page = await made(nanjing_b.get("/item-mappings", state="proposed", after=place, limit=10))
        assert {item["mapping_id"] for item in page["items"]} <= whole


def mapping(code: str) -> dict[str, Any]:
    return {"own_code": code, "own_name": "床位", "item_code": "bed"}


@pytest.mark.parametrize(
    "change",
    [
        {"discharged_on": "2099-01-01"},
        {"discharged_on": "2099-01-01", "event_on": "2099-01-01"},
        {"discharged_on": "2024-03-29"},  # the day after today
    ],
)
async def test_a_stay_that_ends_in_the_future_is_not_settled(
    house: House, nanjing_a: Client, change: dict[str, str]
) -> None:
    """DAT-042."""
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, body = await house.stay(nanjing_a, person, pregnancy, discharge=False)
    before = await house.counts()
    answer = await nanjing_a.post(f"/stays/{stay}/discharge", body | change)
    assert 400 <= answer.status_code < 500, answer.text
    refused = await nanjing_a.post(f"/stays/{stay}/settle", {"total": body["total"]})
    assert 400 <= refused.status_code < 500, refused.text
    assert await house.counts() == before
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", body)).status_code == 201


@pytest.mark.parametrize(
    ("last", "paid"), [("2024-01", False), ("2024-02", False), ("2024-03", True), ("2024-04", True)]
)
async def test_a_birth_about_the_month_in_which_contributions_stop(
    house: House, last: str, paid: bool
) -> None:
    """DAT-044: born on 2024-03-21; benefits stop with the first month that is not paid."""
    hospital = house.hospitals[f"a-{KIZILSU}"]
    person = await house.person(KIZILSU, last=last)
    stay, outcome = await house.stay(hospital, person, await house.pregnancy(hospital, person))
    answer = await hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert (answer.status_code == 201) == paid, answer.text
    if not paid:
        assert answer.json()["code"] == "2001-interrupted"


async def test_a_line_is_rounded_half_up_and_the_bill_held_to_it(
    house: House, nanjing_a: Client
) -> None:
    """MON-047: 0.335 times 3.00 is 1.005, and so 1.01; a bill of 1.00 is not its own."""
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, body = await house.stay(nanjing_a, person, pregnancy, discharge=False)
    line = {"line_number": 9, "item_code": "bed", "charged_on": "2024-03-21", "quantity": "0.335",
            "price": "3.00"}  # fmt: skip
    before = Decimal(body["total"])
    said = await made(nanjing_a.post(f"/stays/{stay}/lines", {"lines": [line]}))
    assert said["total"] == str(before + Decimal("1.01"))
    for total, status in ((str(before + Decimal("1.00")), 422), (said["total"], 201)):
        answer = await nanjing_a.post(f"/stays/{stay}/discharge", body | {"total": total})
        assert answer.status_code == status, answer.text
