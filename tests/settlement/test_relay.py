"""The relay loses nothing that commits late, keeps each key in order, and stamps alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import pytest

import shared.plumbing.relay as relay_module
from shared.plumbing.database import Connection, Pool, open_pool
from shared.plumbing.relay import Fenced, Relay, Waiting, unexplained
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases
from tests.support.telling import TOPIC, tell_numbers

OTHER_TOPIC = "maternity.enrollment.contribution.v1"


@dataclass
class Heard:
    """A sender that remembers what it passed on; `gate` holds a send up."""

    events: list[tuple[str, int]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def send(self, events: Sequence[Waiting]) -> None:
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        self.events += [(e.key, e.sequence) for e in events]

    async def close(self) -> None: ...


@pytest.fixture
def databases(service_databases: ServiceDatabases) -> dict[str, str]:
    return service_databases("settlement")


@pytest.fixture
async def pool(databases: dict[str, str]) -> AsyncIterator[Pool]:
    opened = await open_pool(databases["service"])
    yield opened
    await opened.close()


async def _relay(pool: Pool, heard: Heard) -> Relay:
    relay = Relay(pool, heard, FixedClock())
    await relay.raise_fence()
    return relay


@asynccontextmanager
async def _begun(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction that took its xid; commit by leaving the block."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.fetchval("select pg_current_xact_id()")
        yield connection


async def _tell(pool: Pool, key: str, *sequences: int, topic: str = TOPIC) -> None:
    async with _begun(pool) as tx:
        await tell_numbers(tx, key, *sequences, topic=topic)


async def _drain(relay: Relay) -> None:
    async with asyncio.timeout(10):
        while await relay.pass_on():
            pass


async def _positions(pool: Pool, topic: str) -> list[int]:
    rows = await pool.fetch(
        "select position from outbox where topic = $1 and position is not null", topic
    )
    return sorted(row["position"] for row in rows)


async def test_a_transaction_that_commits_late_is_not_skipped(pool: Pool) -> None:
    heard = Heard()
    relay = await _relay(pool, heard)
    async with _begun(pool) as early:
        await tell_numbers(early, "a", 1)
        await _tell(pool, "b", 1)
        await _drain(relay)
    await _drain(relay)
    assert sorted(heard.events) == [("a", 1), ("b", 1)]
    assert await _positions(pool, TOPIC) == [1, 2]


async def test_only_whole_finished_transactions_are_passed_on(pool: Pool) -> None:
    """Nothing of a transaction at or above the oldest running one leaves before it."""
    heard = Heard()
    relay = await _relay(pool, heard)
    async with _begun(pool):
        await _tell(pool, "b", 1)
        assert await relay.pass_on() == 0
    assert await relay.pass_on() == 1


async def test_numbers_written_in_inverted_order_of_xids_are_passed_in_sequence(pool: Pool) -> None:
    """A transaction takes its xid, waits for the key's lock, and writes the later number."""
    heard = Heard()
    relay = await _relay(pool, heard)
    async with _begun(pool) as waits:
        await _tell(pool, "a", 1)
        await tell_numbers(waits, "a", 2)
    await _drain(relay)
    assert heard.events == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_the_batch_limit_does_not_invert_a_key(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """By xid the numbers stand as 1, 3, 4, 2: wherever the batch ends, they pass as 1, 2, 3, 4."""
    monkeypatch.setattr(relay_module, "_BATCH", most)
    heard = Heard()
    relay = await _relay(pool, heard)
    await _tell(pool, "a", 1)
    async with _begun(pool) as waits:
        await _tell(pool, "b", 1)
        await _tell(pool, "a", 2)
        await tell_numbers(waits, "a", 3, 4)
    await _drain(relay)
    assert [e for e in heard.events if e[0] == "a"] == [("a", n) for n in (1, 2, 3, 4)]
    assert ("b", 1) in heard.events


async def test_a_full_batch_of_later_numbers_does_not_stop_the_relay(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_BATCH", 2)
    heard = Heard()
    relay = await _relay(pool, heard)
    async with _begun(pool) as waits:
        for key in ("a", "b", "c"):
            await _tell(pool, key, 1)
        for key in ("a", "b", "c"):
            await tell_numbers(waits, key, 2)
    await _drain(relay)
    assert sorted(heard.events) == [(key, n) for key in "abc" for n in (1, 2)]


async def test_a_predecessor_of_an_unfinished_neighbour_still_comes_first(pool: Pool) -> None:
    """The earlier number's xid lies above a running transaction, the later one's below it."""
    heard = Heard()
    relay = await _relay(pool, heard)
    async with _begun(pool) as waits:
        running = pool.acquire()
        connection = await running
        open_one = connection.transaction()
        await open_one.start()
        await connection.fetchval("select pg_current_xact_id()")
        await _tell(pool, "a", 1)
        await tell_numbers(waits, "a", 2)
    await _drain(relay)
    await open_one.rollback()
    await pool.release(connection)
    await _drain(relay)
    assert heard.events == [("a", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("passed", "here", "unsure"),
    [(0, (1,), False), (0, (1, 2), False), (3, (4, 5), False), (3, (5, 4), False),
     (0, (2,), True), (3, (5,), True), (3, (4, 6), True), (3, (2, 5), True), (3, (2,), True),
     (0, (1, 1, 3), True)],
)  # fmt: skip
def test_an_earlier_event_is_looked_for_where_a_number_is_missing(
    passed: int, here: tuple[int, ...], unsure: bool
) -> None:
    """It may lie in any month: the longer a house stands, the dearer it is to look."""
    events = [Waiting("2024-03-01", uuid4(), TOPIC, "a", "a", n, "", b"") for n in here]
    last = {(TOPIC, "a"): max(here)} if unsure else {}
    assert unexplained(events, {(TOPIC, "a"): passed, (OTHER_TOPIC, "a"): 9}) == last


@pytest.mark.parametrize("remembered", [0, 100])
async def test_a_relay_that_knows_an_aggregate_still_finds_what_was_overtaken(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(relay_module, "_BATCH", 1)
    monkeypatch.setattr(relay_module, "_REMEMBERED", remembered)
    heard = Heard()
    relay = await _relay(pool, heard)
    await _tell(pool, "a", 1)
    await _drain(relay)
    async with _begun(pool) as waits:
        await _tell(pool, "a", 2)
        await tell_numbers(waits, "a", 3)
    await _drain(relay)
    assert heard.events == [("a", 1), ("a", 2), ("a", 3)]


async def test_a_relay_that_takes_over_anew_believes_nothing_of_before(
    databases: dict[str, str], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it passed waits again, as in restored books, and lies behind what is new."""
    monkeypatch.setattr(relay_module, "_BATCH", 1)
    heard = Heard()
    relay = await _relay(pool, heard)
    await _tell(pool, "a", 1, 2, 3)
    await _drain(relay)
    await _tell(pool, "a", 4)
    owner = await asyncpg.connect(databases["owner"])
    await owner.execute(
        "update outbox set position = null, xid = pg_current_xact_id() where sequence < 4"
    )
    await owner.close()
    await relay.raise_fence()
    await _drain(relay)
    assert [number for _, number in heard.events] == [1, 2, 3, 1, 2, 3, 4]


async def test_a_second_relay_fences_the_first(pool: Pool) -> None:
    """The zombie was held up while sending: it may have sent copies, but stamps nothing."""
    await _tell(pool, "a", 1)
    zombie_heard = Heard(gate=asyncio.Event())
    zombie = await _relay(pool, zombie_heard)
    held_up = asyncio.create_task(zombie.pass_on())
    await zombie_heard.arrived.wait()
    heir = await _relay(pool, Heard())
    assert zombie_heard.gate is not None
    zombie_heard.gate.set()
    with pytest.raises(Fenced):
        await held_up
    assert await pool.fetchval("select count(*) from outbox where position is not null") == 0
    assert await pool.fetchval("select count(*) from topic_position") == 0
    await _drain(heir)
    assert await _positions(pool, TOPIC) == [1]


async def test_two_running_relays_pass_each_event_once(pool: Pool) -> None:
    """The second waits for its turn; when the first goes, it takes over."""
    first, second = Heard(), Heard()
    tasks = [asyncio.create_task(Relay(pool, h, FixedClock()).run()) for h in (first, second)]
    async with asyncio.timeout(20):
        await _tell(pool, "a", 1)
        while await _positions(pool, TOPIC) != [1]:
            await asyncio.sleep(0.02)
        leader = 0 if first.events else 1
        tasks[leader].cancel()
        await asyncio.wait([tasks[leader]])
        await _tell(pool, "a", 2)
        while len(first.events + second.events) < 2:
            await asyncio.sleep(0.02)
    tasks[1 - leader].cancel()
    await asyncio.wait([tasks[1 - leader]])
    ours, theirs = (first, second) if leader == 0 else (second, first)
    assert (ours.events, theirs.events) == ([("a", 1)], [("a", 2)])


async def test_positions_are_dense_per_topic(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_BATCH", 3)
    relay = await _relay(pool, Heard())
    for n in range(1, 6):
        await _tell(pool, "a", n)
        await _tell(pool, "a-contribution", n, topic=OTHER_TOPIC)
        await _tell(pool, "b", n)
    await _drain(relay)
    assert await _positions(pool, TOPIC) == list(range(1, 11))
    assert await _positions(pool, OTHER_TOPIC) == list(range(1, 6))
