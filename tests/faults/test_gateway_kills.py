"""Kill -9 of settlement while a hospital's HIS settles by 2304, under a client that asks again under
the same msgid, or takes the message back by 2601: one settlement or none, and level books.

`make test` kills a few times, `make faults` often.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.his.book import Entry, of_receipt
from deploy.his.client import His, Refused
from deploy.his.day import Compared, Day
from deploy.his.town import Staff, Town
from services.settlement.nhsa import ids
from shared.plumbing.clock import SystemClock
from tests.faults.desk import Desk
from tests.faults.killer import Killer
from tests.faults.scene import POOL, Scene

LONG = os.environ.get("FAULTS") == "long"
KILLS = 60 if LONG else 5
CASES, AT_ONCE = 8, 4
SEED = 20261122
FINAL_SECONDS_MAX = 120
WITHDRAWN = 5010

pytestmark = pytest.mark.timeout(0 if LONG else 600)


@dataclass
class Counter:
    """What the client knows: its book, and the messages that it took back."""

    scene: Scene
    his: His
    book: list[Entry] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    again: int = 0

    async def final(self, infno: str, input_: Any, msgid: str = "") -> dict[str, Any]:
        """Ask under one message until the answer is final. Raises Refused."""
        msgid = msgid or self.his.msgid()
        async with asyncio.timeout(FINAL_SECONDS_MAX):
            for number in itertools.count():
                answer = await self.once(infno, input_, msgid)
                if answer is not None:
                    self.again += number > 0
                    return answer
                await asyncio.sleep(0.05)
        raise AssertionError

    async def once(self, infno: str, input_: Any, msgid: str) -> dict[str, Any] | None:
        """One attempt; None where the connection broke, or it is to be sent again."""
        history = self.scene.here.history
        # Only a 2304 is met by a kill: the others are no service of its book.
        with history.noting("settlement" if infno == "2304" else "beside", infno, msgid) as attempt:
            try:
                answer = await self.his.post(infno, input_, msgid)
            except httpx.HTTPError as error:
                attempt.outcome, attempt.error = "broken", type(error).__name__
                return None
            attempt.outcome = str(answer.status_code)
        if answer.status_code != httpx.codes.OK:
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            return None
        said: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
        if said["infcode"] != 0:
            raise Refused(str(said["infcode"]), said["err_msg"])
        return dict(said["output"])

    async def admitted(self) -> dict[str, str]:
        """A discharged birth: what settles it."""
        psn = ids.person_to_wire(await self.scene.insured())
        today = self.scene.today
        begun = today - timedelta(days=270)
        await self.final("90201", {"data": {"psn_no": psn, "begndate": str(begun)}})
        opened = await self.final("2401", {"mdtrtinfo": {
            "psn_no": psn, "insutype": "310", "begntime": f"{today - timedelta(days=3)} 08:00:00",
            "med_type": "52", "ipt_no": uuid4().hex[:16], "matn_type": "1"}})  # fmt: skip
        stay = {"psn_no": psn, "mdtrt_id": str(opened["result"]["mdtrt_id"])}
        line = stay | {
            "feedetl_sn": "1", "fee_ocur_time": str(today - timedelta(days=2)), "cnt": "1",
            "med_list_codg": "delivery-care", "pric": "4200", "det_item_fee_sumamt": "4200.00",
        }  # fmt: skip
        await self.final("2301", {"feedetail": [line]})
        await self.final("2402", {"dscginfo": stay | {"endtime": str(today)}})
        return stay | {"medfee_sumamt": "4200.00", "insutype": "310"}

    async def lives(self, case: dict[str, str], dice: random.Random) -> None:
        """A case is settled and undone; now and then a message is given up and taken back."""
        if dice.random() < 0.3:
            await self.gives_up(case)
        await self.undone(case, await self.settled(case))

    async def settled(self, case: dict[str, str]) -> Entry:
        """One settlement, however often it is asked for."""
        info = (await self.final("2304", {"data": case}))["setlinfo"]
        entry = of_receipt(info, "birth")
        self.book.append(entry)
        return entry

    async def undone(self, case: dict[str, str], entry: Entry) -> None:
        """The settlement taken back at the desk."""
        named = {"psn_no": case["psn_no"], "mdtrt_id": case["mdtrt_id"], "setl_id": entry.setl_id}
        info = (await self.final("2305", {"data": named}))["setlinfo"]
        self.book.append(of_receipt(info, "undone", refund=True))

    async def gives_up(self, case: dict[str, str]) -> None:
        """A 2304 that is sent once, whose answer nobody reads, or that never leaves the house; then
        2601 until it is answered, and the message must never settle any more."""
        message = self.his.msgid()
        self.withdrawn.add(message)
        if len(self.withdrawn) % 3:
            await self.once("2304", {"data": case}, message)
        undo = {"psn_no": case["psn_no"], "omsgid": message, "oinfno": "2304"}
        await self.final("2601", {"data": undo})
        # Settled and reversed meanwhile, the first answer's very bytes come again; else it is refused.
        late = await self.outcome("2304", {"data": case}, message)
        assert late in (message, str(WITHDRAWN))

    async def outcome(self, infno: str, input_: Any, msgid: str) -> str:
        """The message that a settlement says it was made by, or the number of the refusal."""
        try:
            answer = await self.final(infno, input_, msgid)
        except Refused as refused:
            return str(refused.number)
        return str(answer["setlinfo"]["medins_setl_id"])


async def _his(scene: Scene, http: httpx.AsyncClient) -> His:
    institution, secret = scene.here.institution, uuid4().hex
    second = next(one for one in scene.processes.site.clients if one.client_id == f"clerk-{POOL}-b")
    clerk = Desk(http, scene.here.history, scene.processes.site, "settlement", second)
    body = {"institution_code": institution, "scheme": "csb_ms", "secret": secret,
            "access_key": f"ak-{institution}"}  # fmt: skip
    proposed = await scene.clerk.made("/his-profiles", body)
    await clerk.made(f"/his-profiles/{proposed['proposal']}/approve")
    return His(http, SystemClock(), institution, secret=secret)


async def test_kills_during_2304_leave_one_settlement_or_none(
    sound: Scene, record_property: pytest.RecordProperty
) -> None:
    address = sound.processes.site.addresses["settlement"]
    async with httpx.AsyncClient(base_url=address, timeout=10) as http:
        counter = Counter(sound, await _his(sound, http))
        cases = [await counter.admitted() for _ in range(CASES)]
        killer = Killer(sound.processes.kill, sound.processes.supervised, sound.here.history, SEED)
        over = asyncio.Event()
        flows = [
            asyncio.create_task(_lived(counter, cases[n::AT_ONCE], random.Random(SEED + n), over))  # noqa: S311
            for n in range(AT_ONCE)
        ]
        try:
            await killer.run(("settlement",), KILLS)
        finally:
            over.set()
            await asyncio.gather(*flows)
        figures = {
            "kills": len(killer.broken), "2304 broken": sum(killer.broken),
            "asked again": counter.again, "taken back": len(counter.withdrawn),
            "rows": len(counter.book),
        }  # fmt: skip
        for name, figure in figures.items():
            record_property(name, figure)
            print(f"{name}: {figure}")  # noqa: T201
        assert counter.again > 0
        await _level(sound, counter, http, len(cases))


async def _lived(
    counter: Counter, cases: Sequence[dict[str, str]], dice: random.Random, over: asyncio.Event
) -> None:
    """Cases one after the other, round and round; at the end each is settled."""
    for case in itertools.cycle(cases):
        if over.is_set():
            break
        await counter.lives(case, dice)
    for case in cases:
        await counter.settled(case)


async def _level(sound: Scene, counter: Counter, http: httpx.AsyncClient, cases: int) -> None:
    """Every row of the client's book is level; what the agency has beside it are settlements of
    messages that were taken back, each with its reversal."""
    staff = Staff(POOL, sound.here.institution, ({}, {}))
    day = Day(Town(http, staff), counter.his, print, counter.book)
    compared: Compared = await day.compared(counter.book)
    told = {one.entry.key: one for one in compared.rows}
    for entry in counter.book:
        assert told.pop(entry.key).level, entry
    beside = list(told.values())
    assert {one.memo.split(" ")[0] for one in beside} <= {"missing_there"}
    settled = [one for one in beside if not one.entry.refund]
    assert all(one.msgid in counter.withdrawn for one in settled)
    assert 2 * len(settled) == len(beside)
    assert sum((one.entry.fund for one in beside), Decimal(0)) == 0
    assert len({entry.key for entry in counter.book}) == len(counter.book)
    live = "select count(*) from claim where state = 'settled' and institution_code = $1"
    assert await sound.owner.fetchval(live, sound.here.institution) == cases
    assert await sound.owner.fetchval("select coalesce(sum(amount_fen), 0) from posting") == 0
    print(f"settled and reversed by 2601: {len(settled)}")  # noqa: T201
