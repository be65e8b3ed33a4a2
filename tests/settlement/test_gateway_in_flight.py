"""2601 meets a 2304 that is under way: in either order, held where the one or the other would be
overtaken. One settlement or none; what was answered as undone never stands settled."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.settlement.nhsa import ids
from tests.settlement.conftest import NANJING, House, house_of_the_file, sessions_wait
from tests.support.his import His, holds

A = f"H{NANJING}a"
WITHDRAWN = 5010
PAIRS = 40
STAY = "select from stay where stay_id = $1 for update"
BOTH_WRITE = "idempotency"
# Each is written after the stay's row is held.
TABLES = (BOTH_WRITE, "settlement", "posting", "outbox", "log")


house = house_of_the_file(A)


class Case:
    """A discharged stay of a woman, whose 2304 has its message id."""

    def __init__(self, house: House, his: His) -> None:
        self.house, self.his, self.message = house, his, his.msgid()
        self.psn = self.stay = ""
        self.case: dict[str, Any] = {}

    async def ready(self) -> Case:
        """Admit, charge and discharge."""
        psn = self.psn = await self.house.person(NANJING)
        await self.his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
        admitted = await self.his.call("2401", {"mdtrtinfo": {
            "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00", "med_type": "52",
            "ipt_no": f"Z{psn[:12]}", "matn_type": "1"}, "diseinfo": []})  # fmt: skip
        stay = self.stay = str(admitted["result"]["mdtrt_id"])
        line = {"feedetl_sn": "1", "mdtrt_id": stay, "psn_no": psn, "fee_ocur_time": "2024-03-21",
                "med_list_codg": "delivery", "det_item_fee_sumamt": "4500.00", "cnt": "1",
                "pric": "4500"}  # fmt: skip
        await self.his.call("2301", {"feedetail": [line]})
        left = {"mdtrt_id": stay, "psn_no": psn, "endtime": "2024-03-24"}
        await self.his.call("2402", {"dscginfo": left})
        self.case = {"psn_no": psn, "mdtrt_id": stay, "medfee_sumamt": "4500.00",
                     "insutype": "310"}  # fmt: skip
        return self

    def settles(self) -> asyncio.Task[httpx.Response]:
        """The 2304."""
        return asyncio.create_task(self.his.post("2304", {"data": self.case}, self.message))

    def undoes(self) -> asyncio.Task[httpx.Response]:
        """The 2601 that names it."""
        back = {"psn_no": self.psn, "omsgid": self.message, "oinfno": "2304"}
        return asyncio.create_task(self.his.post("2601", {"data": back}))

    async def settlements(self) -> tuple[int, int]:
        """How many of the stay were made, and how many of them stand."""
        found = await self.house.owner.fetchrow(
            "select count(*) filter (where reverses is null) as made,"
            " coalesce(sum(case when reverses is null then 1 else -1 end), 0) as standing"
            " from settlement where stay_id = $1",
            ids.from_wire(self.stay),
        )
        assert found is not None
        return found["made"], found["standing"]


def _number(answer: httpx.Response) -> int:
    """0 for what was done, else the number of the refusal."""
    said = json.loads(answer.text)
    if int(said["infcode"]) == 0:
        return 0
    text: str = said["err_msg"]
    return int(text[1 : text.index("]")])


async def _one_or_none(case: Case, settled: httpx.Response, undone: httpx.Response) -> int:
    """What must hold, however the two met; the 2304's number."""
    assert _number(undone) == 0, undone.text
    number = _number(settled)
    assert number in (0, WITHDRAWN), settled.text
    # What was told as settled was made, once, and was undone; what was refused never was.
    assert await case.settlements() == ((1, 0) if number == 0 else (0, 0))
    # A copy that comes late is answered by what was, and settles nothing.
    late = await case.settles()
    assert _number(late) == number
    assert number or late.content == settled.content
    assert _number(await case.undoes()) == 0
    assert (await case.settlements())[1] == 0
    # The stay is free for another message.
    holds(await case.his.call("2304", {"data": case.case}))
    assert (await case.settlements())[1] == 1
    return number


@pytest.fixture
async def case(house: House) -> Case:
    return await Case(house, His(house.running.http, house.clock, A)).ready()


async def test_what_is_undone_while_it_waits_for_its_stay_is_refused(
    house: House, case: Case
) -> None:
    """The 2304 has read that its message is new; 2601 is answered before it writes."""
    async with _held(house, STAY, ids.from_wire(case.stay)):
        settling = case.settles()
        await sessions_wait(house, 1)
        undone = await case.undoes()
        assert _number(undone) == 0
        assert not settling.done()
    assert await _one_or_none(case, await settling, undone) == WITHDRAWN


@pytest.mark.parametrize("table", [table for table in TABLES if table != BOTH_WRITE])
async def test_what_was_undone_first_is_refused(house: House, case: Case, table: str) -> None:
    """2601 is done while the 2304 may not write."""
    async with _held(house, _nobody_writes(table)):
        undone = await case.undoes()
        settling = case.settles()
    assert await _one_or_none(case, await settling, undone) == WITHDRAWN


async def test_one_of_two_that_wait_for_the_same_table_is_first(house: House, case: Case) -> None:
    """Both are let go at once: PostgreSQL, not the order of asking, says which is first."""
    async with _held(house, _nobody_writes(BOTH_WRITE)):
        undoing = case.undoes()
        await sessions_wait(house, 1)
        settling = case.settles()
        await sessions_wait(house, 2)
    await _one_or_none(case, await settling, await undoing)


@pytest.mark.parametrize("table", TABLES)
async def test_what_is_undone_while_it_is_written_does_not_stand(
    house: House, case: Case, table: str
) -> None:
    """The 2304 waits in the midst of its one statement; 2601 is asked meanwhile, and again where
    it is told to ask again."""
    async with _held(house, _nobody_writes(table)):
        settling = case.settles()
        await sessions_wait(house, 1)
        undoing = case.undoes()
        await asyncio.wait([undoing], timeout=0.5)
    await _one_or_none(case, await settling, await undoing)


async def test_pairs_at_once_and_in_both_orders(house: House) -> None:
    """Nothing is held: whichever comes first does. There are as many as it takes until each did."""
    his = His(house.running.http, house.clock, A)
    numbers: set[int] = set()
    for pair in itertools.count():
        if pair >= PAIRS and len(numbers) == 2:
            break
        case = await Case(house, his).ready()
        tasks = [case.settles(), case.undoes()] if pair % 2 else [case.undoes(), case.settles()]
        settled, undone = await asyncio.gather(*(tasks if pair % 2 else reversed(tasks)))
        numbers.add(await _one_or_none(case, settled, undone))
    assert numbers == {0, WITHDRAWN}


def _nobody_writes(table: str) -> str:
    return f"lock table {table} in share row exclusive mode"


@asynccontextmanager
async def _held(house: House, statement: str, *values: UUID) -> AsyncIterator[None]:
    """Somebody else's transaction holds something for the length of a block."""
    async with house.owner.acquire() as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute(statement, *values)
        yield
        await held.rollback()
