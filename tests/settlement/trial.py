"""A settlement with the two trial pools, and what their hospitals do with their patients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from shared.policy.book import Book
from tests.settlement.conftest import CATALOGUE, NANJING, House, open_house
from tests.support.agency import until_true
from tests.support.clock import FixedClock
from tests.support.running import Client
from tests.support.trial_pools import HEADS, UNITS, trial_book


@dataclass
class Ward:
    """Hospitals a and b of each trial pool, and what they do with their patients."""

    house: House
    book: Book

    def hospital(self, letter: str, pool: str = UNITS) -> Client:
        """A hospital of a trial pool."""
        return self.house.hospitals[f"{letter}-{pool}"]

    async def mother(
        self, pool: str = UNITS, since: str = "2023-07-03", at: str = "a", **more: Any
    ) -> tuple[str, str]:
        """A person and her pregnancy, entrusted to hospital `at`."""
        person = await self.house.person(pool, **more)
        body = {"person_ref": person, "since": since, "institution_code": f"H{pool}{at}"}
        answer = await self.hospital("a", pool).post("/pregnancies", body)
        assert answer.status_code == 201, answer.text
        return person, str(answer.json()["pregnancy_id"])

    async def stay(
        self, hospital: Client, benefit: str, mother: tuple[str, str | None], on: str,
        price: str = "400.00", *, until: str = "", **outcome: Any,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """A discharged stay or visit of a benefit, with one line in scope."""
        person, pregnancy = mother
        named = {"pregnancy_id": pregnancy} if pregnancy else {}
        body = {"stay_number": uuid4().hex, "person_ref": person, "admitted_on": on,
                "benefit": benefit} | named  # fmt: skip
        opened = await hospital.post("/stays", body)
        assert opened.status_code == 201, opened.text
        stay = str(opened.json()["stay_id"])
        line = {"line_number": 1, "item_code": "delivery", "charged_on": on, "quantity": "1",
                "price": price}  # fmt: skip
        added = await hospital.post(f"/stays/{stay}/lines", {"lines": [line]})
        assert added.status_code == 201, added.text
        stated = {"benefit": benefit, "discharged_on": until or on, "event_on": on,
                  "total": price} | outcome  # fmt: skip
        done = await hospital.post(f"/stays/{stay}/discharge", stated)
        assert done.status_code == 201, done.text
        return stay, stated

    async def settled(self, hospital: Client, *stay: Any, **more: Any) -> httpx.Response:
        """The answer to settling such a stay."""
        made, stated = await self.stay(hospital, *stay, **more)
        return await hospital.post(f"/stays/{made}/settle", {"total": stated["total"]})

    async def visit(
        self, letter: str, mother: tuple[str, str], on: str, price: str = "400.00",
        pool: str = UNITS, **outcome: Any,
    ) -> httpx.Response:  # fmt: skip
        """A prenatal visit, settled."""
        return await self.settled(
            self.hospital(letter, pool), "prenatal", mother, on, price, **outcome
        )

    async def units(self, letter: str, mother: tuple[str, str], pool: str = UNITS) -> Any:
        """What a hospital sees of a pregnancy's limits."""
        answer = await self.hospital(letter, pool).get(f"/pregnancies/{mother[1]}/units")
        assert answer.status_code == 200, answer.text
        return {item["unit"]: (item["used"], item["left"]) for item in answer.json()["items"]}


@asynccontextmanager
async def open_ward(
    dsns: Mapping[str, str], folder: Path, book: Book | None = None, clock: FixedClock | None = None
) -> AsyncIterator[Ward]:
    """A house with the trial pools' book in force; of another book, with all of its pools."""
    async with open_house(dsns, folder, clock) as house:
        others = [sheet.pool for sheet in book.pools()] if book else [UNITS, HEADS]
        for pool in sorted({*others} - {*house.clerks}):
            await move_in(house, pool)
        book = book or trial_book()
        await appoint(house, book)
        yield Ward(house, book)


async def move_in(house: House, pool: str) -> None:
    """A pool's clerk, two hospitals and a catalogue."""
    clerk = house.clerks[pool] = await house.running.caller(f"clerk-1-{pool}", "clerk", pool)
    for letter, level in (("a", 3), ("b", 2)):
        code = f"H{pool}{letter}"
        agreement = {"institution_code": code, "level": level, "start": "2020-01-01"}
        await clerk.post("/agreements", agreement)
        house.hospitals[f"{letter}-{pool}"] = await house.running.caller(
            f"his-{code}", "hospital", pool, code
        )
    for item, facts in CATALOGUE.items():
        listed = {"item_code": item, "name": item, "start": "2020-01-01"} | facts
        assert (await clerk.post("/catalogue-items", listed)).status_code == 201


async def appoint(house: House, book: Book) -> None:
    """Two people make a book current."""
    office = house.running.app.state.office
    office.compile_built_in = lambda: book
    proposal = (await house.clerks[NANJING].post("/books")).json()["proposal"]
    approved = await house.clerks[UNITS].post(f"/books/{proposal}/approve")
    assert approved.status_code == 201, approved.text
    house.clock.move(seconds=3)
    await until_true(lambda: bool(office.book().hash == book.hash))
