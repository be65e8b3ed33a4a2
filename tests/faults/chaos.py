"""An open-loop load of births: mothers do not wait until the services feel better.

People are insured ahead of the load, and every call of a birth goes to settlement: what enrollment is
asked meanwhile is in `beside.py`. Every tenth client is rude, in one of four ways, by turns.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.site import Site
from services.enrollment.domain.id_number import check_character
from shared.period import Month
from shared.plumbing.clock import SystemClock, business_day
from tests.faults.desk import Desk, History

POOLS = ("320100", "653000")
CHUNK = 40
STOCK_LEAST = 60
MONTHS_PAID = 13
PERSON_NAME = "鹦鹉例某"
RUDE_EVERY = 10
RUDENESS = ("hangs up", "sends twins", "forgets its key", "both hospitals")
REVERSED_EVERY = 7
HANG_UP_SECONDS_MAX = 0.05
READS_SECONDS = 0.1
READS_AT_ONCE = 2


@dataclass(frozen=True)
class Acknowledged:
    """An answer that a hospital was given, and will hold against us."""

    desk: Desk
    path: str
    body: Any
    key: str
    answer: bytes


@dataclass
class Outcome:
    """What the load was told."""

    births: int = 0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    rude: dict[str, int] = field(default_factory=dict)
    disputes: list[str] = field(default_factory=list)


class Load:
    """Births at a rate, until told to stop; every birth is driven to its final answers."""

    def __init__(self, site: Site, history: History, per_second: int, seed: int) -> None:
        self.history = history
        self.outcome = Outcome()
        self.site = site
        self._seed = seed
        self._pause = 1 / per_second
        self._dice = random.Random(seed)  # noqa: S311
        self._http = httpx.AsyncClient(
            timeout=5, limits=httpx.Limits(max_connections=200, max_keepalive_connections=50)
        )
        self._numbers = itertools.count()
        self._stock: deque[tuple[str, str]] = deque()
        self.people: set[str] = {PERSON_NAME}
        """ID numbers and names that were given: to be seen nowhere afterwards."""
        self.born_on = business_day(SystemClock().now()) - timedelta(days=2)
        by_id = {client.client_id: client for client in site.clients}

        def desk(service: str, client_id: str) -> Desk:
            return Desk(self._http, history, site, service, by_id[client_id])

        self._hospitals = {
            pool: [desk("settlement", f"hospital-{pool}-{letter}") for letter in "ab"]
            for pool in POOLS
        }
        self._clerks = {pool: desk("enrollment", f"clerk-{pool}-a") for pool in POOLS}
        self._reviewers = [desk("audit", f"reviewer-{pool}-a") for pool in POOLS]

    async def open(self) -> None:
        """An employer in each pool, and the first people."""
        for pool, clerk in self._clerks.items():
            employer = {"employer_ref": self._employer(pool), "name": "示例单位", "pool": pool,
                        "county_code": pool, "kind": "enterprise"}  # fmt: skip
            await clerk.made("/employers", employer)
        for pool in POOLS:
            await self._insure(pool)

    async def stock(self, people: int) -> None:
        """Insure so many people beforehand: while the bus is away nobody new becomes known."""
        for pool in itertools.cycle(POOLS):
            if len(self._stock) >= people:
                return
            await self._insure(pool)

    async def run(self, until: Awaitable[Any]) -> None:
        """Keep births coming until `until` is done, then wait for every final answer.

        Raises what a birth raised: a birth without its final answers is a failure.
        """
        births: list[asyncio.Task[None]] = []
        ending = asyncio.ensure_future(until)
        background = [asyncio.create_task(self._restock()), asyncio.create_task(self._review())]
        while not ending.done():
            if self._stock:
                births.append(asyncio.create_task(self._birth(next(self._numbers))))
            await asyncio.sleep(self._pause)
            for task in background:
                if task.done():
                    task.result()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await asyncio.gather(*births)
        await ending
        self.outcome.births = len(births)

    async def asked_again(self) -> tuple[list[str], int]:
        """Ask under every acknowledged key once more; which answers differ, and how many agree."""
        wrong, same = [], 0
        for one in self.outcome.acknowledged:
            answer = await one.desk.post(one.path, one.body, one.key)
            if answer.status_code == httpx.codes.CREATED and answer.content == one.answer:
                same += 1
            else:
                wrong.append(f"{one.key}: {answer.status_code}")
        return wrong, same

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    # ---- people

    async def _restock(self) -> None:
        for pool in itertools.cycle(POOLS):
            while len(self._stock) >= STOCK_LEAST:
                await asyncio.sleep(0.05)
            await self._insure(pool)

    async def _insure(self, pool: str) -> None:
        """A chunk of people, known to settlement with their months."""
        people = await self.insured(pool, CHUNK)
        await self._known(people)
        self._stock.extend((pool, person) for person in people)

    async def insured(self, pool: str, count: int) -> list[str]:
        """So many people, registered and paid for."""
        clerk, last = self._clerks[pool], Month.of(self.born_on)
        start = last.plus(1 - MONTHS_PAID)
        items = [
            {"id_number": self._id_number(pool), "name": PERSON_NAME, "county_code": pool,
             "kind": "employee", "employer_ref": self._employer(pool), "start": f"{start}-01"}
            for _ in range(count)
        ]  # fmt: skip
        imported = await clerk.made("/imports", {"items": items})
        people = [item["person_ref"] for item in imported["items"]]
        paid = [
            {"person_ref": person, "month": str(start.plus(n)), "base": "6000.00"}
            for person in people
            for n in range(MONTHS_PAID)
        ]
        await clerk.made("/contributions", {"items": paid})
        return people

    async def somebody(self, pool: str) -> str:
        """A person of a pool from the stock."""
        while True:
            for one in self._stock:
                if one[0] == pool:
                    self._stock.remove(one)
                    return one[1]
            await asyncio.sleep(0.05)

    async def _known(self, people: list[str]) -> None:
        owner = await asyncpg.connect(self.site.databases["settlement"]["owner"])
        try:
            while len(people) > await owner.fetchval(
                "select count(*) from person_state"
                " where person_ref = any($1) and json_array_length(state -> 'paid') > 0",
                people,
            ):
                await asyncio.sleep(0.1)
        finally:
            await owner.close()

    def _employer(self, pool: str) -> str:
        return f"E{pool}-{self._seed}"

    def _id_number(self, pool: str) -> str:
        serial = next(_PEOPLE)
        day = 1 + serial // 500 % 28
        month = 1 + serial // 14_000 % 12
        body = f"{pool}1990{month:02d}{day:02d}{serial % 500 * 2:03d}"  # even: women
        number = body + check_character(body)
        self.people.add(number)
        return number

    # ---- births

    async def _birth(self, number: int) -> None:
        pool, person = self._stock.popleft()
        here, there = self._dice.sample(self._hospitals[pool], 2)
        pregnancy = {"person_ref": person, "since": str(self.born_on - timedelta(days=270)),
                     "institution_code": here.institution}  # fmt: skip
        registered = (await here.made("/pregnancies", pregnancy))["pregnancy_id"]
        stay, body = await self._stay(here, person, registered)
        if number % RUDE_EVERY:
            await self._settled(here, stay, body)
            return
        rudeness = RUDENESS[number // RUDE_EVERY % len(RUDENESS)]
        self.outcome.rude[rudeness] = self.outcome.rude.get(rudeness, 0) + 1
        match rudeness:
            case "hangs up":
                await self._hangs_up(here, stay, body)
            case "sends twins":
                await self._twins(here, stay, body)
            case "forgets its key":
                await self._new_key(here, stay, body)
            case _:
                other, other_body = await self._stay(there, person, registered)
                await self._both((here, stay, body), (there, other, other_body))

    async def _stay(self, here: Desk, person: str, pregnancy: str) -> tuple[str, dict[str, str]]:
        day = str(self.born_on)
        admitted = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                    "admitted_on": day}  # fmt: skip
        stay = (await here.made("/stays", admitted))["stay_id"]
        cesarean = self._dice.random() < 0.4
        care = ("cesarean-section", "6800.00") if cesarean else ("delivery-care", "3200.00")
        lines = [
            {"line_number": n, "item_code": item, "charged_on": day, "quantity": quantity,
             "price": price}
            for n, (item, quantity, price) in enumerate(
                [(care[0], "1", care[1]), ("bed-day", "3", "65.00"), ("ward-single", "1.5", "8.33")], 1
            )
        ]  # fmt: skip
        total = (await here.made(f"/stays/{stay}/lines", {"lines": lines}))["total"]
        outcome = {"discharged_on": day, "event_on": day, "total": total,
                   "mode": "cesarean" if cesarean else "vaginal"}  # fmt: skip
        await here.made(f"/stays/{stay}/discharge", outcome)
        return stay, {"total": total}

    async def _settled(self, here: Desk, stay: str, body: Any, key: str = "") -> bool:
        """Settle; of some, the settlement is undone and made again."""
        settled = await self._keep(here, f"/stays/{stay}/settle", body, key)
        if settled and self._dice.randrange(REVERSED_EVERY) == 0:
            undone = f"/settlements/{settled['settlement_id']}/reverse"
            await self._keep(here, undone, None)
            await self._keep(here, f"/stays/{stay}/settle", body)
        return bool(settled)

    async def _keep(self, here: Desk, path: str, body: Any, key: str = "") -> dict[str, Any]:
        """Ask to the end; an acknowledgement is kept. Empty where it was refused."""
        key = key or uuid4().hex
        answer = await here.post(path, body, key)
        if answer.status_code != httpx.codes.CREATED:
            self.history.write(path=path, key=key, refused=answer.json()["code"])
            return {}
        self._acknowledge(here, path, body, key, answer)
        settled: dict[str, Any] = answer.json()
        return settled

    def _acknowledge(
        self, here: Desk, path: str, body: Any, key: str, answer: httpx.Response
    ) -> None:
        self.outcome.acknowledged.append(Acknowledged(here, path, body, key, answer.content))
        self.history.write(path=path, key=key, acknowledged=answer.json()["settlement_id"])

    async def _hung_up(self, here: Desk, path: str, body: Any, key: str) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(0, HANG_UP_SECONDS_MAX)):
                await here.try_once(path, body, key)
        except TimeoutError:
            pass

    async def _hangs_up(self, here: Desk, stay: str, body: Any) -> None:
        """Hangs up in the middle, twice, then asks under the same key as if nothing was."""
        key = uuid4().hex
        for _ in range(2):
            await self._hung_up(here, f"/stays/{stay}/settle", body, key)
        if not await self._settled(here, stay, body, key):
            self.outcome.disputes.append(f"{stay} was refused after a hang-up")

    async def _twins(self, here: Desk, stay: str, body: Any) -> None:
        """Three of the same request at once: one effect, the same bytes to all."""
        key, path = uuid4().hex, f"/stays/{stay}/settle"
        answers = await asyncio.gather(*(here.post(path, body, key) for _ in range(3)))
        if len({(answer.status_code, answer.content) for answer in answers}) != 1:
            self.outcome.disputes.append(f"{stay}: twins were answered differently")
        self._acknowledge(here, path, body, key, answers[0])

    async def _new_key(self, here: Desk, stay: str, body: Any) -> None:
        """Restarts and has forgotten its key: the stay may be settled under either, but once."""
        path, old, new = f"/stays/{stay}/settle", uuid4().hex, uuid4().hex
        await self._hung_up(here, path, body, old)
        first = await self._keep(here, path, body, new)
        second = await self._keep(here, path, body, old)
        if bool(first) == bool(second):
            self.outcome.disputes.append(f"{stay}: {bool(first) + bool(second)} keys settled it")

    async def _both(self, *claims: tuple[Desk, str, Any]) -> None:
        """Two hospitals settle one pregnancy at once: one is paid."""
        done = await asyncio.gather(
            *(self._keep(desk, f"/stays/{stay}/settle", body) for desk, stay, body in claims)
        )
        paid = sum(map(bool, done))
        self.outcome.pairs.append((len(done), paid))
        if paid != 1:
            self.outcome.disputes.append(f"{claims[0][1]}: {paid} hospitals were paid")

    async def _review(self) -> None:
        """Reviewers look at their flags all the time, also while audit is away."""
        looks: set[asyncio.Task[Any]] = set()
        while True:
            for reviewer in self._reviewers:
                if len(looks) < READS_AT_ONCE:
                    look = asyncio.create_task(reviewer.get("/flags"))
                    looks.add(look)
                    look.add_done_callback(looks.discard)
            await asyncio.sleep(READS_SECONDS)


_PEOPLE = itertools.count()
