"""Events as rows: an event is told by writing it beside the state it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from shared.ids import new_id
from shared.plumbing.clock import business_day, to_wire
from shared.plumbing.database import Connection
from shared.plumbing.tracing import HEADER, traceparent


class Told(NamedTuple):
    """One event, ready to be written: what was decided, in the words of its contract.

    `sequence` counts 1, 2, 3 ... per aggregate and is read before the transaction that writes
    it, so that two writers can never tell the same number.
    """

    topic: str
    type: str
    key: str
    aggregate_id: str
    sequence: int
    pool_code: str
    at: datetime
    data: bytes
    source: str
    subject: str
    schema: str
    causation_id: str = ""


class OutboxRow(NamedTuple):
    """A row of `outbox` up to `data`: the type `outbox_row` of the database."""

    month: date
    id: UUID
    pool_code: str
    topic: str
    type: str
    key: str
    aggregate_id: str
    sequence: int
    at: datetime
    headers: str
    data: bytes


def outbox_row(told: Told) -> OutboxRow:
    """The row of an event; its id is the event's id, made here and never again."""
    event_id = new_id()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_source": told.source,
        "ce_type": told.type,
        "ce_subject": told.subject,
        "ce_time": to_wire(told.at),
        "ce_dataschema": told.schema,
        "ce_partitionkey": told.key,
        "ce_sequence": str(told.sequence),
        "content-type": "application/json",
    }
    if told.causation_id:
        headers["ce_causationid"] = told.causation_id
    if trace := traceparent(told.causation_id):
        headers[HEADER] = trace
    return OutboxRow(
        month=business_day(told.at).replace(day=1),
        id=event_id,
        pool_code=told.pool_code,
        topic=told.topic,
        type=told.type,
        key=told.key,
        aggregate_id=told.aggregate_id,
        sequence=told.sequence,
        at=told.at,
        headers=orjson.dumps(headers).decode(),
        data=told.data,
    )


INSERT_OUTBOX = """
insert into outbox
    (month, id, pool_code, topic, type, key, aggregate_id, sequence, at, headers, data)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


_TELL = """
insert into outbox
    (month, id, pool_code, topic, type, key, aggregate_id, sequence, at, headers, data)
select * from unnest(
    $1::date[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::bigint[], $9::timestamptz[], $10::json[], $11::bytea[])
"""


async def tell(tx: Connection, events: Sequence[Told]) -> None:
    """Write events in the transaction of the state that they tell of."""
    if events:
        await tx.execute(_TELL, *zip(*map(outbox_row, events), strict=True))
