"""What only a broker does: rebalance, compaction, being away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.local.databases import run_apart
from deploy.local.ports import free_port
from shared.plumbing.bus.kafka import Brokers, KafkaSender
from shared.plumbing.relay import Waiting
from tests.contracts.wires import TOPIC, Handler, Wire, opened_wire
from tests.support.agency import until_true
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

SEND_SECONDS_MAX = 30.0  # ten to send and five to let go; left to itself the client takes forty


@pytest.fixture
async def wire(service_databases: ServiceDatabases, kafka: Kafka) -> AsyncIterator[Wire]:
    async with opened_wire(service_databases, kafka) as made:
        yield made


@pytest.fixture
def own_broker(kafka_broker: KafkaBroker, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker that a test may stop; it comes back at the same address."""
    with KafkaBroker(tmp_path / "kafka", port=free_port()) as broker:
        run_apart(topics.create(broker.bootstrap))
        yield broker


def _waiting(sequence: int) -> Waiting:
    return Waiting(
        "2024-03-01", UUID(int=sequence), TOPIC, "a", "a", sequence, '{"ce_id": "x"}', b"{}"
    )


async def test_a_second_member_takes_its_part_and_nothing_is_lost_or_doubled(wire: Wire) -> None:
    keys = [f"k{n}" for n in range(24)]
    first = asyncio.create_task(wire.inbox(Handler()).run())
    await wire.tell(*[(key, 1) for key in keys])
    second = asyncio.create_task(wire.inbox(Handler()).run())
    for sequence in (2, 3, 4):
        await wire.tell(*[(key, sequence) for key in keys])
        await asyncio.sleep(0.5)
    first.cancel()
    await asyncio.wait([first])
    await wire.tell(*[(key, 5) for key in keys])
    async with asyncio.timeout(60):
        while len(await wire.effects()) < 5 * len(keys):
            await asyncio.sleep(0.1)
    second.cancel()
    await asyncio.wait([second])
    effects = await wire.effects()
    for key in keys:
        assert [n for k, n in effects if k == key] == [1, 2, 3, 4, 5]


def test_a_broker_that_is_starting_is_never_taken_for_dead(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path / "kafka")
    looks: list[int] = []
    started = threading.Event()

    def look() -> None:
        while not started.is_set():
            if (broker.folder / "pid").exists():
                looks.append(broker.pid)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        broker.start()
    finally:
        started.set()
        watcher.join()
        broker.stop()
    assert looks
    assert 0 not in looks


async def test_person_state_is_compacted_and_claims_are_not(kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    policies = {}
    for name in (TOPIC, "maternity.settlement.claim.v1"):
        resource = ConfigResource(ConfigResourceType.TOPIC, kafka.topic(name))
        (answer,) = await admin.describe_configs([resource])
        entries = answer.resources[0][4]
        policies[name] = next(entry[1] for entry in entries if entry[0] == "cleanup.policy")
    await admin.close()
    assert policies == {TOPIC: "compact", "maternity.settlement.claim.v1": "delete"}


async def test_sending_and_closing_without_a_broker_end_in_time() -> None:
    sender = KafkaSender(Brokers(f"127.0.0.1:{free_port()}"))
    began = time.monotonic()
    with pytest.raises(OSError, match="the broker did not take the events"):
        await sender.send([_waiting(1)])
    await sender.close()
    assert time.monotonic() - began < SEND_SECONDS_MAX


async def test_a_broker_that_goes_away_is_waited_for(own_broker: KafkaBroker) -> None:
    """The sender gives up in time and leaves nothing running; later it sends again by itself."""
    before = asyncio.all_tasks()
    sender = KafkaSender(Brokers(own_broker.bootstrap))
    await sender.send([_waiting(1)])
    await asyncio.to_thread(own_broker.stop)
    began = time.monotonic()
    with pytest.raises(OSError, match="the broker did not take the events"):
        await sender.send([_waiting(2)])
    assert time.monotonic() - began < SEND_SECONDS_MAX
    await until_true(lambda: all(task.done() for task in asyncio.all_tasks() - before))
    own_broker.start()  # it lives as long as the thread that starts it
    async with asyncio.timeout(60):
        while True:
            try:
                await sender.send([_waiting(2)])
                break
            except OSError:
                await asyncio.sleep(0.5)
    await sender.close()


async def test_events_that_wait_for_the_broker_arrive_when_it_is_back(
    own_broker: KafkaBroker, wire: Wire
) -> None:
    wire.kafka = Kafka(own_broker.bootstrap, "")
    await wire.tell(("a", 1))
    hearing = asyncio.create_task(wire.inbox(Handler()).run())
    async with asyncio.timeout(40):
        while await wire.effects() != [("a", 1)]:
            await asyncio.sleep(0.1)
    await asyncio.to_thread(own_broker.stop)
    telling = asyncio.create_task(_tell_until_taken(wire, ("a", 2), ("b", 1)))
    await asyncio.sleep(2)
    assert not telling.done()
    own_broker.start()
    async with asyncio.timeout(90):
        await telling
        while len(await wire.effects()) < 3:
            await asyncio.sleep(0.1)
    hearing.cancel()
    await asyncio.wait([hearing])
    effects = await wire.effects()
    assert [n for key, n in effects if key == "a"] == [1, 2]
    assert ("b", 1) in effects


async def _tell_until_taken(wire: Wire, *numbers: tuple[str, int]) -> None:
    while True:
        try:
            await wire.tell(*numbers)
            return
        except OSError:
            numbers = ()
            await asyncio.sleep(0.5)
