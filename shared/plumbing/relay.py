"""The relay: passes each committed outbox row on to the bus, once seen whole and in order.

It reads whole transactions below the snapshot's xmin (a bare `id > last` loses rows that commit
late), holds a row back while an earlier one of its aggregate waits, and stamps what it passed
with the topic's next position. The stamped rows are the log that `bus=local` and the HTTP feed
read. One relay at a time holds the fence; a relay that lost it can send copies but stamp nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection, Pool

log = structlog.get_logger()

_BATCH = 2000
_IDLE_SECONDS = 0.03
_RETRY_SECONDS = 1.0


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


_READ = """
select month::text, id, topic, key, aggregate_id, sequence, headers::text, data
from outbox
where position is null
  and (era < (select era from relay_fence) or xid < pg_snapshot_xmin(pg_current_snapshot()))
order by era, xid, id limit $1
"""
_WAITING_BEFORE = """
select distinct o.aggregate_id, o.sequence
from unnest($1::text[], $2::bigint[]) first(aggregate_id, sequence)
join outbox o on o.aggregate_id = first.aggregate_id and o.sequence < first.sequence
where o.position is null
"""
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

    async def run(self) -> None:
        """Take the fence and pass on for ever; failures are logged and tried again."""
        while True:
            try:
                async with self._pool.acquire() as lock:
                    await self._wait_for_turn(lock)
                    try:
                        await self._raise_fence()
                        while True:
                            if not await self.pass_on():
                                await asyncio.sleep(_IDLE_SECONDS)
                            if lock.is_closed():
                                raise Fenced
                    finally:
                        if not lock.is_closed():
                            await lock.execute("select pg_advisory_unlock(hashtext('relay'))")
            except (Fenced, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("relay starts again", error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def pass_on(self) -> int:
        """Pass one batch on and stamp it; returns how many rows it held.

        Raises Fenced when another relay raised the fence meanwhile.
        """
        async with self._pool.acquire() as connection:
            rows = [Waiting(*row) for row in await connection.fetch(_READ, _BATCH)]
            if not rows:
                return 0
            events = await self._in_order(connection, rows)
        if not events:
            return 0
        await self._sender.send(events)
        await self._stamp(events)
        return len(events)

    async def _in_order(self, connection: Connection, rows: list[Waiting]) -> list[Waiting]:
        """Each aggregate by its own sequence; what has a predecessor outside the batch waits."""
        by_aggregate: dict[str, list[Waiting]] = {}
        for row in rows:
            by_aggregate.setdefault(row.aggregate_id, []).append(row)
        for group in by_aggregate.values():
            group.sort(key=lambda row: row.sequence)
        later = {a: g[0].sequence for a, g in by_aggregate.items() if g[0].sequence > 1}
        if later:
            waiting = await connection.fetch(
                _WAITING_BEFORE, list(later.keys()), list(later.values())
            )
            for record in waiting:
                by_aggregate.pop(record["aggregate_id"], None)
        return [row for group in by_aggregate.values() for row in group]

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

    async def _raise_fence(self) -> None:
        async with self._pool.acquire() as connection:
            self._fence = await connection.fetchval(
                "update relay_fence set fence = fence + 1 returning fence"
            )
