"""V01-V04, V09: what was told is on the bus, once in order, whole, and about nobody by name."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from deploy.topics import Topic
from deploy.verify.stores import Connection, Stores, found
from deploy.verify.topic_log import teller
from shared.plumbing.bus.record import Record

# A restored database has other transaction ids than its old rows say, so only this era's compare.
_V01 = """
with told as (
    select convert_from(data, 'UTF8')::json as said, type, xid::text::bigint as xid, era
    from outbox where type in ('settlement.claim.settled', 'settlement.claim.adjusted',
                               'settlement.claim.reversed')
), keyed as (
    select case type when 'settlement.claim.settled' then said ->> 'claim_id'
                     when 'settlement.claim.adjusted' then said ->> 'adjustment_id'
                     else said ->> 'reversal_id' end as thing, * from told
), made as (
    select settlement_id as id, coalesce(reverses, settlement_id) as claim, pool_code, institution_code,
           case when reverses is null then 'settlement.claim.settled'
                else 'settlement.claim.reversed' end as type,
           xmin::text::bigint as xmin, total_fen, fund_fen, member_fen, institution_fen, other_fund_fen
    from settlement
    union all
    select adjustment_id, settlement_id, pool_code, institution_code, 'settlement.claim.adjusted',
           xmin::text::bigint, total_fen, fund_fen, member_fen, institution_fen, other_fund_fen
    from adjustment where state = 'released'
)
select coalesce(m.id::text, 'event without ' || k.thing)
from made m full join keyed k on k.thing = m.id::text and k.type = m.type
group by m.pool_code, m.id, k.thing
having m.id is null or count(k.*) <> 1 or bool_or(
    (k.era = (select era from relay_fence) and k.xid & 4294967295 <> m.xmin)
    or m.claim::text <> k.said ->> 'claim_id'
    or m.institution_code <> k.said ->> 'institution_code'
    or m.total_fen <> (k.said -> 'parts' ->> 'total')::numeric * 100
    or m.fund_fen <> (k.said -> 'parts' ->> 'fund')::numeric * 100
    or m.member_fen <> (k.said -> 'parts' ->> 'member')::numeric * 100
    or m.institution_fen <> (k.said -> 'parts' ->> 'institution')::numeric * 100
    or m.other_fund_fen <> (k.said -> 'parts' ->> 'other_fund')::numeric * 100)
order by 1
"""
_OUTBOX = """
select id, topic, key, aggregate_id, sequence, headers::text, data, position from outbox
where topic = $1 order by position nulls last, id
"""
_PARKED = "select consumer, event_id, topic, headers::text, data from parked"


async def v01(stores: Stores) -> list[str]:
    """Each settlement, released adjustment and reversal has one event, of its own transaction and with its amounts."""
    return await found(stores.settlement, _V01)


async def v02(stores: Stores) -> list[str]:
    """The bus holds every event that was told, and none that was not."""
    wrong: list[str] = []
    for topic in stores.topics:
        told = await stores.of(teller(topic)).fetch(_OUTBOX, topic.name)
        records = await stores.log.records(topic)
        wrong += [f"not sent: {row['id']}" for row in told if row["position"] is None]
        wrong += _compacted(told, records) if topic.compacted else _missing(told, records)
        strangers = {id_of(record) for record in records} - {str(row["id"]) for row in told}
        wrong += [f"stranger on {topic.name}: {one}" for one in sorted(strangers)]
        places = [row["position"] for row in told if row["position"] is not None]
        if sorted(places) != list(range(1, len(places) + 1)):
            wrong.append(f"positions of {topic.name} have a gap or a double")
    return wrong


def _missing(told: Sequence[Any], records: Sequence[Record]) -> list[str]:
    there = {id_of(record) for record in records}
    return [f"not on the bus: {row['id']}" for row in told if str(row["id"]) not in there]


def _compacted(told: Sequence[Any], records: Sequence[Record]) -> list[str]:
    """Compaction keeps at least the last record of a key, and that must be the last one told."""
    last_there = {record.key: id_of(record) for record in records}
    last_told: dict[str, Any] = {}
    for row in told:
        if row["key"] not in last_told or row["sequence"] > last_told[row["key"]]["sequence"]:
            last_told[row["key"]] = row
    return [
        f"not last of its key: {row['id']}"
        for key, row in last_told.items()
        if last_there.get(key) != str(row["id"])
    ]


async def v03(stores: Stores) -> list[str]:
    """All copies of an event, on the bus, in the outbox and where keys are parked, are the same."""
    bytes_of: dict[str, set[bytes]] = defaultdict(set)
    for topic in stores.topics:
        for record in await stores.log.records(topic):
            bytes_of[id_of(record)].add(_fingerprint(record.headers, record.data))
        for row in await stores.of(teller(topic)).fetch(_OUTBOX, topic.name):
            headers = orjson.loads(row["headers"])
            bytes_of[str(row["id"])].add(_fingerprint(headers, row["data"]))
    for _, connection in stores.each():
        for row in await connection.fetch(_PARKED):
            headers = orjson.loads(row["headers"])
            bytes_of[str(row["event_id"])].add(_fingerprint(headers, row["data"]))
    return sorted(event for event, copies in bytes_of.items() if len(copies) > 1)


def _fingerprint(headers: Any, data: bytes) -> bytes:
    return hashlib.sha256(orjson.dumps(dict(headers), option=orjson.OPT_SORT_KEYS) + data).digest()


async def v04(stores: Stores) -> list[str]:
    """An aggregate's events lie in one partition, and first appear as 1, 2, 3 ..."""
    wrong: list[str] = []
    for topic in stores.topics:
        if topic.name.endswith(".dlq"):
            continue  # a dead letter is an aggregate of its own, kept under the lost event's key
        wrong += _out_of_order(topic, await stores.log.records(topic))
    return wrong


def _out_of_order(topic: Topic, records: Sequence[Record]) -> Iterator[str]:
    partitions: dict[str, set[int]] = defaultdict(set)
    numbers: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for record in records:
        partitions[record.key].add(record.partition)
        if id_of(record) not in seen:
            seen.add(id_of(record))
            # A key may hold several aggregates: a person's contributions are told by person.
            aggregate = record.headers.get("ce_subject", record.key)
            numbers[aggregate].append(int(record.headers.get("ce_sequence", "0")))
    for aggregate, order in numbers.items():
        gapless = order == list(range(1, len(order) + 1))
        rising = order == sorted(set(order))
        if not (rising if topic.compacted else gapless):
            yield f"order of {aggregate}"
    yield from (f"partitions of {key}" for key, those in partitions.items() if len(those) > 1)


_TEXTS = (
    ("event", "select id::text, headers::text, data from outbox"),
    ("parked event", "select event_id::text, headers::text, data from parked"),
    ("log row", "select id::text, to_jsonb(log)::text, ''::bytea from log"),
)
_ANSWERS = "select object_id::text, answer from idempotency"
_TIMES = re.compile(rb'"(refmsg_time|respond_time)":"[0-9]{17}"')
"""Times in answers of the national gateway, as long as a card's number is."""
_DIGITS = re.compile(rb"(?<![0-9A-Za-z.-])([0-9]{16,19}|[0-9]{17}[Xx])(?![0-9A-Za-z-])")
_NAME_FIELDS = re.compile(
    rb'"(name|full_name|person_name|psn_name|id_number|id_no|certno|phone|mobile|tel|address'
    rb'|bank_account|card_number|card_no)"\s*:',
    re.IGNORECASE,
)
_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))


async def v09(stores: Stores) -> list[str]:
    """No ID number, card number or name field in any event, parked event or log row; no ID or
    card number in a kept answer either (whose name fields are masked, or not a person's)."""
    wrong = []
    for service, connection in stores.each():
        for kind, statement in _TEXTS:
            wrong += await _personal(connection, f"{service}'s {kind}", statement)
        for row in await connection.fetch(_ANSWERS):
            if _numbers_a_person(_TIMES.sub(b"", row["answer"])):
                wrong.append(f"{service}'s answer {row['object_id']}")
    return wrong


async def _personal(connection: Connection, what: str, statement: str) -> list[str]:
    return [
        f"{what} {row[0]}"
        for row in await connection.fetch(statement)
        if any(
            _numbers_a_person(text) or _NAME_FIELDS.search(text)
            for text in (row[1].encode(), row[2])
        )
    ]


def _numbers_a_person(text: bytes) -> bool:
    return any(
        _is_id_number(digits) or _is_card_number(digits)
        for digits in (match.group(1).decode().upper() for match in _DIGITS.finditer(text))
    )


def _is_id_number(digits: str) -> bool:
    if len(digits) != 18:
        return False
    weighed = sum(int(d) * w for d, w in zip(digits[:17], _WEIGHTS, strict=True))
    return digits[17] == "10X98765432"[weighed % 11]


def _is_card_number(digits: str) -> bool:
    if not digits.isdigit():
        return False
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def id_of(record: Record) -> str:
    """The id of a record's event."""
    return record.headers.get("ce_id", "")
