"""What there is too little of: descriptors, memory, disk, and room for ten times the load.

Each time callers are refused within bounds, none by a 500, and when there is enough again every call
gets its final answer. The names are those of docs/faults.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.local.postgres import Postgres
from shared.plumbing.problem_answers import as_problem
from tests.faults.bills import Bill, all_settled, bills, laid_bills, still_sound
from tests.faults.disk import fill
from tests.faults.planting import planted_copy, settlement_of
from tests.faults.scene import Scene
from tests.support.agency import until_true
from tests.support.postgres import ServiceDatabases

LONG = os.environ.get("FAULTS") == "long"
DESCRIPTORS = 64
ROOM_BYTES = 8 << 20
SLOW_WRITE = """
create function slow() returns trigger language plpgsql as
    $$ begin perform pg_sleep(1); return null; end $$;
create trigger slow before insert on settlement for each statement execute function slow();
"""
CALM_CALLERS, CALM_SECONDS = 64, 4
TIMES_OVER = 15  # of what 64 callers get; many more share a transaction, so that is ten times all
STORM_SECONDS = 60 if LONG else 5
STORM_CALLERS = 900
OTHERS_EVERY_SECONDS = 1.0
LONGEST_SECONDS_MAX = 30

pytestmark = pytest.mark.timeout(0 if LONG else 600)


def limited(pid: int, what: int, most: int) -> contextlib.AbstractContextManager[None]:
    """Lower a limit of a running process; given back afterwards, where the process still lives."""

    @contextlib.contextmanager
    def held() -> Iterator[None]:
        before = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (most, before[1]))
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, what, before)

    return held()


def address_space(pid: int) -> int:
    """How many bytes of addresses a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


async def test_f22_no_file_descriptor_is_left(sound: Scene) -> None:
    """Idle callers hold every descriptor that the process may have."""
    stays = await bills(sound)
    pid = sound.processes.running["settlement"].pid
    host, _, port = sound.processes.site.addresses["settlement"].rpartition("/")[2].partition(":")
    with limited(pid, resource.RLIMIT_NOFILE, DESCRIPTORS):
        async with contextlib.AsyncExitStack() as held:
            for _ in range(DESCRIPTORS):
                _, writer = await asyncio.open_connection(host, int(port))
                held.callback(writer.close)
            await until_true(lambda: len(os.listdir(f"/proc/{pid}/fd")) == DESCRIPTORS)
            settling = asyncio.create_task(all_settled(sound, stays))
            await asyncio.sleep(2)
        await settling
    assert sound.processes.running["settlement"].poll() is None
    await still_sound(sound)


async def test_f23_no_memory_is_left(sound: Scene) -> None:
    """The process gets hardly a byte more; where that ends it, its supervisor starts it again."""
    stays = await bills(sound)
    open_stay, _ = await sound.a_stay()
    process = sound.processes.running["settlement"]
    refused = 0

    async def a_large_body() -> None:
        nonlocal refused
        lines = [{"line_number": n, "item_code": "x" * 60} for n in range(8000)]
        answer = await sound.here.try_once(
            f"/stays/{open_stay}/lines", {"lines": lines}, uuid4().hex
        )
        refused += answer is None or answer.status_code == httpx.codes.SERVICE_UNAVAILABLE

    with limited(process.pid, resource.RLIMIT_AS, address_space(process.pid) + ROOM_BYTES):
        settling = asyncio.create_task(all_settled(sound, stays))
        await asyncio.gather(*(a_large_body() for _ in range(30)))
        if process.poll() is not None:
            await sound.processes.supervised("settlement")
    await settling
    assert refused > 0
    await still_sound(sound)


@pytest.fixture
async def cramped(
    disk: Path, service_databases: ServiceDatabases, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A settlement whose database lies on that disk."""
    with Postgres(disk / "postgres", buffers_mb=32) as cluster:
        code = planted_copy(tmp_path, None)
        async with settlement_of(code, tmp_path, cluster, service_databases, None) as scene:
            yield scene


def test_a_full_disk_is_told_as_an_outage() -> None:
    assert as_problem(asyncpg.DiskFullError("")).kind.status == httpx.codes.SERVICE_UNAVAILABLE


async def test_f09_the_disk_is_full(cramped: Scene, disk: Path) -> None:
    stays = await laid_bills(cramped, 200)
    filler = disk / "filler"
    fill(filler)
    settling = asyncio.create_task(all_settled(cramped, stays))
    await until_true(lambda: cramped.here.history.counts.get("503", 0) > 0)
    await asyncio.sleep(3)
    filler.unlink()
    await settling
    await still_sound(cramped)


async def test_f18_ten_times_the_load(sound: Scene) -> None:
    """Open loop, on a database that writes slowly: what has no room is refused at once and may come
    again; another hospital is served all the while."""
    await sound.owner.execute(SLOW_WRITE)
    try:
        calm = await load_of(sound, await laid_bills(sound, 500), CALM_SECONDS, CALM_CALLERS)
        per_second = TIMES_OVER * calm["statuses"]["201"] / calm["seconds"]
        stays = await laid_bills(sound, int(per_second * STORM_SECONDS))
        storm = asyncio.create_task(
            load_of(sound, stays, STORM_SECONDS, STORM_CALLERS, rate=per_second)
        )
        served = 0
        while not storm.done():
            person, pregnancy = await sound.pregnant()
            stay, total = await sound.stay(sound.there, person, pregnancy)
            answer = await sound.there.try_once(
                f"/stays/{stay}/settle", {"total": total}, uuid4().hex
            )
            served += answer is not None and answer.status_code == httpx.codes.CREATED
            await asyncio.sleep(OTHERS_EVERY_SECONDS)
        said = await storm
    finally:
        await sound.owner.execute("drop trigger slow on settlement; drop function slow")
    assert set(said["statuses"]) == {"201", "503"}, said
    assert said["most_ms"] < LONGEST_SECONDS_MAX * 1000, said
    assert served > 0
    again = await load_of(sound, stays, 10 * STORM_SECONDS, CALM_CALLERS)
    assert again["statuses"] == {"201": len(stays)}
    await still_sound(sound)
    print(calm, said, again, served)  # noqa: T201


async def load_of(
    scene: Scene, stays: Sequence[Bill], seconds: float, callers: int, rate: float | None = None
) -> dict[str, object]:
    """Settle them by a process of its own, each under its stay's id; what it was told."""
    here, address = scene.here, urlsplit(scene.processes.site.addresses["settlement"])
    token = await here._fresh_token()
    plan = {
        "host": address.hostname, "port": address.port, "connections": callers,
        "seconds": seconds, "rate": rate, "tokens": {here.institution: token},
        "headers": {},
        "requests": [
            (here.institution, f"POST /settlement/v1/stays/{stay}/settle", stay,
             json.dumps({"total": total}))
            for stay, total in stays
        ],
    }  # fmt: skip
    file = scene.processes.site.folder / "plan.json"
    file.write_text(json.dumps(plan))
    load = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", str(file),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await load.communicate(b"go\n")
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found
