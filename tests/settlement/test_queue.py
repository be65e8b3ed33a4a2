"""The group's queue by itself, around an act that a test can hold up: turns, room, drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from shared.plumbing.database import Pool, open_pool
from shared.plumbing.group import Busy, Group, Said
from tests.support.agency import until_true
from tests.support.postgres import ServiceDatabases


@dataclass(frozen=True)
class Ask:
    """A command that keeps its `body` under its key."""

    institution: str
    key: str
    body: str = ""


@dataclass
class Keeping:
    """Keeps one body a key; says what it finds. READ waits at the gate."""

    kept: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    sizes: list[int] = field(default_factory=list)

    def identity(self, command: Ask) -> str:
        return command.key

    def share_of(self, command: Ask) -> str:
        return command.institution

    async def read(self, connection: Any, commands: Sequence[Ask]) -> list[str | None]:
        self.sizes.append(len(commands))
        await self.gate.wait()
        return [self.kept.get(command.key) for command in commands]

    def decide(self, command: Ask, kept: str | None) -> Ask | Said[str]:
        return command if kept is None else Said(kept)

    async def write(self, connection: Any, entries: Sequence[Ask]) -> list[bool]:
        self.kept |= {entry.key: entry.body for entry in entries}
        return [True] * len(entries)

    def answer(self, entry: Ask) -> str:
        return entry.body


Queue = Group[Ask, str | None, Ask, str]


@pytest.fixture
async def pool(service_databases: ServiceDatabases) -> AsyncIterator[Pool]:
    opened = await open_pool(service_databases("settlement")["group"])
    yield opened
    opened.terminate()  # a group that a failed test left at its gate holds connections


async def _submitted(group: Queue, *commands: Ask) -> list[asyncio.Task[str]]:
    """Each of these has asked: a task runs as far as its first wait before we go on."""
    tasks = [asyncio.create_task(group.submit(command)) for command in commands]
    await asyncio.sleep(0)
    return tasks


async def _at_the_gate(act: Keeping, groups: int) -> None:
    """So many groups are being read; whatever comes now belongs to a later one."""
    await until_true(lambda: len(act.sizes) == groups)


async def test_many_twins_all_get_the_first_ones_answer(pool: Pool) -> None:
    """Each follower finds the answer by its key; none is told that its twin is still running."""
    act = Keeping()
    group: Queue = Group(pool, act)
    group.start()
    twins = await _submitted(group, *(Ask("h", "k", f"body {n}") for n in range(6)))
    act.gate.set()
    assert await asyncio.gather(*twins) == ["body 0"] * 6
    await group.close()


async def test_what_arrives_during_a_flush_is_the_next_group(pool: Pool) -> None:
    act = Keeping()
    group: Queue = Group(pool, act, flushers=1, group_most=10)
    group.start()
    first = await _submitted(group, Ask("h", "first"))
    await _at_the_gate(act, 1)
    rest = await _submitted(group, *(Ask("h", f"{n}") for n in range(15)))
    act.gate.set()
    await asyncio.gather(*first, *rest)
    assert act.sizes == [1, 10, 5]
    await group.close()


async def test_close_finishes_what_is_queued_and_refuses_what_comes(pool: Pool) -> None:
    act = Keeping()
    group: Queue = Group(pool, act, flushers=1)
    group.start()
    queued = await _submitted(group, *(Ask("h", f"{n}", f"{n}") for n in range(10)))
    closing = asyncio.create_task(group.close())
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await asyncio.wait_for(group.submit(Ask("h", "late")), 2)
    assert not closing.done()
    act.gate.set()
    await closing
    assert [await task for task in queued] == [f"{n}" for n in range(10)]
    assert "late" not in act.kept
    await until_true(lambda: pool.get_idle_size() == pool.get_size())


async def test_a_share_is_given_back_when_its_command_is_answered(pool: Pool) -> None:
    act = Keeping()
    group: Queue = Group(pool, act, share_most=2)
    group.start()
    ours = await _submitted(group, Ask("h", "1"), Ask("h", "2"))
    with pytest.raises(Busy):
        await asyncio.wait_for(group.submit(Ask("h", "3")), 2)
    others = await _submitted(group, Ask("other", "4"))
    act.gate.set()
    await asyncio.gather(*ours, *others)
    await group.submit(Ask("h", "3"))
    await group.close()


async def test_a_caller_that_hangs_up_does_not_end_its_command(pool: Pool) -> None:
    """Neither the one under way nor the one that still waits in the queue."""
    act = Keeping()
    group: Queue = Group(pool, act, flushers=1)
    group.start()
    (under_way,) = await _submitted(group, Ask("h", "k1", "kept 1"))
    await _at_the_gate(act, 1)
    (waiting,) = await _submitted(group, Ask("h", "k2", "kept 2"))
    for rude in (under_way, waiting):
        rude.cancel()
        await asyncio.wait([rude])
    act.gate.set()
    await group.close()
    assert act.kept == {"k1": "kept 1", "k2": "kept 2"}


@pytest.mark.parametrize("step", ["read", "write"])
@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.AdminShutdownError,
        asyncpg.CannotConnectNowError,
        asyncpg.InternalClientError,
        ConnectionResetError,
        TimeoutError,
    ],
)
async def test_a_server_that_goes_away_costs_no_caller_its_answer(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, step: str, error: type[Exception]
) -> None:
    """Whatever it is called: a restarting server is asked again, and no data are taken for bad."""
    act = Keeping()
    act.gate.set()
    done = getattr(act, step)
    left = [error("gone")]

    async def breaking(connection: Any, those: Any) -> Any:
        if left:
            raise left.pop()
        return await done(connection, those)

    monkeypatch.setattr(act, step, breaking)
    group: Queue = Group(pool, act)
    group.start()
    assert await group.submit(Ask("h", "k", "answered")) == "answered"
    assert group.counts.halved == 0
    await group.close()


async def test_what_was_written_is_measured_what_is_replayed_is_not(
    service_databases: ServiceDatabases,
) -> None:
    pool = await open_pool(service_databases("settlement")["group"], size=1)
    measured: list[tuple[str, float]] = []
    act = Keeping()
    group: Queue = Group(
        pool, act, flushers=1, written=lambda entry, seconds: measured.append((entry.key, seconds))
    )
    group.start()
    asked = await _submitted(group, Ask("H", "one"), Ask("H", "two"))
    assert group.length() == 2
    await asyncio.sleep(0.05)  # both have asked by now, so that each waits for as long
    act.gate.set()
    await asyncio.gather(*asked)
    await group.submit(Ask("H", "one"))
    assert group.length() == 0
    assert [key for key, _ in measured] == ["one", "two"]
    assert all(seconds >= 0.05 for _, seconds in measured)
    await group.close()
    await pool.close()
