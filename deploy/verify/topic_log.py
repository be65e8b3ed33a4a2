"""A topic as it lies on the bus, from its first record on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.kafka.reached import brokers_at
from deploy.topics import Topic
from shared.plumbing.bus.record import Record

BROKER_SECONDS_MAX = 60

_LOG = """
select position, key, headers::text, data from outbox
where topic = $1 and position is not null order by position
"""
_OFFSET = (
    "select coalesce(max(last_offset), 0) from consumer_offset where consumer = $1 and topic = $2"
)
_POSITION = "select coalesce(max(position), 0) from topic_position where topic = $1"


class TopicLog(Protocol):
    """One bus, read from outside."""

    async def records(self, topic: Topic) -> list[Record]:
        """All records that the bus holds of a topic, partition by partition, in their order."""
        ...

    async def lag(self, topic: Topic, group: str) -> int:
        """How many records a consumer has not put behind it."""
        ...


class LocalLog:
    """`bus=local`: the stamped outbox is the log."""

    def __init__(self, connections: Mapping[str, Any]) -> None:
        self._connections = connections

    async def records(self, topic: Topic) -> list[Record]:
        """The stamped rows; of a dead-letter topic, those of whoever could not hear."""
        rows = await self._connections[teller(topic)].fetch(_LOG, topic.name)
        return [
            Record(topic.name, 0, r["position"], r["key"], orjson.loads(r["headers"]), r["data"])
            for r in rows
        ]

    async def lag(self, topic: Topic, group: str) -> int:
        """The producer's last position less the consumer's."""
        last = await self._connections[teller(topic)].fetchval(_POSITION, topic.name)
        hearer = self._connections[group.partition("-")[0]]
        behind: int = last - await hearer.fetchval(_OFFSET, group, topic.name)
        return max(0, behind)


class KafkaLog:
    """`bus=kafka`: every partition, read by nobody's group."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._brokers = brokers_at(bootstrap)
        self._prefix = prefix

    async def records(self, topic: Topic) -> list[Record]:
        """A dump from the first offset that is still there to the end as it is now."""
        async with asyncio.timeout(BROKER_SECONDS_MAX):
            # Not by seeking to the beginning: the reset of a fresh assignment may come after it.
            consumer = AIOKafkaConsumer(
                **await self._brokers.options(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            await consumer.start()
            try:
                return await self._dump(consumer, topic)
            finally:
                await consumer.stop()

    async def _dump(self, consumer: AIOKafkaConsumer, topic: Topic) -> list[Record]:
        places = self._partitions(topic)
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        read: dict[int, list[Record]] = {place.partition: [] for place in places}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, messages in (await consumer.getmany(timeout_ms=200)).items():
                read[place.partition] += [
                    Record(
                        topic=topic.name,
                        partition=message.partition,
                        offset=message.offset,
                        key=(message.key or b"").decode("utf-8", "replace"),
                        headers={n: v.decode("utf-8", "replace") for n, v in message.headers},
                        data=message.value or b"",
                    )
                    for message in messages
                    if message.offset < ends[place]
                ]
        return [record for partition in sorted(read) for record in read[partition]]

    async def lag(self, topic: Topic, group: str) -> int:
        """Each partition's end less what the group committed there."""
        async with asyncio.timeout(BROKER_SECONDS_MAX):
            admin = AIOKafkaAdminClient(**await self._brokers.options())
            consumer = AIOKafkaConsumer(**await self._brokers.options(), enable_auto_commit=False)
            await admin.start()
            try:
                await consumer.start()
                places = self._partitions(topic)
                begins = await consumer.beginning_offsets(places)
                ends = await consumer.end_offsets(places)
                committed = await admin.list_consumer_group_offsets(self._prefix + group)
            finally:
                await consumer.stop()
                await admin.close()
        behind = 0
        for place in places:
            known = committed.get(place)
            done = known.offset if known is not None and known.offset >= 0 else begins[place]
            behind += max(0, ends[place] - done)
        return behind

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        name = self._prefix + topic.name
        return [TopicPartition(name, number) for number in range(topic.partitions)]


def teller(topic: Topic) -> str:
    """Who tells a topic: the service in its name; of dead letters, the service of the group."""
    if topic.name.endswith(".dlq"):
        return topic.name.split(".")[-2].partition("-")[0]
    return topic.owner
