"""A settlement service with a policy book, two hospitals, a catalogue and people with histories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.settlement import main
from services.settlement.main import create_app
from shared.contracts.person import PaidMonths, PersonStateChanged, Spell
from shared.plumbing import database
from shared.plumbing.database import open_pool
from tests.support.agency import until, until_true
from tests.support.clock import FixedClock
from tests.support.his import introduced
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client, Running, running, settings_for

NANJING, KIZILSU = "320100", "653000"
CATALOGUE = {
    "bed": {"item_class": "a", "limit": "35.00"},
    "delivery": {"item_class": "a"},
    "oxytocin": {"item_class": "b", "first_copay_rate": "0.1"},
    "photo": {"item_class": "c"},
}


@dataclass
class House:
    """A running settlement and its callers."""

    running: Running
    clock: FixedClock
    owner: asyncpg.Pool[asyncpg.Record]
    hospitals: dict[str, Client] = field(default_factory=dict)
    clerks: dict[str, Client] = field(default_factory=dict)

    async def person(
        self, pool: str, *, first: str = "2022-01", last: str = "2024-03", kind: str = "employee",
        version: int = 1, ref: str = "",
    ) -> str:  # fmt: skip
        """A person whose history arrived, with months paid from `first` to `last`."""
        person_ref = ref or uuid4().hex
        state = PersonStateChanged.model_validate(
            {
                "person_ref": person_ref,
                "state_version": version,
                "spells": [
                    Spell(
                        pool_code=pool, county_code=pool, kind=kind,  # type: ignore[arg-type]
                        insurance=["310", "510"], start=f"{first}-01", end=None,
                    )
                ],
                "paid": [PaidMonths(first=first, last=last)],
            }
        )  # fmt: skip
        await self.owner.execute(
            "insert into person_state values ($1, $2, $3, $4, $5)",
            pool, person_ref, version, state.model_dump_json(), self.clock.now(),
        )  # fmt: skip
        return person_ref

    async def pregnancy(self, hospital: Client, person_ref: str, since: str = "2023-07-01") -> str:
        """A registered pregnancy."""
        answer = await hospital.post(
            "/pregnancies",
            {
                "person_ref": person_ref,
                "since": since,
                "institution_code": hospital.institution,
            },
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["pregnancy_id"])

    async def stay(
        self, hospital: Client, person_ref: str, pregnancy_id: str, *, delivery: str = "4500.00",
        discharge: bool = True, mode: str = "vaginal", **outcome: Any,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """A stay with lines, discharged; and the body that discharged it."""
        answer = await hospital.post(
            "/stays",
            {
                "stay_number": uuid4().hex,
                "person_ref": person_ref,
                "pregnancy_id": pregnancy_id,
                "admitted_on": "2024-03-20",
            },
        )
        assert answer.status_code == 201, answer.text
        stay_id = str(answer.json()["stay_id"])
        lines = [("delivery", "1", delivery), ("bed", "3", "50.00"), ("oxytocin", "2", "10.00")]
        answer = await hospital.post(
            f"/stays/{stay_id}/lines",
            {
                "lines": [
                    {"line_number": n, "item_code": item, "charged_on": "2024-03-21",
                     "quantity": quantity, "price": price}
                    for n, (item, quantity, price) in enumerate(lines, 1)
                ]
            },
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        body = {
            "discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": mode,
            "total": answer.json()["total"],
        } | outcome  # fmt: skip
        if discharge:
            answer = await hospital.post(f"/stays/{stay_id}/discharge", body)
            assert answer.status_code == 201, answer.text
        return stay_id, body

    async def ready_stay(
        self, hospital: Client, pool: str = NANJING, **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """A new person's discharged stay."""
        person_ref = await self.person(pool)
        return await self.stay(
            hospital, person_ref, await self.pregnancy(hospital, person_ref), **more
        )

    async def counts(self) -> dict[str, int]:
        """Rows of what must not grow by a refusal."""
        return {
            table: await self.owner.fetchval(f"select count(*) from {table}")  # noqa: S608
            for table in ("settlement", "claim", "posting", "outbox", "log", "idempotency",
                          "stay", "line", "pregnancy", "deduction")
        }  # fmt: skip


@pytest.fixture(scope="package", autouse=True)
def patient() -> Iterator[None]:
    """Who waits for what a test holds waits until the test lets go, however long the machine stands
    still meanwhile: after two seconds it would be refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(database._SERVER_SETTINGS, "lock_timeout", "60000")
        patch.setattr(main, "_GROUP_STATEMENT_MS", 60_000)
        yield


_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def sessions_wait(house: House, sessions: int) -> None:
    """Wait until so many sessions wait for a lock in the house's database."""

    async def do() -> bool:
        return int(await house.owner.fetchval(_WAITING)) >= sessions

    await until(do)


@pytest.fixture
async def house(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[House]:
    """A settlement with both pools, hospitals a and b of each, and a policy book in force."""
    async with open_house(service_databases("settlement"), tmp_path) as opened:
        yield opened


@asynccontextmanager
async def open_house(
    dsns: Mapping[str, str], folder: Path, clock: FixedClock | None = None
) -> AsyncIterator[House]:
    """The same for a block; tests that share a house open it once for their file."""
    clock = clock or FixedClock()
    settings = settings_for(dsns, folder)
    async with running("settlement", create_app, settings, clock) as here:
        owner = await open_pool(dsns["owner"], size=4)
        made = House(here, clock, owner)
        for pool in (NANJING, KIZILSU):
            first = await here.caller(f"clerk-1-{pool}", "clerk", pool)
            made.clerks[pool] = first
            for letter, level in (("a", 3), ("b", 2)):
                code = f"H{pool}{letter}"
                await first.post(
                    "/agreements",
                    {"institution_code": code, "level": level, "start": "2020-01-01"},
                )
                made.hospitals[f"{letter}-{pool}"] = await here.caller(
                    f"his-{code}", "hospital", pool, code
                )
            for item, facts in CATALOGUE.items():
                answer = await first.post(
                    "/catalogue-items",
                    {"item_code": item, "name": item, "start": "2020-01-01"} | facts,
                )
                assert answer.status_code == 201, answer.text
        second = await here.caller("clerk-2", "clerk", NANJING)
        answer = await made.clerks[NANJING].post("/books")
        assert answer.status_code == 201, answer.text
        answer = await second.post(f"/books/{answer.json()['proposal']}/approve")
        assert answer.status_code == 201, answer.text
        clock.at += timedelta(seconds=3)
        await _book_in_force(here)
        yield made
        await owner.close()


@asynccontextmanager
async def gateway_house(
    dsns: Mapping[str, str], folder: Path, *institutions: str
) -> AsyncIterator[House]:
    """The same, where systems of hospitals of Nanjing speak by csb in milliseconds."""
    async with open_house(dsns, folder) as opened:
        if institutions:
            second = await opened.running.caller("clerk-3", "clerk", NANJING)
            for code in institutions:
                await introduced(opened.clerks[NANJING], second, code)
        yield opened


def house_of_the_file(*institutions: str) -> Any:
    """The fixture `house` of a file whose tests share one; systems of `institutions`, hospitals of
    Nanjing, speak by csb in milliseconds."""

    @pytest.fixture(scope="module")
    async def house(
        module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[House]:
        folder = tmp_path_factory.mktemp("house")
        async with gateway_house(module_databases("settlement"), folder, *institutions) as opened:
            yield opened

    return house


async def _book_in_force(here: Running) -> None:
    await until_true(lambda: here.app.state.office.book() is not None)


@pytest.fixture
def nanjing_a(house: House) -> Client:
    """A hospital of level 3."""
    return house.hospitals[f"a-{NANJING}"]


@pytest.fixture
def nanjing_b(house: House) -> Client:
    """A hospital of level 2 in the same pool."""
    return house.hospitals[f"b-{NANJING}"]
