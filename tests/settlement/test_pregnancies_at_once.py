"""A pregnancy is corrected or cancelled while something of it is opened or settled: in either
order, and at the same moment, one of the two gives way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.settlement.conftest import NANJING, House, house_of_the_file, sessions_wait
from tests.support.running import Client

SETTLED, GONE = (201, ""), (404, "1016-pregnancy-unknown")
BY_NOW_SETTLED = (409, "1090-pregnancy-settled")
HAS_STAYS = (409, "1091-pregnancy-has-stays")
BORN_BEFORE = (422, "1021-birth-before-pregnancy")
Call = Coroutine[Any, Any, httpx.Response]


house = house_of_the_file()


def _heard(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def _in_this_order(
    house: House, pregnancy: str, first: Call, second: Call
) -> list[tuple[int, str]]:
    """What two calls hear that both reach the pregnancy's row while somebody else holds it, and get
    it in this order."""
    async with house.owner.acquire() as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute(
            "select from pregnancy where pregnancy_id = $1 for update", UUID(pregnancy)
        )
        calls = []
        for number, call in enumerate((first, second), 1):
            calls.append(asyncio.create_task(call))
            await sessions_wait(house, number)
        await held.rollback()
    return [_heard(await call) for call in calls]


async def _ready(house: House, desk: Client) -> tuple[str, str, Call]:
    """A pregnancy, with whom; and the settling of its birth."""
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(desk, person)
    stay, outcome = await house.stay(desk, person, pregnancy)
    return person, pregnancy, desk.post(f"/stays/{stay}/settle", {"total": outcome["total"]})


def _later(desk: Client, pregnancy: str) -> Call:
    """Corrected so that the birth lies before it."""
    return desk.post(f"/pregnancies/{pregnancy}/correct", {"since": "2024-03-22"})


def _cancel(desk: Client, pregnancy: str) -> Call:
    return desk.post(f"/pregnancies/{pregnancy}/cancel")


async def test_a_birth_is_settled_or_its_pregnancy_corrected(
    house: House, nanjing_a: Client
) -> None:
    _, pregnancy, settle = await _ready(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, settle, _later(nanjing_a, pregnancy))
    assert heard == [SETTLED, BY_NOW_SETTLED]
    _, pregnancy, settle = await _ready(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, _later(nanjing_a, pregnancy), settle)
    assert heard == [SETTLED, BORN_BEFORE]
    for _ in range(10):
        _, pregnancy, settle = await _ready(house, nanjing_a)
        both = await asyncio.gather(settle, _later(nanjing_a, pregnancy))
        assert [_heard(one) for one in both] in (
            [SETTLED, BY_NOW_SETTLED],
            [BORN_BEFORE, SETTLED],
        )


async def test_a_complication_is_settled_or_its_pregnancy_corrected(
    house: House, nanjing_a: Client
) -> None:
    """It changes nothing of its pregnancy, and rests on its days all the same."""
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    opened = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
              "admitted_on": "2024-03-20", "benefit": "complication"}  # fmt: skip
    stay = (await nanjing_a.post("/stays", opened)).json()["stay_id"]
    line = {"line_number": 1, "item_code": "delivery", "charged_on": "2024-03-20", "quantity": "1",
            "price": "900.00"}  # fmt: skip
    await nanjing_a.post(f"/stays/{stay}/lines", {"lines": [line]})
    outcome = {"benefit": "complication", "event_on": "2024-03-20", "discharged_on": "2024-03-21",
               "when": "before_birth", "total": "900.00"}  # fmt: skip
    left = await nanjing_a.post(f"/stays/{stay}/discharge", outcome)
    assert left.status_code == 201, left.text
    settle = nanjing_a.post(f"/stays/{stay}/settle", {"total": "900.00"})
    heard = await _in_this_order(house, pregnancy, _later(nanjing_a, pregnancy), settle)
    assert heard == [SETTLED, (422, "1041-outside-pregnancy")]


async def test_a_birth_is_settled_and_its_pregnancy_not_cancelled(
    house: House, nanjing_a: Client
) -> None:
    _, pregnancy, settle = await _ready(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, settle, _cancel(nanjing_a, pregnancy))
    assert heard == [SETTLED, BY_NOW_SETTLED]
    _, pregnancy, settle = await _ready(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, _cancel(nanjing_a, pregnancy), settle)
    assert heard == [HAS_STAYS, SETTLED]
    for _ in range(10):
        _, pregnancy, settle = await _ready(house, nanjing_a)
        both = await asyncio.gather(settle, _cancel(nanjing_a, pregnancy))
        assert _heard(both[0]) == SETTLED
        assert _heard(both[1]) in (BY_NOW_SETTLED, HAS_STAYS)


async def _registered(house: House, desk: Client) -> tuple[str, dict[str, Any]]:
    """A pregnancy, and a whole case of it that nobody opened yet."""
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(desk, person)
    line = {"line_number": 1, "item_code": "delivery", "charged_on": "2024-03-21", "quantity": "1",
            "price": "2000.00"}  # fmt: skip
    outcome = {"discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": "vaginal",
               "total": "2000.00"}  # fmt: skip
    case = {"key": uuid4().hex, "stay_number": uuid4().hex, "person_ref": person,
            "pregnancy_id": pregnancy, "admitted_on": "2024-03-20", "benefit": "delivery",
            "lines": [line], "outcome": outcome}  # fmt: skip
    return pregnancy, case


async def test_a_stay_is_opened_or_its_pregnancy_cancelled(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    def opening(case: dict[str, Any]) -> Call:
        names = ("stay_number", "person_ref", "pregnancy_id", "admitted_on")
        return nanjing_b.post("/stays", {name: case[name] for name in names})

    pregnancy, case = await _registered(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, opening(case), _cancel(nanjing_a, pregnancy))
    assert heard == [SETTLED, HAS_STAYS]
    pregnancy, case = await _registered(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, _cancel(nanjing_a, pregnancy), opening(case))
    assert heard == [SETTLED, GONE]
    for _ in range(10):
        pregnancy, case = await _registered(house, nanjing_a)
        both = await asyncio.gather(opening(case), _cancel(nanjing_a, pregnancy))
        assert [_heard(one) for one in both] in ([SETTLED, HAS_STAYS], [GONE, SETTLED])


async def test_a_whole_case_is_settled_or_its_pregnancy_cancelled(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    async def whole(case: dict[str, Any]) -> httpx.Response:
        """The batch's one result, as an answer of its own."""
        answer = await nanjing_b.post("/settlements:batch", {"cases": [case]})
        (result,) = answer.json()["results"]
        return httpx.Response(result["status"], json=result.get("problem") or {})

    pregnancy, case = await _registered(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, whole(case), _cancel(nanjing_a, pregnancy))
    assert heard == [SETTLED, BY_NOW_SETTLED]
    pregnancy, case = await _registered(house, nanjing_a)
    heard = await _in_this_order(house, pregnancy, _cancel(nanjing_a, pregnancy), whole(case))
    assert heard == [SETTLED, GONE]
    for _ in range(10):
        pregnancy, case = await _registered(house, nanjing_a)
        both = await asyncio.gather(whole(case), _cancel(nanjing_a, pregnancy))
        assert [_heard(one) for one in both] in ([SETTLED, BY_NOW_SETTLED], [GONE, SETTLED])
