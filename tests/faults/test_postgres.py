"""PostgreSQL killed under load, and restored elsewhere: no acknowledged settlement is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.opening import open_for_business
from deploy.local.postgres import Postgres, find_binaries, free_port
from deploy.local.site import SERVICES, create_databases
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.migrate import migrate
from tests.faults.chaos import Load, Outcome
from tests.faults.desk import History
from tests.faults.killer import Killer
from tests.faults.processes import Processes, site_on

LONG = os.environ.get("FAULTS") == "long"
KILLS = 10 if LONG else 2
BIRTHS_A_SECOND = 3
SEED = 20261122
LOAD_SECONDS = 4
QUIET_SECONDS_MAX = 120

pytestmark = pytest.mark.timeout(0 if LONG else 600)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Postgres]:
    """A cluster of its own, at a port that it keeps when it starts again."""
    with Postgres(tmp_path / "postgres", port=free_port(), buffers_mb=128) as own:
        yield own


@pytest.fixture
async def town(cluster: Postgres, tmp_path: Path) -> AsyncIterator[Processes]:
    """The three services on that cluster, the local bus between them."""
    databases, today = create_databases(cluster), business_day(SystemClock().now())
    with ThreadPoolExecutor(max_workers=1) as apart:  # migrations run a loop of their own
        for service in SERVICES:
            apart.submit(migrate, service, databases[service]["owner"], today).result()
    processes = Processes(site_on(tmp_path, databases, None))
    try:
        for service in SERVICES:
            processes.start(service)
        for service in SERVICES:
            await processes.ready(service)
        await open_for_business(processes.site)
        yield processes
    finally:
        processes.stop()


async def test_a_killed_postgres_loses_no_acknowledged_settlement(
    town: Processes, cluster: Postgres, record_property: pytest.RecordProperty
) -> None:
    history = History(town.site.folder / "history.jsonl")
    load = Load(town.site, history, BIRTHS_A_SECOND, SEED)

    async def start_again(_: str) -> None:
        cluster.stop()  # it is dead: only its folder is let go of
        cluster.start()

    met_as = frozenset({"broken", "503", "200", "201"})
    killer = Killer(lambda _: _kill_all(cluster), start_again, history, SEED, met_as)
    await load.open()
    await load.run(killer.run(("settlement",), KILLS))
    await _quiet(town)
    wrong, same = await load.asked_again()
    record_property("kills", len(killer.broken))
    record_property("recovery seconds", killer.recovery_seconds)
    record_property("acknowledged", same)
    assert wrong == []
    assert same == len(load.outcome.acknowledged) > 0
    assert load.outcome.disputes == []
    assert history.counts.get("500", 0) == 0
    await _verified(town.run_file())
    await load.close()


async def test_a_base_backup_and_the_wal_give_every_acknowledged_settlement(
    town: Processes, cluster: Postgres, tmp_path: Path
) -> None:
    """As docs/restore.md tells an operator to, with a load on, and the old cluster killed."""
    archive, backup = tmp_path / "archive", tmp_path / "restored"
    archive.mkdir()
    await _archive_into(cluster, archive)
    history = History(town.site.folder / "history.jsonl")
    load = Load(town.site, history, BIRTHS_A_SECOND, SEED)
    await load.open()

    async def backed_up_meanwhile() -> None:
        await asyncio.sleep(LOAD_SECONDS)
        await asyncio.to_thread(_base_backup, cluster, backup)
        await asyncio.sleep(LOAD_SECONDS)

    await load.run(backed_up_meanwhile())
    await _quiet(town)
    _kill_all(cluster)
    town.stop()
    cluster.stop()
    _restore(cluster, archive, backup)
    with Postgres(backup, port=cluster.port, buffers_mb=128):
        await _promoted(town)
        await _verified(town.run_file())
        await _all_there(town, load.outcome)
        for service in SERVICES:
            town.start(service)
        for service in SERVICES:
            await town.ready(service)
        wrong, same = await load.asked_again()
        assert wrong == []
        assert same == len(load.outcome.acknowledged) > 0
        town.stop()
    await load.close()


def _kill_all(cluster: Postgres) -> None:
    """Kill -9 the postmaster and every backend, by pid."""
    children = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text().split()
    for pid in (cluster.pid, *map(int, children)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


async def _archive_into(cluster: Postgres, archive: Path) -> None:
    server = await asyncpg.connect(cluster.dsn())
    for setting, value in {
        "archive_mode": "on",
        "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
    }.items():
        await server.execute(f"alter system set {setting} = '{value}'")
    await server.close()
    cluster.stop()
    cluster.start()


def _base_backup(cluster: Postgres, into: Path) -> None:
    address = urlsplit(cluster.dsn())
    into.mkdir(mode=0o700)
    subprocess.run(
        [str(find_binaries() / "pg_basebackup"), "-h", "127.0.0.1", "-p", str(cluster.port),
         "-U", str(address.username), "-D", str(into / "pgdata"), "-X", "none", "-c", "fast"],
        env=os.environ | {"PGPASSWORD": str(address.password)},
        check=True, capture_output=True,
    )  # fmt: skip


def _restore(cluster: Postgres, archive: Path, backup: Path) -> None:
    """The backup, the archive, and of the old cluster only what it had not archived yet."""
    for segment in (cluster.folder / "pgdata" / "pg_wal").glob("0*"):
        if not (archive / segment.name).exists():
            shutil.copy(segment, archive)
    shutil.rmtree(cluster.folder / "pgdata")
    shutil.copy(cluster.folder / "passwords.json", backup)
    (backup / "pgdata" / "recovery.signal").touch()
    with (backup / "pgdata" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {archive}/%f %p'\narchive_mode = off\n")


async def _promoted(town: Processes) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                owner = await asyncpg.connect(town.site.databases["settlement"]["owner"])
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.2)
                continue
            recovering = await owner.fetchval("select pg_is_in_recovery()")
            await owner.close()
            if not recovering:
                return
            await asyncio.sleep(0.2)


async def _all_there(town: Processes, outcome: Outcome) -> None:
    """Of every acknowledged settlement: its row, its entry, its event, and audit's effect of it."""
    told = {str(one.answer) for one in outcome.acknowledged}
    settlement = await asyncpg.connect(town.site.databases["settlement"]["owner"])
    answers = await settlement.fetch(
        "select answer from idempotency where operation in ('settle', 'reverse')"
    )
    await settlement.close()
    assert told == {str(row["answer"]) for row in answers}


async def _quiet(town: Processes) -> None:
    async with open_stores(town.run_file()) as stores:
        assert await wait_for_quiet(stores, QUIET_SECONDS_MAX) == []


async def _verified(run_file: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "deploy.verify", "--run", str(run_file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    failing = [line for line in done.stdout.splitlines() if " FAIL:" in line]
    assert done.returncode == 0, "\n".join(failing) or done.stderr
