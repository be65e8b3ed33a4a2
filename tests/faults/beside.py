"""What goes on beside the births of a load: months are booked, cases come in batches, a flag is decided.

Each is driven to its final answer, and counted afterwards: booked once, settled once, deducted once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.site import Site
from tests.faults.chaos import MONTHS_PAID, Load
from tests.faults.desk import Desk, History
from tests.support.reviewing import AGREE, APPROVAL, DISPOSAL, PURSUE, STATEMENT

POOL = "320100"
BOOKERS, BOOKED_AT_ONCE = 3, 1
PAUSE_SECONDS = 0.3
RETRY_SECONDS = 0.2
WEEK = 13


class Beside:
    """Clerks who book, a hospital that settles by batches, and reviewers who decide one flag."""

    def __init__(self, load: Load, site: Site, history: History) -> None:
        self.load, self.site = load, site
        self.booked: list[str] = []
        self.batches: list[tuple[dict[str, Any], list[Any]]] = []
        self.flagged = ""
        """The claim whose flag was decided."""
        self.settlements: list[str] = []
        self._http = httpx.AsyncClient(timeout=5)
        by_id = {client.client_id: client for client in site.clients}

        def desk(service: str, client_id: str) -> Desk:
            return Desk(self._http, history, site, service, by_id[client_id])

        self.here = desk("settlement", f"hospital-{POOL}-a")
        self._stated_by = desk("audit", f"hospital-{POOL}-a")
        self._first, self._second = (desk("audit", f"reviewer-{POOL}-{n}") for n in "ab")

    async def run(self, over: asyncio.Event) -> None:
        """Until `over`, and then to the final answers."""
        await asyncio.gather(
            *(self._again_and_again(self._book, over) for _ in range(BOOKERS)),
            self._again_and_again(self._batch, over),
            self._decided(),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _again_and_again(
        self, act: Callable[[], Awaitable[None]], over: asyncio.Event
    ) -> None:
        while not over.is_set():
            await act()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _book(self) -> None:
        """A few people are registered, and their months paid for."""
        self.booked += await self.load.insured(POOL, BOOKED_AT_ONCE)

    # ---- batches

    async def _batch(self) -> None:
        """A birth and a visit, whole, in one call."""
        body = {"cases": [await self._birth(), await self._visit()]}
        results = await self.settled(body)
        self.batches.append((body, results))
        self.settlements += [one["settlement"]["settlement_id"] for one in results]

    async def settled(self, body: dict[str, Any]) -> list[Any]:
        """Send a batch until each of its cases is settled."""
        while True:
            answer = await self.here.post("/settlements:batch", body)
            assert answer.status_code == httpx.codes.OK, answer.text
            results: list[Any] = answer.json()["results"]
            refused = [one["problem"] for one in results if one["problem"]]
            assert all(problem["retryable"] for problem in refused), refused
            if not refused:
                return results
            await asyncio.sleep(RETRY_SECONDS)

    async def _birth(self, quantity: str = "1", price: str = "3200.00") -> dict[str, Any]:
        day = str(self.load.born_on)
        total = f"{int(quantity) * 3200}.00"
        outcome = {"discharged_on": day, "event_on": day, "mode": "vaginal", "total": total}
        return await self._case(270, day, quantity, price, outcome, {})

    async def _visit(self) -> dict[str, Any]:
        day = str(self.load.born_on)
        outcome = {"benefit": "prenatal", "event_on": day, "discharged_on": day, "week": WEEK,
                   "total": "100.00"}  # fmt: skip
        return await self._case(7 * WEEK, day, "1", "100.00", outcome, {"benefit": "prenatal"})

    async def _case(
        self, days: int, day: str, quantity: str, price: str, outcome: Any, more: dict[str, str]
    ) -> dict[str, Any]:
        person = await self.load.somebody(POOL)
        since = str(self.load.born_on - timedelta(days=days))
        registered = await self.here.made("/pregnancies", {
            "person_ref": person, "since": since, "institution_code": self.here.institution})  # fmt: skip
        line = {"line_number": 1, "item_code": "delivery-care", "charged_on": day,
                "quantity": quantity, "price": price}  # fmt: skip
        return {
            "key": uuid4().hex, "stay_number": uuid4().hex, "person_ref": person,
            "pregnancy_id": registered["pregnancy_id"], "admitted_on": day, "lines": [line],
            "outcome": outcome,
        } | more  # fmt: skip

    # ---- one flag

    async def _decided(self) -> None:
        """A birth that is billed twice is flagged, and two people decide on a deduction."""
        body = {"cases": [await self._birth(quantity="2")]}
        results = await self.settled(body)
        self.batches.append((body, results))
        self.flagged = str(results[0]["settlement"]["settlement_id"])
        self.settlements.append(self.flagged)
        flag = await self._raised()
        shown = await self._shown(f"/flags/{flag}")
        version = shown["version"]
        for who, step, said in (
            (self._first, "first-review", PURSUE),
            (self._stated_by, "statement", STATEMENT),
            (self._second, "second-review", AGREE),
            (self._first, "disposal", DISPOSAL),
            (self._second, "approval", APPROVAL),
        ):
            answer = await who.post(f"/flags/{flag}/{step}", said | {"version": version})
            assert answer.is_success, answer.text
            version = answer.json()["version"]

    async def _raised(self) -> str:
        while True:
            claim = await self._shown(f"/claims/{self.flagged}")
            if claim["flags"]:
                return str(claim["flags"][0]["flag_id"])
            await asyncio.sleep(RETRY_SECONDS)

    async def _shown(self, path: str) -> dict[str, Any]:
        while True:
            answer = await self._first.get(path)
            if answer is not None and answer.is_success:
                shown: dict[str, Any] = answer.json()
                return shown
            assert answer is None or answer.status_code in (404, 429, 500, 503), answer.text
            await asyncio.sleep(RETRY_SECONDS)

    # ---- afterwards

    async def all_kept(self) -> None:
        """Sent again, each batch is answered the same; months, states and the deduction are there
        once."""
        for body, results in self.batches:
            again = await self.settled(body)
            assert [one["settlement"] for one in again] == [one["settlement"] for one in results]
        enrollment, settlement = [
            await asyncpg.connect(self.site.databases[service]["owner"])
            for service in ("enrollment", "settlement")
        ]
        try:
            assert self.booked
            months = await enrollment.fetchval(
                "select count(*) from contribution where person_ref = any($1)", self.booked
            )
            assert months == MONTHS_PAID * len(self.booked)
            told = await enrollment.fetch(
                "select person_ref, max(version) from person_version"
                " where person_ref = any($1) group by 1 order by 1", self.booked,
            )  # fmt: skip
            known = await settlement.fetch(
                "select person_ref, state_version from person_state"
                " where person_ref = any($1) order by 1", self.booked,
            )  # fmt: skip
            assert [tuple(row) for row in told] == [tuple(row) for row in known]
            assert len(told) == len(self.booked)
            taken = await settlement.fetch(
                "select type, count(*) from outbox where aggregate_id = $1"
                " and type like '%deduction%' group by 1", self.flagged,
            )  # fmt: skip
            assert [tuple(row) for row in taken] == [("settlement.claim.deduction-taken", 1)]
            assert await settlement.fetchval(
                "select count(*) from deduction where settlement_id::text = $1", self.flagged
            ) == 1  # fmt: skip
        finally:
            await enrollment.close()
            await settlement.close()
