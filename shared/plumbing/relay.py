"""The relay: passes each committed outbox row on to the bus, once seen whole and in order.

It reads whole transactions below the snapshot's xmin (a bare `id > last` loses rows that commit
late), takes each aggregate's waiting rows in their own sequence, and stamps what it passed with
the topic's next position. The stamped rows are the log that `bus=local` and the HTTP feed read.
One relay at a time holds the fence; a relay that lost it can send copies but stamp nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import asyncpg
import orjson
import structlog

from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection, Pool
from shared.plumbing.tracing import HEADER, span

log = structlog.get_logger()

_BATCH = 2000
_PAUSE_SECONDS = 0.05
"""Between two passes, unless the last one was full: a pass costs some six statements and a commit,
whether it holds one row or a thousand."""
_RETRY_SECONDS = 1.0
_REMEMBERED = 100_000
"""Aggregates whose place a relay remembers; with more it begins anew."""


Aggregate = tuple[str, str]
"""Topic and id of what events tell of."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An outbox row that was not passed on yet."""

    month: str
    id: UUID
    topic: str
    key: str
    aggregate_id: str
    sequence: int
    headers: str
    data: bytes

    @property
    def aggregate(self) -> Aggregate:
        """Whose numbers `sequence` counts."""
        return self.topic, self.aggregate_id


class Sender(Protocol):
    """Where the relay passes events on to; returns when all of them are safe there."""

    async def send(self, events: Sequence[Waiting]) -> None:
        """Pass events on, in order per key."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class KeepInLog:
    """The sender of `bus=local`: the stamped outbox itself is the log."""

    async def send(self, events: Sequence[Waiting]) -> None:
        """Nothing to do: stamping is passing on."""

    async def close(self) -> None:
        """Nothing to let go of."""


class Fenced(Exception):
    """Another relay took over."""


_COLUMNS = (
    "o.month::text, o.id, o.topic, o.key, o.aggregate_id, o.sequence, o.headers::text, o.data"
)
_FIRST = f"""
select {_COLUMNS} from outbox o
where o.position is null
  and (o.era < (select era from relay_fence) or o.xid < pg_snapshot_xmin(pg_current_snapshot()))
order by o.era, o.xid, o.id limit $1
"""  # noqa: S608
# Waiting events of aggregates that stand before one of the first: a transaction that took its xid
# early and then waited for the aggregate's lock stands before its predecessor. What it built on is
# committed, so whoever sees it sees the predecessor.
_EARLIER = f"""
select {_COLUMNS}
from unnest($1::text[], $2::text[], $3::bigint[]) last(topic, aggregate_id, sequence)
join outbox o using (topic, aggregate_id)
where o.sequence < last.sequence and o.position is null
"""  # noqa: S608
_STAMP = """
update outbox o set position = s.position, sent_at = $4
from unnest($1::text[], $2::uuid[], $3::bigint[]) s(month, id, position)
where o.month = s.month::date and o.id = s.id and o.position is null
"""


class Relay:
    """Passes one service's outbox on, until it is stopped or fenced off."""

    def __init__(self, pool: Pool, sender: Sender, clock: Clock) -> None:
        self._pool = pool
        self._sender = sender
        self._clock = clock
        self._fence = 0
        self._passed: dict[Aggregate, int] = {}
        """The last number of each aggregate that was passed on and stamped, as far as known."""

    async def run(self) -> None:
        """Take the fence and pass on for ever; failures are logged and tried again."""
        while True:
            try:
                async with self._pool.acquire() as lock:
                    await self._wait_for_turn(lock)
                    try:
                        await self.raise_fence()
                        while True:
                            if await self.pass_on() < _BATCH:
                                await asyncio.sleep(_PAUSE_SECONDS)
                            if lock.is_closed():
                                raise Fenced
                    finally:
                        if not lock.is_closed():
                            await lock.execute("select pg_advisory_unlock(hashtext('relay'))")
            except (Fenced, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("relay starts again", error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def raise_fence(self) -> None:
        """Take over: whatever relay stamped before may stamp no more."""
        self._passed.clear()
        async with self._pool.acquire() as connection:
            self._fence = await connection.fetchval(
                "update relay_fence set fence = fence + 1 returning fence"
            )

    async def pass_on(self) -> int:
        """Pass one batch on and stamp it; returns how many rows it held.

        Raises Fenced when another relay raised the fence meanwhile.
        """
        first = [Waiting(*row) for row in await self._pool.fetch(_FIRST, _BATCH)]
        if not first:
            return 0
        events = in_sequence(first + await self._earlier(first))
        with span("relay", links=(orjson.loads(e.headers).get(HEADER, "") for e in events)):
            await self._sender.send(events)
            await self._stamp(events)
        self._remember(events)
        return len(events)

    async def _earlier(self, first: Sequence[Waiting]) -> list[Waiting]:
        """What of these events' aggregates waits before them. It lies in any month, so it is
        looked for only where what was passed on does not rule it out."""
        unsure = unexplained(first, self._passed)
        if not unsure:
            return []
        topics, ids = zip(*unsure, strict=True)
        rows = await self._pool.fetch(_EARLIER, topics, ids, list(unsure.values()))
        here = {event.id for event in first}
        return [event for row in rows if (event := Waiting(*row)).id not in here]

    def _remember(self, events: Sequence[Waiting]) -> None:
        if len(self._passed) > _REMEMBERED:
            self._passed.clear()
        self._passed |= {e.aggregate: e.sequence for e in events}

    async def _stamp(self, events: Sequence[Waiting]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            held = await connection.fetchval(
                "select fence from relay_fence where fence = $1 for share", self._fence
            )
            if held is None:
                raise Fenced
            positions = await self._next_positions(connection, events)
            await connection.execute(
                _STAMP,
                [e.month for e in events],
                [e.id for e in events],
                positions,
                self._clock.now(),
            )

    async def _next_positions(self, connection: Connection, events: Sequence[Waiting]) -> list[int]:
        counts: dict[str, int] = {}
        offsets = []
        for event in events:
            counts[event.topic] = counts.get(event.topic, 0) + 1
            offsets.append(counts[event.topic])
        starts: dict[str, int] = {}
        for topic, count in sorted(counts.items()):
            last = await connection.fetchval(
                "insert into topic_position values ($1, $2) on conflict (topic)"
                " do update set position = topic_position.position + $2 returning position",
                topic,
                count,
            )
            starts[topic] = last - count
        return [starts[event.topic] + offset for event, offset in zip(events, offsets, strict=True)]

    async def _wait_for_turn(self, lock: Connection) -> None:
        while not await lock.fetchval("select pg_try_advisory_lock(hashtext('relay'))"):
            await asyncio.sleep(_RETRY_SECONDS)


def unexplained(events: Sequence[Waiting], passed: Mapping[Aggregate, int]) -> dict[Aggregate, int]:
    """The last number of each aggregate of which not every number since the passed one is here."""
    numbers: dict[Aggregate, set[int]] = {}
    for event in events:
        numbers.setdefault(event.aggregate, set()).add(event.sequence)
    return {
        one: max(here) for one, here in numbers.items() if not _follows(here, passed.get(one, 0))
    }


def _follows(numbers: set[int], passed: int) -> bool:
    return min(numbers) == passed + 1 and max(numbers) == passed + len(numbers)


def in_sequence(events: Sequence[Waiting]) -> list[Waiting]:
    """The events, each aggregate's by its own numbers, where its first one stood."""
    by_aggregate: dict[Aggregate, list[Waiting]] = {}
    for event in events:
        by_aggregate.setdefault(event.aggregate, []).append(event)
    return [
        event
        for group in by_aggregate.values()
        for event in sorted(group, key=lambda event: event.sequence)
    ]
