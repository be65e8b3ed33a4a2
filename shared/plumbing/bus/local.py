"""`bus=local`: a consumer reads the producer's stamped outbox from its own offset."""

from __future__ import annotations

import asyncio

import orjson

from shared.plumbing.bus.record import Record
from shared.plumbing.database import Pool

_IDLE_SECONDS = 0.1
_BATCH = 500

_READ = """
select position, key, headers::text, data from outbox
where topic = $1 and position > $2 order by position limit $3
"""
_OFFSET = "select last_offset from consumer_offset where consumer = $1 and topic = $2"


class LocalSource:
    """Reads one topic from `producer`; the offset lies in `own`, moved by the inbox's effect."""

    def __init__(self, producer: Pool, own: Pool, consumer: str, topic: str) -> None:
        self._producer = producer
        self._own = own
        self._consumer = consumer
        self._topic = topic

    async def take(self) -> list[Record]:
        """The next rows of the log; the offset is asked each time, so a reset is a replay."""
        after = await self._own.fetchval(_OFFSET, self._consumer, self._topic) or 0
        rows = await self._producer.fetch(_READ, self._topic, after, _BATCH)
        if not rows:
            await asyncio.sleep(_IDLE_SECONDS)
        return [
            Record(
                topic=self._topic,
                partition=0,
                offset=row["position"],
                key=row["key"],
                headers=orjson.loads(row["headers"]),
                data=row["data"],
            )
            for row in rows
        ]

    async def done(self) -> None:
        """The inbox moved the offset together with the effect."""

    async def again(self) -> None:
        """The offset was not moved: the next take reads the same rows."""

    async def close(self) -> None:
        """The pools belong to whoever opened them."""
