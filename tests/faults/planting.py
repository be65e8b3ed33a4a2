"""A copy of the services with a fault planted by a patch, its settlement running over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.local.opening import open_for_business
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES
from shared.plumbing.clock import SystemClock, business_day
from tests.faults.desk import Desk, History
from tests.faults.processes import Processes, site_on
from tests.faults.scene import POOL, POOL_OF_HEADS, Scene
from tests.support.postgres import ServiceDatabases
from tests.support.source import ROOT

PLANTED = Path(__file__).with_name("planted")
OPENED = ("client", "book", "book_appointment", "agreement", "catalogue_item")
_numbers = itertools.count(1)
_ROLES = asyncio.Lock()  # each database is made with grants to roles that all share


def planted_copy(folder: Path, patch: Path | None) -> Path:
    """The source of the services in a folder, with a patch applied, which must change it."""
    code = folder / "code"
    for package in ("services", "shared"):
        shutil.copytree(ROOT / package, code / package)  # compiled files too: they save seconds
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


def _with_a_clock_to_set(code: Path, skew: Path) -> None:
    """Let the copy's clock read by how many seconds it is wrong: no switch for that is shipped. It
    is where a link points to, which is read without a descriptor: some scenes have none left."""
    _rewrite(
        code / "shared" / "plumbing" / "clock.py",
        "return datetime.now(UTC)",
        "import os\n"
        "        from datetime import timedelta\n"
        f"        skew = float(os.readlink({str(skew)!r}))\n"
        "        return datetime.now(UTC) + timedelta(seconds=skew)",
    )
    skew.symlink_to("0")


def _patient(code: Path) -> None:
    """Let the copy wait for what a scene holds as long as that may take on a busy machine: after two
    seconds it would be refused, and ask again in another order."""
    _rewrite(
        code / "shared" / "plumbing" / "database.py",
        '"lock_timeout": "2000"', '"lock_timeout": "60000"',
    )  # fmt: skip
    _rewrite(
        code / "services" / "settlement" / "main.py",
        "_GROUP_STATEMENT_MS = 2000", "_GROUP_STATEMENT_MS = 60_000",
    )  # fmt: skip


def _rewrite(file: Path, old: str, new: str) -> None:
    before = file.read_text()
    assert old in before
    file.write_text(before.replace(old, new))


def _source(code: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(code)): file.read_bytes()
        for file in code.rglob("*")
        if file.suffix in (".py", ".sql")
    }


@dataclass(frozen=True)
class Ground:
    """Where scenes begin: what opening for business leaves in settlement's database and folder."""

    template: str
    folder: Path
    tables: dict[str, list[asyncpg.Record]]


@asynccontextmanager
async def own_settlement_database(
    cluster: Postgres, template: str | None
) -> AsyncIterator[dict[str, str]]:
    """A copy of an opened database; without one an empty one, for the copy's own migrations."""
    name = f"settlement_planted_{next(_numbers)}"
    async with _ROLES:
        own = await asyncio.to_thread(
            cluster.service_database, "settlement", name, template=template
        )
    yield own
    await asyncio.to_thread(cluster.drop_database, name)


@asynccontextmanager
async def settlement_of(
    code: Path, folder: Path, cluster: Postgres, databases: ServiceDatabases,
    ground: Ground | None, *, own_schema: bool = False, planted: bool = False,
) -> AsyncIterator[Scene]:  # fmt: skip
    """Run the settlement of a copy, on a copy of the ground, with a clock that the scene sets.

    `own_schema`: on a database made by the copy's own migrations. Without a ground it opens for
    business itself.
    """
    template = ground.template if ground is not None and not own_schema else None
    skew = folder / "skew"
    _with_a_clock_to_set(code, skew)
    _patient(code)
    async with own_settlement_database(cluster, template) as own:
        if ground is not None:
            shutil.copy(ground.folder / "keys.json", folder)
            if not own_schema:  # the log comes along, and so does what anchors it
                shutil.copy(ground.folder / "settlement.anchors", folder)
        if template is None:
            await _migrated(code, own)
        async with _ROLES:
            everybody = {
                name: await asyncio.to_thread(databases, name)
                for name in SERVICES
                if name != "settlement"
            }
        there = everybody | {"settlement": own}
        site = site_on(folder, there, None, clients_are_there=ground is not None)
        processes = Processes(site, code)
        owners = [
            await asyncpg.connect(processes.site.databases[name]["owner"])
            for name in ("settlement", "enrollment", "audit")
        ]
        if ground is not None and own_schema:
            await _lay(owners[0], ground.tables)
        # Here people are known by their state alone; enrollment does not run.
        await owners[1].execute("alter table person_version drop constraint if exists"
                                " person_version_person_ref_fkey")  # fmt: skip
        async with httpx.AsyncClient(timeout=10) as http:
            try:
                processes.start("settlement")
                await processes.ready("settlement")
                if ground is None:
                    await open_for_business(processes.site)
                history = History(folder / "history.jsonl")
                desks = {
                    client.client_id: Desk(http, history, processes.site, "settlement", client)
                    for client in processes.site.clients
                    if client.pool_code == POOL and "settlement" in client.services
                }
                here, there = [desk for desk in desks.values() if desk.institution]
                today = business_day(SystemClock().now())
                clerk = desks[f"clerk-{POOL}-a"]
                of_heads = next(
                    Desk(http, history, processes.site, "settlement", client)
                    for client in processes.site.clients
                    if client.pool_code == POOL_OF_HEADS and client.institution_code
                )
                yield Scene(
                    processes, cluster.dsn(), *owners, here, there, clerk, of_heads, today, skew,
                    planted,
                )  # fmt: skip
            finally:
                processes.stop()
                for owner in owners:
                    await owner.close()


@asynccontextmanager
async def ground_of(
    folder: Path, cluster: Postgres, databases: ServiceDatabases
) -> AsyncIterator[Ground]:
    """Open for business once, for every scene of a test run."""
    template = f"settlement_ground_{next(_numbers)}"
    code = planted_copy(folder, None)
    async with settlement_of(code, folder, cluster, databases, None) as scene:
        tables = {table: await scene.owner.fetch(f"select * from {table}") for table in OPENED}
        source = scene.processes.site.databases["settlement"]["owner"].rpartition("/")[2]
        scene.processes.stop()
        await scene.owner.close()
        cluster.service_database("settlement", template, template=source)
    yield Ground(template, folder, tables)
    cluster.drop_database(template)


async def _lay(owner: asyncpg.Connection[asyncpg.Record], tables: dict[str, Any]) -> None:
    """What opening for business left, by copy: the copy's schema may differ, its rows do not."""
    for table, rows in tables.items():
        await owner.copy_records_to_table(table, records=rows, columns=list(rows[0].keys()))


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
