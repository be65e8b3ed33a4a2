"""A producer and consumers with databases of their own, joined by either bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.plumbing.bus.kafka import Brokers, KafkaSender, KafkaSource
from shared.plumbing.bus.local import LocalSource
from shared.plumbing.bus.record import Event, Source
from shared.plumbing.database import Connection, Pool, open_pool
from shared.plumbing.inbox import Inbox
from shared.plumbing.outbox import INSERT_OUTBOX, outbox_row, tell
from shared.plumbing.relay import KeepInLog, Relay, Sender
from tests.support.clock import FixedClock
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases
from tests.support.telling import TOPIC, event

CONSUMER = "settlement-person-state"
LETTERS = f"{TOPIC}.{CONSUMER}.dlq"

EFFECTS = """
create table effect (
    number   bigint generated always as identity primary key,
    consumer text not null,
    key      text not null,
    sequence bigint not null
);
grant select, insert on effect to settlement_service;
"""


@dataclass
class Handler:
    """Notes each event's effect, in the inbox's transaction; fails where a test says so."""

    consumer: str = CONSUMER
    fails: dict[tuple[str, int], int] = field(default_factory=dict)
    failed: int = 0

    async def __call__(self, tx: Connection, events: Sequence[Event]) -> None:
        await tx.executemany(
            "insert into effect (consumer, key, sequence) values ($1, $2, $3)",
            [(self.consumer, e.key, e.sequence) for e in events],
        )
        for e in events:
            left = self.fails.get((e.key, e.sequence), 0)
            if left:
                self.fails[e.key, e.sequence] = left - 1
                self.failed += 1
                raise ValueError("this event fails")


@dataclass
class Wire:
    """The bus under test; `kafka` is None for the local one."""

    producer: Pool
    consumer: Pool
    owner: Pool
    kafka: Kafka | None
    sources: list[Source] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    def sender(self) -> Sender:
        made: Sender = (
            KafkaSender(Brokers(self.kafka.bootstrap), self.kafka.prefix)
            if self.kafka
            else KeepInLog()
        )
        self.senders.append(made)
        return made

    def source(self, consumer: str = CONSUMER, topic: str = TOPIC) -> Source:
        made: Source
        if self.kafka:
            made = KafkaSource(Brokers(self.kafka.bootstrap), consumer, topic, self.kafka.prefix)
        else:
            made = LocalSource(self.producer, self.consumer, consumer, topic)
        self.sources.append(made)
        return made

    def inbox(self, handler: Handler, source: Source | None = None) -> Inbox:
        return Inbox(
            handler.consumer, self.consumer, source or self.source(handler.consumer), handler,
            FixedClock(),
        )  # fmt: skip

    async def tell(self, *numbers: tuple[str, int]) -> None:
        """Tell these (key, sequence) in one transaction, and pass them on."""
        async with self.producer.acquire() as tx, tx.transaction():
            await tell(tx, [event(key, sequence) for key, sequence in numbers])
        await self.pass_on(self.producer)

    async def pass_on(self, pool: Pool) -> None:
        relay = Relay(pool, self.sender(), FixedClock())
        await relay.raise_fence()
        async with asyncio.timeout(20):
            while await pool.fetchval("select count(*) from outbox where position is null"):
                await relay.pass_on()

    async def tell_undecodable(self, key: str) -> None:
        """Tell one whose headers are not those of an event."""
        row = outbox_row(event(key, 1, data=b"not an event"))
        async with self.producer.acquire() as tx:
            await tx.execute(
                INSERT_OUTBOX, row.month, row.id, row.pool_code, row.topic, row.type, row.key,
                row.aggregate_id, row.sequence, row.at, '{"content-type": "text/plain"}', row.data,
            )  # fmt: skip
        await self.pass_on(self.producer)

    async def effects(self, consumer: str = CONSUMER) -> list[tuple[str, int]]:
        rows = await self.owner.fetch(
            "select key, sequence from effect where consumer = $1 order by number", consumer
        )
        return [(row["key"], row["sequence"]) for row in rows]

    async def heard(self, inbox: Inbox, count: int) -> None:
        """Take polls until `count` records were heard, copies included."""
        async with asyncio.timeout(40):
            while count > 0:
                count -= await inbox.take_once()
        assert count == 0

    async def rewind(self, consumer: str = CONSUMER) -> None:
        """Let a group whose members are gone begin at offset 0 again."""
        if self.kafka is None:
            await self.owner.execute(
                "update consumer_offset set last_offset = 0 where consumer = $1", consumer
            )
            return
        seeker = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap,
            group_id=self.kafka.prefix + consumer,
            enable_auto_commit=False,
        )
        await seeker.start()
        topic = self.kafka.topic(TOPIC)
        places = [TopicPartition(topic, p) for p in range(6)]
        seeker.assign(places)
        await seeker.commit(dict.fromkeys(places, 0))
        await seeker.stop()

    async def letters(self) -> list[dict[str, str]]:
        """The headers of all dead letters, as a reader of their topic sees them."""
        await self.pass_on(self.consumer)
        if self.kafka is None:
            source: Source = LocalSource(self.consumer, self.consumer, "reader", LETTERS)
        else:
            source = self.source("reader", LETTERS)
        found: list[dict[str, str]] = []
        idle = 0
        while idle < (30 if self.kafka and not found else 5):
            records = await source.take()
            found += [dict(record.headers) for record in records]
            idle = 0 if records else idle + 1
            if records and self.kafka is None:
                break
        return found

    async def close(self) -> None:
        for source in self.sources:
            await source.close()
        for sender in self.senders:
            await sender.close()


@asynccontextmanager
async def opened_wire(
    service_databases: ServiceDatabases, kafka: Kafka | None
) -> AsyncIterator[Wire]:
    """A wire between two fresh databases, over the broker if there is one."""
    own = service_databases("settlement")
    pools = [
        await open_pool(dsn, size=4)
        for dsn in (service_databases("settlement")["service"], own["service"], own["owner"])
    ]
    await pools[2].execute(EFFECTS)
    made = Wire(*pools, kafka)
    yield made
    await made.close()
    for pool in pools:
        await pool.close()
