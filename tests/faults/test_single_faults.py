"""One fault at a time on a settlement under load: every call gets its final answer, none a 500.

The names are those of docs/faults.md.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from tests.faults.bills import CALLS, all_settled, bills, laid_bills, still_sound
from tests.faults.desk import Attempt
from tests.faults.scene import Scene

EXIT_SECONDS_MAX = 10
IDLE_SECONDS_MAX = 8
HANG_UPS, AT_ONCE = 1000, 50


def unread(port: int | None) -> int:
    """How many bytes lie before the process that listens on a loopback port, not read yet."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(queues.split(":")[1], 16)
        for _, local, _, _, queues, *_ in rows
        if local.endswith(f":{port:04X}")
    )


async def backends(server: asyncpg.Connection[asyncpg.Record], scene: Scene) -> list[int]:
    """The database's sessions of the service's own roles, as pids."""
    databases = scene.processes.site.databases["settlement"]
    rows = await server.fetch(
        "select pid from pg_stat_activity where datname = $1 and usename = any($2)",
        urlsplit(databases["owner"]).path[1:],
        [urlsplit(databases[role]).username for role in ("service", "group")],
    )
    return [row["pid"] for row in rows]


async def test_f02_killed_again_while_it_starts(sound: Scene) -> None:
    stays = await bills(sound)
    settling = asyncio.create_task(all_settled(sound, stays))
    await asyncio.sleep(0.05)
    for seconds in (0.0, 0.1, 0.3):
        sound.processes.kill("settlement")
        sound.processes.start("settlement")
        await asyncio.sleep(seconds)
    sound.processes.kill("settlement")
    await sound.processes.supervised("settlement")
    await settling
    await still_sound(sound)


async def test_f03_sigterm_under_load_fails_no_request(sound: Scene) -> None:
    """What was on its way is answered; the process ends in time; nothing was refused for good."""
    stays = await bills(sound)
    # So many connections are open by now: one still in the backlog was never the process's own.
    await asyncio.gather(*(sound.here.get(f"/stays/{stay}") for stay, _ in stays))
    on_the_way = sound.here.history.on_the_way
    keys = [uuid4().hex for _ in stays]
    calls = [
        asyncio.create_task(sound.here.try_once(f"/stays/{stay}/settle", {"total": total}, key))
        for (stay, total), key in zip(stays, keys, strict=True)
    ]
    while len(on_the_way.get("settlement", ())) < CALLS:
        await asyncio.sleep(0)
    while not all(attempt.sent for attempt in on_the_way["settlement"]):
        await asyncio.sleep(0)
    port = urlsplit(sound.processes.site.addresses["settlement"]).port
    while unread(port):
        time.sleep(0.0005)  # noqa: ASYNC251 (no answer is read meanwhile)
    met: set[Attempt] = set(on_the_way["settlement"])
    process, began = sound.processes.running["settlement"], time.monotonic()
    process.terminate()
    await asyncio.gather(*calls)
    await asyncio.to_thread(process.wait, EXIT_SECONDS_MAX)
    seconds = time.monotonic() - began
    await sound.processes.supervised("settlement")
    assert seconds < EXIT_SECONDS_MAX
    assert {attempt.outcome for attempt in met} <= {"201", "503", "no connection"}
    await all_settled(sound, await bills(sound, 2))
    await still_sound(sound)


async def test_f06_postgres_stopped(sound: Scene) -> None:
    """Every session of the service stands still for two seconds, by SIGSTOP."""
    await all_settled(sound, await bills(sound, 1))  # a new session would not stand still
    stays = await bills(sound)
    server = await asyncpg.connect(sound.superuser)
    pids = await backends(server, sound)
    await server.close()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        settling = asyncio.create_task(all_settled(sound, stays))
        await asyncio.sleep(2)
        assert not settling.done()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await settling
    await still_sound(sound)


async def test_f08_sessions_ended(sound: Scene) -> None:
    stays = await bills(sound)
    settling = asyncio.create_task(all_settled(sound, stays))
    server = await asyncpg.connect(sound.superuser)
    ended = 0
    for _ in range(10):
        for pid in await backends(server, sound):
            ended += await server.fetchval("select pg_terminate_backend($1)::int", pid)
        await asyncio.sleep(0.05)
    await server.close()
    await settling
    assert ended > 0
    await still_sound(sound)


async def test_f19_idle_sockets(sound: Scene) -> None:
    """Five hundred callers who connect and say half a word."""
    address = sound.processes.site.addresses["settlement"].rpartition("/")[2]
    host, _, port = address.partition(":")
    async with AsyncExitStack() as held:
        for _ in range(500):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /settlement/v1/st")
            held.callback(writer.close)
        await all_settled(sound, await bills(sound, 3))
    await still_sound(sound)


async def test_f20_no_connection_is_left(sound: Scene) -> None:
    """A third party takes every connection of the database for a second."""
    stays = await bills(sound)
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    server = await asyncpg.connect(sound.superuser)
    try:
        while len(taken) < 300:
            taken.append(await asyncpg.connect(sound.superuser))
    except asyncpg.TooManyConnectionsError:
        pass
    for pid in await backends(server, sound):
        await server.execute("select pg_terminate_backend($1)", pid)
    settling = asyncio.create_task(all_settled(sound, stays))
    await asyncio.sleep(1)
    for connection in taken:
        await connection.close()
    await server.close()
    await settling
    assert taken
    await still_sound(sound)


async def test_f21_a_thousand_callers_hang_up(sound: Scene) -> None:
    """Each hangs up within 50 ms, then asks under the same key as if nothing was."""
    stays = await laid_bills(sound, HANG_UPS)
    keys = [uuid4().hex for _ in stays]
    hung_up = sound.here.history.counts.get("hung up", 0)

    async def hang_up(number: int) -> None:
        stay, total = stays[number]
        try:
            async with asyncio.timeout(0.05 * (number % CALLS) / CALLS):
                await sound.here.try_once(f"/stays/{stay}/settle", {"total": total}, keys[number])
        except TimeoutError:
            pass

    for first in range(0, HANG_UPS, AT_ONCE):
        await asyncio.gather(*map(hang_up, range(first, first + AT_ONCE)))
    assert sound.here.history.counts["hung up"] - hung_up > HANG_UPS / 2
    for first in range(0, HANG_UPS, AT_ONCE):
        those = range(first, first + AT_ONCE)
        await all_settled(sound, [stays[n] for n in those], [keys[n] for n in those])
    # Who is between two statements is so for a moment; what a caller left would stay so for 10 s.
    await sound.comes(
        "select count(*) = 0 from pg_stat_activity where datname = current_database()"
        " and state like 'idle in transaction%' and usename <> current_user",
        within=IDLE_SECONDS_MAX,
    )
    await still_sound(sound)


async def test_f24_hardly_any_processor(sound: Scene) -> None:
    """The process stands still for nine of ten milliseconds, for two seconds."""
    stays = await bills(sound)
    settling = asyncio.create_task(all_settled(sound, stays))
    pid, until = sound.processes.running["settlement"].pid, time.monotonic() + 2
    try:
        while time.monotonic() < until:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.009)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.001)
    finally:
        os.kill(pid, signal.SIGCONT)
    await settling
    await still_sound(sound)
