"""A copy of the services with a fault planted by a patch, its settlement running over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx

from deploy.local.opening import open_for_business
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES
from deploy.verify.invariants import INVARIANTS
from deploy.verify.stores import open_stores
from shared.contracts.person import PaidMonths, PersonStateChanged, Spell
from shared.period import Month
from shared.plumbing.clock import SystemClock, business_day
from tests.faults.desk import Desk, History
from tests.faults.processes import Processes, site_on
from tests.support.postgres import ServiceDatabases
from tests.support.source import ROOT

PLANTED = Path(__file__).with_name("planted")
POOL = "320100"
SETTLES_SECONDS_MAX = 3
WAITERS_SECONDS_MAX = 1.2
_numbers = itertools.count(1)


def planted_copy(folder: Path, patch: Path | None) -> Path:
    """The source of the services in a folder, with a patch applied, which must change it."""
    code = folder / "code"
    for package in ("services", "shared"):
        shutil.copytree(
            ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    if patch is not None:
        before = _source(code)
        subprocess.run(
            ["git", "apply", "--whitespace=nowarn", str(patch)],
            cwd=code,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder)},
            check=True,
        )
        assert _source(code) != before, f"{patch.name} changes nothing"
    return code


def _source(code: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(code)): file.read_bytes()
        for file in code.rglob("*")
        if file.suffix in (".py", ".sql")
    }


@contextmanager
def own_settlement_database(cluster: Postgres) -> Iterator[dict[str, str]]:
    """A database that the copy's own migrations will fill."""
    name = f"settlement_planted_{next(_numbers)}"
    yield cluster.service_database("settlement", name, template=None)
    cluster.drop_database(name)


@dataclass
class Scene:
    """A settlement that runs, its two hospitals, and a way to hold its rows."""

    processes: Processes
    superuser: str
    owner: asyncpg.Connection[asyncpg.Record]
    enrollment: asyncpg.Connection[asyncpg.Record]
    audit: asyncpg.Connection[asyncpg.Record]
    here: Desk
    there: Desk
    today: date

    async def insured(self) -> str:
        """A person whose history both enrollment and settlement know."""
        person = uuid4().hex
        last = Month.of(self.today)
        first = last.plus(-20)
        state = PersonStateChanged(
            person_ref=person,
            state_version=1,
            spells=[
                Spell(
                    pool_code=POOL, county_code=POOL, kind="employee",
                    insurance=["310", "510"], start=f"{first}-01", end=None,
                )
            ],
            paid=[PaidMonths(first=str(first), last=str(last))],
        ).to_bytes()  # fmt: skip
        at = SystemClock().now()
        await self.enrollment.execute(
            "insert into person_version (person_ref, version, at, state) values ($1, 1, $2, $3)",
            person, at, state,
        )  # fmt: skip
        await self.owner.execute(
            "insert into person_state values ($1, $2, 1, $3, $4)", POOL, person, state.decode(), at
        )
        return person

    async def pregnant(self) -> tuple[str, str]:
        """A person, and her registered pregnancy."""
        person = await self.insured()
        body = {"person_ref": person, "since": str(self.today - timedelta(days=270)),
                "institution_code": self.here.institution}  # fmt: skip
        return person, (await self.here.made("/pregnancies", body))["pregnancy_id"]

    async def stay(self, desk: Desk, person: str, pregnancy: str) -> tuple[str, str]:
        """A discharged stay, and its bill."""
        admitted = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                    "admitted_on": str(self.today)}  # fmt: skip
        stay = (await desk.made("/stays", admitted))["stay_id"]
        line = {"line_number": 1, "item_code": "delivery-care", "charged_on": str(self.today),
                "quantity": "1", "price": "3200.00"}  # fmt: skip
        total = (await desk.made(f"/stays/{stay}/lines", {"lines": [line]}))["total"]
        await desk.made(f"/stays/{stay}/discharge", self.outcome("vaginal", total))
        return stay, total

    def outcome(self, mode: str, total: str) -> dict[str, str]:
        """What a record states at discharge."""
        day = str(self.today)
        return {"discharged_on": day, "event_on": day, "mode": mode, "total": total}

    async def a_stay(self) -> tuple[str, str]:
        """A stay of somebody new, at the first hospital."""
        person, pregnancy = await self.pregnant()
        return await self.stay(self.here, person, pregnancy)

    @asynccontextmanager
    async def holding(self, *stays: str) -> AsyncIterator[None]:
        """Hold the rows of stays, as a slow transaction would: whoever wants one waits."""
        other = await asyncpg.connect(self.processes.site.databases["settlement"]["owner"])
        try:
            async with other.transaction():
                await other.execute(
                    "select from stay where stay_id = any($1) for update",
                    [UUID(stay) for stay in stays],
                )
                yield
        finally:
            await other.close()

    async def waiting(self, sessions: int) -> bool:
        """Wait until so many sessions wait for a lock in settlement's database."""
        database = self.processes.site.databases["settlement"]["owner"].rpartition("/")[2]
        server = await asyncpg.connect(self.superuser)
        try:
            deadline = time.monotonic() + WAITERS_SECONDS_MAX
            while time.monotonic() < deadline:
                count = await server.fetchval(
                    "select count(*) from pg_stat_activity"
                    " where datname = $1 and wait_event_type = 'Lock'",
                    database,
                )
                if count >= sessions:
                    return True
                await asyncio.sleep(0.01)
            return False
        finally:
            await server.close()

    async def told(self) -> None:
        """Wait until the relay has passed everything on, or would have."""
        deadline = time.monotonic() + SETTLES_SECONDS_MAX
        while time.monotonic() < deadline:
            if not await self.owner.fetchval("select count(*) from outbox where position is null"):
                return
            await asyncio.sleep(0.05)

    async def red(self, ids: set[str]) -> set[str]:
        """Which of these invariants deploy.verify finds broken."""
        async with open_stores(self.processes.run_file()) as stores:
            lines = [await i.line(stores) for i in INVARIANTS if i.id in ids]
        assert len(lines) == len(ids)
        assert not [line for line in lines if "broke down" in line], lines
        return {line.split()[0] for line in lines if " FAIL:" in line}


@asynccontextmanager
async def settlement_of(
    code: Path, folder: Path, cluster: Postgres, databases: ServiceDatabases
) -> AsyncIterator[Scene]:
    """Run the settlement of a copy, on a database made by the copy's own migrations."""
    with own_settlement_database(cluster) as own:
        everybody = {name: databases(name) for name in SERVICES if name != "settlement"}
        await _migrated(code, own)
        processes = Processes(site_on(folder, everybody | {"settlement": own}, None), code)
        owners = [
            await asyncpg.connect(processes.site.databases[name]["owner"])
            for name in ("settlement", "enrollment", "audit")
        ]
        # Here people are known by their state alone; enrollment does not run.
        await owners[1].execute("alter table person_version drop constraint if exists"
                                " person_version_person_ref_fkey")  # fmt: skip
        async with httpx.AsyncClient(timeout=10) as http:
            try:
                processes.start("settlement")
                await processes.ready("settlement")
                await open_for_business(processes.site)
                history = History(folder / "history.jsonl")
                here, there = [
                    Desk(http, history, processes.site, "settlement", client)
                    for client in processes.site.clients
                    if client.role == "hospital" and client.pool_code == POOL
                ]
                today = business_day(SystemClock().now())
                yield Scene(processes, cluster.dsn(), *owners, here, there, today)
            finally:
                processes.stop()
                for owner in owners:
                    await owner.close()


async def _migrated(code: Path, database: dict[str, str]) -> None:
    settings = {f"SETTLEMENT_{kind}_DSN".upper(): dsn for kind, dsn in database.items()}
    settings |= {"SETTLEMENT_SIGNING_KEY": "-", "SETTLEMENT_FIELD_KEY": "-"}
    settings |= {"SETTLEMENT_ANCHOR_FILE": str(code / "anchors"), "PYTHONPATH": str(code)}
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.settlement", "migrate"],
        cwd=code,
        env=os.environ | settings,
        check=True,
    )
