"""Metrics: each tells of what happened, none of whom it happened to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from shared.plumbing.bus.record import Event, Record
from shared.plumbing.clock import to_wire
from shared.plumbing.database import Connection, Pool, open_pool
from shared.plumbing.inbox import Inbox
from shared.plumbing.metrics import Lag, Sampler
from shared.plumbing.outbox import outbox_row, tell
from shared.plumbing.relay import KeepInLog, Relay
from tests.settlement.conftest import NANJING, House
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client
from tests.support.telling import TOPIC, event


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_settling_and_refusing_are_counted(house: House, nanjing_a: Client) -> None:
    stay, body = await house.ready_stay(nanjing_a)
    level = {"pool": NANJING, "level": "3"}
    settled = value("settlement_seconds_count", **level)
    keyless = value("refusals_total", code="2-idempotency-key-missing")
    wrong = await nanjing_a.post(f"/stays/{stay}/settle", {"total": "1.00"})
    code = wrong.json()["code"]
    refused = value("refusals_total", code=code)
    await nanjing_a.post(f"/stays/{stay}/settle", {"total": "1.00"})
    assert value("refusals_total", code=code) == refused + 1
    answer = await nanjing_a.post(f"/stays/{stay}/settle", {"total": body["total"]}, key="k")
    assert answer.status_code == 201
    await nanjing_a.post(f"/stays/{stay}/settle", {"total": body["total"]}, key="k")
    assert value("settlement_seconds_count", **level) == settled + 1  # a replay settles nothing
    assert value("settlement_seconds_sum", **level) > 0
    keyless_call = await nanjing_a.http.post(
        f"/settlement/v1/stays/{stay}/settle",
        json={"total": body["total"]},
        headers={"authorization": f"Bearer {nanjing_a.token}"},
    )
    assert keyless_call.status_code == 400
    assert value("refusals_total", code="2-idempotency-key-missing") == keyless + 1
    shown = (await nanjing_a.http.get("/settlement/metrics")).text
    for name in ("settlement_seconds_bucket", "refusals_total", "outbox_oldest_seconds",
                 "horizon_seconds", "consumer_lag_seconds", "group_queue_length",
                 "metrics_sampled_timestamp_seconds"):  # fmt: skip
        assert f"\n{name}{{" in shown, name
    for secret in (stay, "H" + NANJING):
        assert secret not in shown


@pytest.fixture
async def pool(service_databases: ServiceDatabases) -> AsyncIterator[Pool]:
    """A migrated database that no service runs on."""
    opened = await open_pool(service_databases("settlement")["service"], size=4)
    yield opened
    await opened.close()


async def test_the_oldest_event_not_passed_on_ages(pool: Pool) -> None:
    clock = FixedClock()
    sampler = Sampler("ages", pool, clock)
    await sampler.sample()
    assert value("outbox_oldest_seconds", service="ages") == 0
    async with pool.acquire() as tx, tx.transaction():
        await tell(tx, [event("a", 1)])
    told_at = await pool.fetchval("select at from outbox")
    clock.at = told_at + timedelta(seconds=90)
    await sampler.sample()
    assert value("outbox_oldest_seconds", service="ages") == 90
    relay = Relay(pool, KeepInLog(), clock)
    await relay.raise_fence()
    while not await relay.pass_on():
        await asyncio.sleep(0.05)
    await sampler.sample()
    assert value("outbox_oldest_seconds", service="ages") == 0


async def test_a_long_writer_is_seen_by_the_age_of_the_horizon(pool: Pool) -> None:
    sampler = Sampler("held", pool, FixedClock())
    async with pool.acquire() as writer, writer.transaction():
        await writer.fetchval("select pg_current_xact_id()")
        await sampler.sample()
        await asyncio.sleep(0.3)
        await sampler.sample()
        held = value("horizon_seconds", service="held")
        assert held >= 0.3
    await sampler.sample()
    assert value("horizon_seconds", service="held") < held
    await asyncio.sleep(0.3)
    await sampler.sample()
    assert value("horizon_seconds", service="held") < 0.3  # nothing runs: nothing holds


@dataclass
class Queued:
    """A source of polls that a test lays out; an error stands for a bus that is away."""

    polls: list[list[Record] | OSError] = field(default_factory=list)

    async def take(self) -> list[Record]:
        poll = self.polls.pop(0)
        if isinstance(poll, OSError):
            raise poll
        return poll

    async def done(self) -> None: ...
    async def again(self) -> None: ...
    async def close(self) -> None: ...


async def test_lag_dead_letters_and_parked_keys(pool: Pool) -> None:
    clock = FixedClock()
    told_at = clock.now() - timedelta(seconds=40)

    def record(offset: int, key: str, **headers: str) -> Record:
        written: dict[str, Any] = {
            "ce_id": str(outbox_row(event(key, 1)).id), "ce_type": "t", "ce_sequence": "1",
            "ce_time": to_wire(told_at),
        }  # fmt: skip
        return Record(TOPIC, 0, offset, key, written | headers, b"{}")

    async def fail(tx: Connection, events: Sequence[Event]) -> None:
        if any(e.key == "poison" for e in events):
            raise ValueError("never")

    of = {"service": "s", "consumer": "c", "topic": TOPIC}
    source = Queued([[], [record(1, "a")], OSError("away"), [record(2, "a", ce_sequence="?")],
                     [record(3, "poison")], []])  # fmt: skip
    inbox = Inbox("c", pool, source, fail, clock, Lag("s", "c", TOPIC, clock))
    await inbox.take_once()
    clock.move(seconds=5)
    assert value("consumer_lag_seconds", **of) == 5  # nothing was heard since
    await inbox.take_once()
    assert value("consumer_lag_seconds", **of) == 45
    clock.move(seconds=10)
    with pytest.raises(OSError, match="away"):
        await inbox.take_once()
    assert value("consumer_lag_seconds", **of) == 55  # the bus is away: it grows by itself
    await inbox.take_once()
    await inbox.take_once()
    await inbox.take_once()
    assert value("consumer_lag_seconds", **of) == 0
    await Sampler("s", pool, clock).sample()
    assert value("dead_letters", **of) == 1
    assert value("parked_keys", **of) == 1


def test_what_names_no_instant_does_not_stop_the_scrape() -> None:
    clock = FixedClock()
    lag = Lag("odd", "c", TOPIC, clock)
    for odd in ("", "yesterday", "2024-03-28T02:00:00", "+10000-01-01"):
        lag.heard(odd)
        assert lag.seconds() == 0
