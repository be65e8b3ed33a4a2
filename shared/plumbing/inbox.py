"""The inbox: each event has its effect once, in the transaction that notes it as heard.

A poll's events are handled as one group. When a group fails it is halved until the poison stands
alone; that event is tried a bounded number of times, then its key is parked: later events of the
key queue up behind it in a table, and every other key goes on. A poll that had to wait is taken in
halves the next time, then in quarters: one that is too much for its time-out would be so for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

import orjson
import structlog

from shared.plumbing.bus.record import Event, Record, Source, Undecodable, read_event
from shared.plumbing.clock import Clock, business_day, to_wire
from shared.plumbing.database import AGENCY, LOST, PASSING, Connection, Pool, transaction
from shared.plumbing.metrics import Lag
from shared.plumbing.outbox import INSERT_OUTBOX
from shared.plumbing.repeats import Overtaken
from shared.plumbing.tracing import hearing

log = structlog.get_logger()

Handle = Callable[[Connection, Sequence[Event]], Awaitable[None]]
"""Gives events their effect inside the inbox's transaction; raises Undecodable for bad data."""

_TRIES = 3
_BACK_OFF_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_WAIT = (*LOST, *PASSING, Overtaken)

_NOTE_HEARD = """
insert into inbox select $1, e.id, $3 from unnest($2::uuid[]) e(id)
on conflict do nothing returning event_id
"""
_MOVE_OFFSET = """
insert into consumer_offset values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (consumer, topic, partition) do update set
    last_offset = greatest(consumer_offset.last_offset, excluded.last_offset),
    applied = consumer_offset.applied + excluded.applied,
    duplicates = consumer_offset.duplicates + excluded.duplicates,
    dead = consumer_offset.dead + excluded.dead,
    parked = consumer_offset.parked + excluded.parked
"""
_PARK = """
insert into parked (consumer, key, event_id, topic, headers, data, reason, parked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


def consumer_of(service: str, topic: str) -> str:
    """The name under which a service hears a topic: its own, and the topic's aggregate."""
    return f"{service}-{topic.split('.')[2]}"


class Inbox:
    """One consumer: a source of records, and what their events do here."""

    def __init__(
        self, consumer: str, pool: Pool, source: Source, handle: Handle, clock: Clock,
        lag: Lag | None = None,
    ) -> None:  # fmt: skip
        self.consumer = consumer
        self._pool = pool
        self._source = source
        self._handle = handle
        self._clock = clock
        self._lag = lag
        self._waited = 0

    async def run(self) -> None:
        """Consume for ever; what is unreachable is tried again."""
        try:
            while True:
                try:
                    await self.take_once()
                except _WAIT as error:
                    self._waited += 1
                    log.warning(
                        "consumer waits", consumer=self.consumer, error=type(error).__name__
                    )
                    await self._source.again()
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            await self._source.close()

    async def take_once(self) -> int:
        """Take one poll's records and give them their effect; returns how many there were."""
        records = await self._source.take()
        if records:
            part = max(1, len(records) >> self._waited)
            for first in range(0, len(records), part):
                await self._settle(records[first : first + part])
            await self._source.done()
        self._waited = 0
        self._note_lag(records)
        return len(records)

    def _note_lag(self, records: Sequence[Record]) -> None:
        if self._lag is None:
            return
        if records:
            self._lag.heard(records[-1].headers.get("ce_time", ""))
        else:
            self._lag.caught_up()

    async def _settle(self, records: Sequence[Record]) -> None:
        try:
            await self._apply(records)
        except _WAIT:
            raise
        except Exception as error:
            if len(records) == 1:
                await self._settle_alone(records[0], error)
                return
            half = len(records) // 2
            await self._settle(records[:half])
            await self._settle(records[half:])

    async def _settle_alone(self, record: Record, error: Exception) -> None:
        for attempt in range(1, _TRIES):
            if isinstance(error, Undecodable):
                break
            await asyncio.sleep(_BACK_OFF_SECONDS * attempt)
            try:
                await self._apply([record])
            except _WAIT:
                raise
            except Exception as next_error:
                error = next_error
            else:
                return
        reason = type(error).__name__
        if isinstance(error, Undecodable):
            log.error("dead letter", consumer=self.consumer, topic=record.topic, reason=reason)
            await self._bury(record, reason)
        else:
            log.error("key parked", consumer=self.consumer, topic=record.topic, reason=reason)
            await self._apply([record], park_for=reason)

    async def _apply(self, records: Sequence[Record], park_for: str = "") -> None:
        async with transaction(self._pool, [AGENCY]) as tx:
            await self._apply_in(tx, records, park_for)

    async def _apply_in(self, tx: Connection, records: Sequence[Record], park_for: str) -> None:
        events = [read_event(record) for record in records]
        fresh = {
            row["event_id"]
            for row in await tx.fetch(
                _NOTE_HEARD, self.consumer, [e.id for e in events], self._clock.now()
            )
        }
        new = []
        for event in events:
            if event.id in fresh:
                fresh.discard(event.id)
                new.append(event)
        behind = await self._parked_keys(tx, new)
        waiting = [e for e in new if park_for or e.key in behind]
        for event in waiting:
            await self._park(tx, event, park_for or "behind")
        ready = [e for e in new if not park_for and e.key not in behind]
        if ready:
            with hearing(self.consumer, [(str(e.id), e.record.headers) for e in ready]):
                await self._handle(tx, ready)
        await self._move_offsets(tx, records, new=new, waiting=waiting)

    async def _parked_keys(self, tx: Connection, events: Sequence[Event]) -> set[str]:
        # The lock waits for a retry under way: its key is free afterwards, or parked as before.
        rows = await tx.fetch(
            "select key from parked where consumer = $1 and key = any($2) for share",
            self.consumer,
            [e.key for e in events],
        )
        return {row["key"] for row in rows}

    async def _park(self, tx: Connection, event: Event, reason: str) -> None:
        record = event.record
        await tx.execute(
            _PARK, self.consumer, event.key, event.id, record.topic,
            orjson.dumps(dict(record.headers)).decode(), record.data, reason, self._clock.now(),
        )  # fmt: skip

    async def _move_offsets(
        self, tx: Connection, records: Sequence[Record], *,
        new: Sequence[Event], waiting: Sequence[Event],
    ) -> None:  # fmt: skip
        places = sorted({(r.topic, r.partition) for r in records})
        for topic, partition in places:
            here = [r for r in records if (r.topic, r.partition) == (topic, partition)]
            fresh = sum((e.record.topic, e.record.partition) == (topic, partition) for e in new)
            parked = sum(
                (e.record.topic, e.record.partition) == (topic, partition) for e in waiting
            )
            await tx.execute(
                _MOVE_OFFSET, self.consumer, topic, partition, here[-1].offset,
                fresh - parked, len(here) - fresh, 0, parked,
            )  # fmt: skip

    async def _bury(self, record: Record, reason: str) -> None:
        """Tell the record on to the dead-letter topic, through our own outbox, and go past it."""
        async with transaction(self._pool, [AGENCY]) as tx:
            origin = f"{record.topic}-{record.partition}-{record.offset}"
            buried = await _bury_in(tx, self.consumer, record, origin, reason, self._clock.now())
            await tx.execute(
                _MOVE_OFFSET, self.consumer, record.topic, record.partition, record.offset,
                0, buried ^ 1, buried, 0,
            )  # fmt: skip


async def _bury_in(
    tx: Connection, consumer: str, record: Record, origin: str, reason: str, now: datetime
) -> int:
    """How many letters that made: none where the record was buried before."""
    # Made from where it lay and what it was: a copy or a replay is not buried again.
    letter_id = uuid5(NAMESPACE_OID, f"{consumer}|{origin}|{record.data.hex()}")
    headers = dict(record.headers) | {
        "ce_specversion": "1.0",
        "ce_id": str(letter_id),
        "ce_type": "dead-letter",
        "ce_source": f"/{consumer}",
        "ce_time": to_wire(now),
        "ce_sequence": "1",
        "dlq-error": reason,
        "dlq-origin": origin,
    }
    fresh = await tx.fetch(_NOTE_HEARD, consumer, [letter_id], now)
    if fresh:
        await tx.execute(
            INSERT_OUTBOX, business_day(now).replace(day=1), letter_id, "",
            f"{record.topic}.{consumer}.dlq", "dead-letter", record.key,
            str(letter_id), 1, now, orjson.dumps(headers).decode(), record.data,
        )  # fmt: skip
    return len(fresh)


async def retry_parked(pool: Pool, consumer: str, key: str, handle: Handle, clock: Clock) -> int:
    """Give a parked key's events their effect, in order, in one transaction; returns how many.

    One that cannot be read was parked behind the others unread: it becomes a dead letter. Raises
    whatever else the handler raises: then the key stays parked.
    """
    async with transaction(pool, [AGENCY]) as tx:
        # First the lock, then a look: what an inbox parked while the lock waited is seen as well,
        # and none can park more until this ends.
        await tx.execute(
            "select from parked where consumer = $1 and key = $2 for update", consumer, key
        )
        rows = await tx.fetch(
            "select event_id, topic, headers::text, data from parked"
            " where consumer = $1 and key = $2 order by number",
            consumer,
            key,
        )
        for row in rows:
            record = Record(row["topic"], 0, 0, key, orjson.loads(row["headers"]), row["data"])
            try:
                async with tx.transaction():
                    await handle(tx, [read_event(record)])
            except Undecodable as error:
                origin = f"{record.topic}-{row['event_id']}"  # where it lay is not kept
                reason = type(error).__name__
                await _bury_in(tx, consumer, record, origin, reason, clock.now())
        await tx.execute("delete from parked where consumer = $1 and key = $2", consumer, key)
        return len(rows)
