"""PostgreSQL killed under load: no acknowledged settlement is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local.opening import open_for_business
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES, create_databases
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.migrate import migrate
from tests.faults.chaos import Load
from tests.faults.desk import History
from tests.faults.killer import Killer
from tests.faults.processes import Processes, site_on

LONG = os.environ.get("FAULTS") == "long"
KILLS = 10 if LONG else 2
BIRTHS_A_SECOND = 3
SEED = 20261122
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


def _kill_all(cluster: Postgres) -> None:
    """Kill -9 the postmaster and every backend, by pid."""
    children = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text().split()
    for pid in (cluster.pid, *map(int, children)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


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
