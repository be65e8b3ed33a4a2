"""`bus=kafka`: an idempotent producer for the relay, a group member for each consumer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.plumbing.bus.record import Record
from shared.plumbing.relay import Waiting

log = structlog.get_logger()

_SEND_SECONDS = 10.0
_CLOSE_SECONDS = 3.0  # consumers, then the relay: within the seconds that a stop may take
_REACH_SECONDS = 2.0
_TAKE_MS = 100
_TAKE_MOST = 1000


@dataclass(frozen=True)
class Brokers:
    """Where brokers are, and how they are spoken to: by TLS where `tls` makes its context, which it
    does for each client anew, so that renewed files count from then on; beside the loop, which the
    machine's own authorities would hold for a while."""

    bootstrap: str
    tls: Callable[[], ssl.SSLContext] | None = None

    async def options(self) -> dict[str, Any]:
        """What a client of aiokafka is told of it. Raises OSError where a file cannot be read."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.tls is not None:
            options |= {
                "security_protocol": "SSL",
                "ssl_context": await asyncio.to_thread(self.tls),
            }
        return options


async def until_reached(brokers: Brokers) -> None:
    """Return once a broker answers at the address; ask again and again until then."""
    while True:
        try:
            await reached(brokers)
            return
        except (KafkaError, OSError, ValueError) as error:  # the last of a port that is none
            log.warning("no broker answers yet", error=type(error).__name__)
        await asyncio.sleep(_REACH_SECONDS / 2)


async def reached(brokers: Brokers) -> None:
    """Return if a broker answers at the address. Raises KafkaError, OSError or ValueError."""
    client = AIOKafkaClient(
        **await brokers.options(), request_timeout_ms=int(_REACH_SECONDS * 1000)
    )
    try:
        await client.bootstrap()
    finally:
        await _within_deadline(client.close())


class KafkaSender:
    """Sends with acks=all and an idempotent producer, rebuilt after any error.

    aiokafka's send and stop can hang for ever without a broker, and a producer can stay dead
    after a sequence error; so each call has a deadline here, and an error throws it away.
    """

    def __init__(self, brokers: Brokers, prefix: str = "") -> None:
        self._brokers = brokers
        self._prefix = prefix
        self._producer: AIOKafkaProducer | None = None

    async def send(self, events: Sequence[Waiting]) -> None:
        """Send all events and wait until the broker has them; raises OSError otherwise."""
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                producer = await self._open()
                acks = [
                    await producer.send(
                        self._prefix + event.topic,
                        event.data,
                        key=event.key.encode(),
                        headers=[
                            (name, value.encode())
                            for name, value in orjson.loads(event.headers).items()
                        ],
                    )
                    for event in events
                ]
                await asyncio.gather(*acks)
        except (KafkaError, TimeoutError) as error:
            await self._abandon()
            raise OSError(f"the broker did not take the events: {type(error).__name__}") from error

    async def close(self) -> None:
        """Throw the producer away, within a deadline."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _within_deadline(producer.stop())

    async def _abandon(self) -> None:
        """Throw the producer away with what it still holds.

        Left to itself it would send that when the broker is back, after newer events: a compacted
        topic would then keep an old state for ever.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            await _within_deadline(producer._sender.close())
            producer._message_accumulator.fail_all(KafkaError("given up"))
            await _within_deadline(producer.stop())

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **await self._brokers.options(),
                enable_idempotence=True,
                acks="all",
                linger_ms=2,
                request_timeout_ms=5000,
            )
            try:
                await producer.start()
            except BaseException:
                await _within_deadline(producer.stop())
                raise
            self._producer = producer
        return self._producer


class _Abandon(ConsumerRebalanceListener):  # type: ignore[misc]
    """After a rebalance the records in hand may be another member's: they are taken again."""

    def __init__(self) -> None:
        self.moved = False

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.moved = True

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.moved = True


class KafkaSource:
    """A member of a consumer group. Offsets are committed after the effect, never by themselves."""

    def __init__(self, brokers: Brokers, group: str, topic: str, prefix: str = "") -> None:
        self._brokers = brokers
        self._group = prefix + group
        self._topic = prefix + topic
        self._prefix = prefix
        self._consumer: AIOKafkaConsumer | None = None
        self._abandon = _Abandon()
        self._next: dict[TopicPartition, int] = {}
        self._first: dict[TopicPartition, int] = {}

    async def take(self) -> list[Record]:
        """Poll once; raises OSError while the broker cannot be reached."""
        try:
            consumer = await self._open()
            batches = await consumer.getmany(timeout_ms=_TAKE_MS, max_records=_TAKE_MOST)
        except KafkaError as error:
            await self.close()
            raise OSError(f"the broker does not answer: {type(error).__name__}") from error
        self._abandon.moved = False
        self._next = {p: batch[-1].offset + 1 for p, batch in batches.items()}
        self._first = {p: batch[0].offset for p, batch in batches.items()}
        return [
            Record(
                topic=message.topic.removeprefix(self._prefix),
                partition=message.partition,
                offset=message.offset,
                key=(message.key or b"").decode("utf-8", "replace"),
                headers={name: value.decode("utf-8", "replace") for name, value in message.headers},
                data=message.value or b"",
            )
            for batch in batches.values()
            for message in batch
        ]

    async def done(self) -> None:
        """Commit the offsets of what was taken; a failed commit only means redelivery."""
        if self._consumer is None or self._abandon.moved or not self._next:
            return
        try:
            await self._consumer.commit(self._next)
        except KafkaError as error:
            log.warning("offset not committed", error=type(error).__name__)

    async def again(self) -> None:
        """Go back to the first record that was taken."""
        if self._consumer is None or self._abandon.moved:
            return
        for partition, offset in self._first.items():
            self._consumer.seek(partition, offset)

    async def close(self) -> None:
        """Leave the group, within a deadline."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _within_deadline(consumer.stop())

    async def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **await self._brokers.options(),
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=10_000,
                max_poll_interval_ms=60_000,
            )
            consumer.subscribe([self._topic], listener=self._abandon)
            try:
                async with asyncio.timeout(_SEND_SECONDS):
                    await consumer.start()
            except BaseException:
                await _within_deadline(consumer.stop())
                raise
            self._consumer = consumer
        return self._consumer


async def _within_deadline(stop: object) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await stop  # type: ignore[misc]
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("broker connection dropped", error=type(error).__name__)
