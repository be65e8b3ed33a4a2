"""What both buses promise their consumers: one set of tests, on the log and on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.database import Connection
from shared.plumbing.inbox import Inbox, retry_parked
from shared.plumbing.relay import Fenced, Relay
from tests.contracts.wires import CONSUMER, LETTERS, TOPIC, Handler, Wire, opened_wire
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases
from tests.support.telling import tell_numbers


@pytest.fixture(params=["local", "kafka"])
async def wire(
    request: pytest.FixtureRequest, service_databases: ServiceDatabases
) -> AsyncIterator[Wire]:
    kafka = request.getfixturevalue("kafka") if request.param == "kafka" else None
    async with opened_wire(service_databases, kafka) as made:
        yield made


def _of(key: str, effects: list[tuple[str, int]]) -> list[int]:
    return [sequence for k, sequence in effects if k == key]


async def test_a_keys_events_arrive_in_order(wire: Wire) -> None:
    for n in range(1, 21):
        await wire.tell(*[(key, n) for key in ("a", "b", "c")])
    await wire.heard(wire.inbox(Handler()), 60)
    effects = await wire.effects()
    assert [_of(key, effects) for key in ("a", "b", "c")] == [list(range(1, 21))] * 3


async def test_a_handlers_failure_is_followed_by_redelivery(wire: Wire) -> None:
    """Failed once: tried again, and nothing of the failed try stays."""
    await wire.tell(("a", 1), ("a", 2), ("b", 1))
    handler = Handler(fails={("a", 1): 2})
    await wire.heard(wire.inbox(handler), 3)
    assert handler.failed == 2
    effects = await wire.effects()
    assert (_of("a", effects), _of("b", effects)) == ([1, 2], [1])


async def test_records_taken_without_effect_are_delivered_again(wire: Wire) -> None:
    """The consumer dies between take and effect, and comes back."""
    await wire.tell(("a", 1))
    first = wire.source()
    async with asyncio.timeout(40):
        while not await first.take():
            pass
    await first.close()
    await wire.heard(wire.inbox(Handler()), 1)
    assert await wire.effects() == [("a", 1)]


async def test_again_gives_the_same_records_to_the_same_member(wire: Wire) -> None:
    await wire.tell(("a", 1), ("a", 2))
    source = wire.source()
    async with asyncio.timeout(40):
        while not (taken := await source.take()):
            pass
        await source.again()
        while not (retaken := await source.take()):
            pass
    assert [r.headers["ce_id"] for r in retaken] == [r.headers["ce_id"] for r in taken]


async def test_poison_parks_its_key_only_and_a_retry_frees_it_in_order(wire: Wire) -> None:
    handler = Handler(fails={("a", 2): 1000})
    inbox = wire.inbox(handler)
    await wire.tell(("a", 1), ("a", 2), ("b", 1), ("a", 3))
    await wire.heard(inbox, 4)
    await wire.tell(("a", 4), ("b", 2))
    await wire.heard(inbox, 2)
    effects = await wire.effects()
    assert (_of("a", effects), _of("b", effects)) == ([1], [1, 2])
    rows = await wire.owner.fetch("select key, reason from parked order by number")
    assert [(r["key"], r["reason"]) for r in rows] == [
        ("a", "ValueError"), ("a", "behind"), ("a", "behind"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="this event fails"):
        await retry_parked(wire.consumer, CONSUMER, "a", handler, FixedClock())
    assert _of("a", await wire.effects()) == [1]
    handler.fails.clear()
    assert await retry_parked(wire.consumer, CONSUMER, "a", handler, FixedClock()) == 3
    assert _of("a", await wire.effects()) == [1, 2, 3, 4]
    await wire.tell(("a", 5))
    await wire.heard(inbox, 1)
    assert _of("a", await wire.effects()) == [1, 2, 3, 4, 5]


async def test_what_cannot_be_read_does_not_keep_its_key_parked(wire: Wire) -> None:
    """It was parked behind the others before anybody read it."""
    handler = Handler(fails={("a", 1): 1000})
    inbox = wire.inbox(handler)
    await wire.tell(("a", 1), ("a", 2), ("a", 3))
    await wire.heard(inbox, 3)
    handler.fails.clear()

    async def some_read(tx: Connection, events: Sequence[Event]) -> None:
        if any(event.sequence == 2 for event in events):
            raise Undecodable("not of its contract")
        await handler(tx, events)

    assert await retry_parked(wire.consumer, CONSUMER, "a", some_read, FixedClock()) == 3
    assert await wire.effects() == [("a", 1), ("a", 3)]
    letters = await wire.owner.fetch("select topic, key from outbox")
    assert [(row["topic"], row["key"]) for row in letters] == [(LETTERS, "a")]
    assert await wire.owner.fetchval("select count(*) from parked") == 0


async def test_a_poll_that_is_too_much_for_its_time_is_taken_in_parts(wire: Wire) -> None:
    handler = Handler()

    async def slow(tx: Connection, events: Sequence[Event]) -> None:
        await tx.execute("set local statement_timeout = '300ms'")
        await tx.execute("select pg_sleep(0.02 * $1::int)", len(events))
        await handler(tx, events)

    await wire.tell(*[(f"k{n}", 1) for n in range(40)])
    inbox = Inbox(CONSUMER, wire.consumer, wire.source(), slow, FixedClock())
    running = asyncio.create_task(inbox.run())
    async with asyncio.timeout(60):
        while len(await wire.effects()) < 40:
            await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running])
    assert sorted(await wire.effects()) == sorted((f"k{n}", 1) for n in range(40))


async def test_an_event_that_comes_during_a_retry_is_not_lost(wire: Wire) -> None:
    """The retry has seen what is parked and is at work; then the key's next event arrives."""
    handler = Handler(fails={("a", 1): 1000})
    inbox = wire.inbox(handler)
    await wire.tell(("a", 1))
    await wire.heard(inbox, 1)
    handler.fails.clear()
    await wire.tell(("a", 2))
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: object, events: object) -> None:
        await handler(tx, events)  # type: ignore[arg-type]
        at_work.set()
        await go_on.wait()

    retry = asyncio.create_task(retry_parked(wire.consumer, CONSUMER, "a", slow, FixedClock()))
    await at_work.wait()
    hearing = asyncio.create_task(wire.heard(inbox, 1))
    await asyncio.sleep(0.8)
    go_on.set()
    await asyncio.gather(retry, hearing)
    assert await wire.effects() == [("a", 1), ("a", 2)]
    assert await wire.owner.fetchval("select count(*) from parked") == 0


async def test_what_cannot_be_read_goes_to_the_dead_letters_once(wire: Wire) -> None:
    await wire.tell(("a", 1))
    await wire.tell_undecodable("x")
    await wire.tell(("b", 1))
    inbox = wire.inbox(Handler())
    await wire.heard(inbox, 3)
    assert sorted(await wire.effects()) == [("a", 1), ("b", 1)]
    await wire.sources[-1].close()
    await wire.rewind()
    await wire.heard(wire.inbox(Handler()), 3)
    (letter,) = await wire.letters()
    assert letter["dlq-error"] == "Undecodable" or letter["dlq-error"] == "KeyError"
    assert letter["dlq-origin"].startswith(TOPIC)
    assert letter["ce_type"] == "dead-letter"
    assert await wire.owner.fetchval("select sum(dead) from consumer_offset") == 1


async def test_replay_from_the_start_changes_nothing(wire: Wire) -> None:
    handler = Handler(fails={("b", 1): 1000})
    inbox = wire.inbox(handler)
    await wire.tell(("a", 1), ("b", 1), ("a", 2), ("b", 2), ("c", 1))
    await wire.heard(inbox, 5)
    before, parked = await wire.effects(), await _parked(wire)
    await wire.sources[-1].close()
    await wire.rewind()
    handler.fails.clear()
    await wire.heard(wire.inbox(handler), 5)
    assert (await wire.effects(), await _parked(wire)) == (before, parked)
    assert parked == [("b", "ValueError"), ("b", "behind")]


async def _parked(wire: Wire) -> list[tuple[str, str]]:
    rows = await wire.owner.fetch("select key, reason from parked order by number")
    return [(row["key"], row["reason"]) for row in rows]


async def test_copies_have_one_effect(wire: Wire) -> None:
    """A relay that was fenced off has sent already: its heir sends again."""
    async with wire.producer.acquire() as tx:
        await tell_numbers(tx, "a", 1, 2, 3)
    zombie, heir = (Relay(wire.producer, wire.sender(), FixedClock()) for _ in range(2))
    await zombie.raise_fence()
    await heir.raise_fence()
    with pytest.raises(Fenced):
        await zombie.pass_on()
    await heir.pass_on()
    await wire.heard(wire.inbox(Handler()), 6 if wire.kafka else 3)
    assert await wire.effects() == [("a", 1), ("a", 2), ("a", 3)]


async def test_two_consumers_do_not_share_offsets(wire: Wire) -> None:
    await wire.tell(("a", 1), ("b", 1))
    one, other = Handler("one"), Handler("other")
    await wire.heard(wire.inbox(one), 2)
    await wire.tell(("a", 2))
    await wire.heard(wire.inbox(other), 3)
    assert sorted(await wire.effects("one")) == [("a", 1), ("b", 1)]
    assert sorted(await wire.effects("other")) == [("a", 1), ("a", 2), ("b", 1)]
