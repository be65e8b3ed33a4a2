"""The broker stands still, dies, or was never there; and hospitals are paid all the same.

The names are those of docs/faults.md. Every test has the three services around a broker of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.kafka.cluster import BROKERS, KafkaCluster
from deploy.local.databases import run_apart
from deploy.local.ports import free_port
from deploy.local.site import SERVICES
from tests.faults.disk import empty, fill
from tests.faults.processes import Processes
from tests.faults.region import all_kept, drained, gauge, load_on, region_on
from tests.support.agency import until_true
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

LONG = os.environ.get("FAULTS") == "long"
PAUSE_SECONDS = 60 if LONG else 10
ALARM_SECONDS = 20 if LONG else 2
"""Of the oldest event not passed on; the gauge is read every 5 s."""
AWAY_SECONDS = 2
BIRTHS_A_SECOND = 3
STOCK = BIRTHS_A_SECOND * (PAUSE_SECONDS + 20)
FULL_SECONDS_MAX = PAUSE_SECONDS + 60
EXIT_SECONDS_MAX = 10
STORMS = 15 if LONG else 2
STORM_SECONDS = 2

pytestmark = [
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.skipif(
        "KAFKA_BOOTSTRAP" in os.environ, reason="the broker is not ours to stop (KAFKA_BOOTSTRAP)"
    ),
]


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        yield thread


@pytest.fixture(scope="module")
def broker(
    starter: ThreadPoolExecutor, kafka_broker: KafkaBroker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[KafkaBroker]:  # fmt: skip
    """A broker that may be stopped and killed; it comes back at the same address."""
    del kafka_broker  # asked for only to be told where no broker can run
    own = KafkaBroker(tmp_path_factory.mktemp("broker"), port=free_port())
    starter.submit(own.start).result()
    run_apart(topics.create(own.bootstrap))
    try:
        yield own
    finally:
        if own.pid:
            os.kill(own.pid, signal.SIGCONT)
        own.stop()


@pytest.fixture(scope="module")
async def region(
    broker: KafkaBroker, module_databases: ServiceDatabases,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Processes]:  # fmt: skip
    folder = tmp_path_factory.mktemp("region")
    async with region_on(module_databases, Kafka(broker.bootstrap, ""), folder) as processes:
        yield processes


def _signal(broker: KafkaBroker, which: signal.Signals) -> None:
    assert broker.pid, "a signal to nobody would reach this very process"
    os.kill(broker.pid, which)


async def test_f04_a_broker_that_stands_still_fails_no_settlement(
    region: Processes, broker: KafkaBroker, record_property: pytest.RecordProperty
) -> None:
    async with load_on(region, BIRTHS_A_SECOND, 4) as load:
        await load.stock(STOCK)
        alarmed: list[float] = []
        resumed = 0.0

        async def stand_still() -> None:
            nonlocal resumed
            await asyncio.sleep(2)
            began = time.monotonic()
            _signal(broker, signal.SIGSTOP)
            try:
                while (away := time.monotonic() - began) < PAUSE_SECONDS or not alarmed:
                    assert away < FULL_SECONDS_MAX, "nothing told of it"
                    oldest = await gauge(region, "settlement", "outbox_oldest_seconds")
                    if oldest > ALARM_SECONDS and not alarmed:
                        alarmed.append(away)
                    await asyncio.sleep(0.5)
            finally:
                _signal(broker, signal.SIGCONT)
            resumed = time.monotonic()

        await load.run(stand_still())
        await drained(region)
        figures = {
            "alarm, seconds": alarmed,
            "drained, seconds": time.monotonic() - resumed,
            "settlements": len(load.outcome.acknowledged),
            "attempts": load.history.counts,
        }
        for name, figure in figures.items():
            record_property(name, figure)
            print(f"{name}: {figure}")  # noqa: T201
        failed = {o: n for o, n in load.history.counts.items() if o[0] == "5" or o.startswith("no")}
        assert failed == {}
        await all_kept(region, load)


async def test_f05_a_killed_broker_loses_nothing(
    region: Processes, broker: KafkaBroker, starter: ThreadPoolExecutor
) -> None:
    async with load_on(region, BIRTHS_A_SECOND, 5) as load:
        await load.stock(STOCK)

        async def kill() -> None:
            for _ in range(3 if LONG else 1):
                await asyncio.sleep(3)
                _signal(broker, signal.SIGKILL)
                await asyncio.sleep(AWAY_SECONDS)
                await asyncio.wrap_future(starter.submit(broker.start))

        await load.run(kill())
        await all_kept(region, load)


async def test_f14_members_come_and_go(region: Processes) -> None:
    """A second and a third audit on the same database, started and killed by turns."""
    sites = [
        replace(
            region.site,
            addresses=region.site.addresses | {"audit": f"http://127.0.0.1:{free_port()}"},
        )
        for _ in range(2)
    ]
    others = [Processes(site) for site in sites]
    async with load_on(region, BIRTHS_A_SECOND, 14) as load:

        async def come_and_go() -> None:
            for turn in range(STORMS):
                other = others[turn % 2]
                other.start("audit")
                await other.ready("audit")
                await asyncio.sleep(STORM_SECONDS)
                if turn % 3:
                    other.kill("audit")
                else:
                    other.stop()

        try:
            await load.run(come_and_go())
        finally:
            for other in others:
                other.stop()
        await all_kept(region, load)


async def test_sigterm_ends_in_time_while_the_broker_stands_still(
    region: Processes, broker: KafkaBroker, record_property: pytest.RecordProperty
) -> None:
    async with load_on(region, BIRTHS_A_SECOND, 7) as load:
        await load.stock(STOCK)
        seconds: dict[str, float] = {}

        async def end() -> None:
            await asyncio.sleep(2)
            _signal(broker, signal.SIGSTOP)
            try:
                await asyncio.sleep(2)
                for service in SERVICES:
                    process, began = region.running[service], time.monotonic()
                    process.terminate()
                    await asyncio.to_thread(process.wait)
                    seconds[service] = time.monotonic() - began
            finally:
                _signal(broker, signal.SIGCONT)
            for service in SERVICES:
                await region.supervised(service)

        await load.run(end())
        record_property("seconds", seconds)
        print(f"seconds to the end: {seconds}")  # noqa: T201
        assert max(seconds.values()) <= EXIT_SECONDS_MAX
        await all_kept(region, load)


async def test_f26_a_service_starts_without_a_broker(
    region: Processes, broker: KafkaBroker, starter: ThreadPoolExecutor
) -> None:
    """Nobody listens at the broker's address: not ready, but calls are answered; then it recovers."""
    async with load_on(region, BIRTHS_A_SECOND, 26) as load:
        await load.stock(STOCK)
        broker.stop()
        region.kill("settlement")
        region.start("settlement")
        asked = f"{region.site.addresses['settlement']}/settlement"

        async def come_back() -> None:
            async with httpx.AsyncClient(timeout=5) as http:
                async with asyncio.timeout(60):
                    while not await _alive(http, f"{asked}/livez"):
                        await asyncio.sleep(0.1)
                already = len(load.outcome.acknowledged)
                for _ in range(10):
                    ready = await http.get(f"{asked}/readyz")
                    assert ready.status_code == httpx.codes.SERVICE_UNAVAILABLE
                    await asyncio.sleep(0.5)
                await until_true(lambda: len(load.outcome.acknowledged) > already)
                assert (await http.get(f"{asked}/readyz")).status_code == ready.status_code
            await asyncio.wrap_future(starter.submit(broker.start))
            await region.ready("settlement")

        await load.run(come_back())
        await all_kept(region, load)


async def _alive(http: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await http.get(address)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def test_f09_the_brokers_disk_is_full(
    disk: Path, kafka_broker: KafkaBroker, service_databases: ServiceDatabases, tmp_path: Path,
    record_property: pytest.RecordProperty,
) -> None:  # fmt: skip
    """It ends by itself; hospitals are paid, and what waited is told once there is room again."""
    del kafka_broker
    with ThreadPoolExecutor(max_workers=1) as starter:
        own = KafkaBroker(disk / "broker", port=free_port())
        starter.submit(own.start).result()
        try:
            run_apart(topics.create(own.bootstrap))
            kafka = Kafka(own.bootstrap, "")
            async with (
                region_on(service_databases, kafka, tmp_path) as region,
                load_on(region, BIRTHS_A_SECOND, 9) as load,
            ):
                await load.stock(STOCK)
                waited: list[float] = []

                async def fill_up() -> None:
                    await asyncio.sleep(2)
                    fill(disk / "filler")
                    already, began = len(load.outcome.acknowledged), time.monotonic()
                    # It ends by itself: started again before that, it would end all the same.
                    while time.monotonic() - began < PAUSE_SECONDS or not waited or own.pid:
                        assert time.monotonic() - began < FULL_SECONDS_MAX, "it found room"
                        fill(disk / f"filler-{time.monotonic_ns()}")  # what was freed meanwhile
                        oldest = await gauge(region, "settlement", "outbox_oldest_seconds")
                        waited.extend([oldest] if oldest > ALARM_SECONDS else [])
                        await asyncio.sleep(1)
                    assert len(load.outcome.acknowledged) > already
                    empty(disk)
                    await asyncio.wrap_future(starter.submit(own.start))

                await load.run(fill_up())
                record_property("oldest that waited, seconds", max(waited))
                failed = {o: n for o, n in load.history.counts.items() if o[0] == "5"}
                assert failed == {}
                await all_kept(region, load)
        finally:
            own.stop()


@pytest.mark.long
async def test_one_of_three_brokers_is_killed(
    kafka_broker: KafkaBroker, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    """Each in its turn, and started again: two acknowledge every event, so none is missed."""
    del kafka_broker
    with KafkaCluster(tmp_path / "kafka") as cluster, ThreadPoolExecutor(max_workers=1) as starter:
        run_apart(topics.create(cluster.bootstrap, replicas=BROKERS))
        kafka = Kafka(cluster.bootstrap, "")
        async with (
            region_on(service_databases, kafka, tmp_path) as region,
            load_on(region, BIRTHS_A_SECOND, 3) as load,
        ):

            async def kill_each() -> None:
                for broker in cluster.brokers:
                    await asyncio.sleep(10)
                    _signal(broker, signal.SIGKILL)
                    await asyncio.sleep(20)
                    await asyncio.wrap_future(starter.submit(broker.start))

            try:
                await load.run(kill_each())
                await all_kept(region, load)
            finally:
                region.stop()
                for broker in cluster.brokers:
                    broker.stop()
