"""V05-V08: every event was heard, had its effect once, and would have no other one again."""

from __future__ import annotations

from dataclasses import replace

from deploy.verify.events import id_of
from deploy.verify.replay import replay
from deploy.verify.stores import Stores, found
from deploy.verify.topic_log import LocalLog
from services.audit.domain.claim import Adjustment, Claim, ClaimStatus, Reversal
from services.audit.heard.claim import TOPIC as CLAIMS
from services.audit.heard.claim import read
from services.audit.store.claims import to_claim
from shared.contracts.person import ContributionPosted
from shared.money import Money
from shared.plumbing.bus.record import Undecodable, read_event

_V06_COUNTS = """
select 'count of ' || i.consumer
from (select consumer, count(*) as heard from inbox group by consumer) i
full join (select consumer, sum(applied + parked) as effects from consumer_offset group by consumer) o
    using (consumer)
where coalesce(i.heard, 0) <> coalesce(o.effects, 0)
union all
select 'event heard twice ' || event_id from inbox group by consumer, event_id having count(*) > 1
order by 1
"""
_INCOME = "select settlement_id::text, count(*) from posting where account = 'bank' group by 1"
_V07_COUNTERS = """
select consumer || ' of ' || topic from consumer_offset
where applied < 0 or duplicates < 0 or dead < 0 or parked < 0 or dead > 0
order by 1
"""
_V07_LOCAL = """
select consumer || ' of ' || topic from consumer_offset
where applied + duplicates + dead + parked < last_offset
order by 1
"""
_PARKED = "select 'parked event ' || event_id from parked order by number"
_HEARD = "select event_id::text from inbox where consumer = $1"


async def v05(stores: Stores) -> list[str]:
    """Audit's row of each claim is what the claim's events add up to, column by column."""
    folded: dict[str, Claim] = {}
    wrong = []
    for topic in stores.topics:
        if topic.name != CLAIMS:
            continue
        seen: set[str] = set()
        for record in await stores.log.records(topic):
            if id_of(record) in seen:
                continue
            seen.add(id_of(record))
            try:
                event = read_event(record)
                said = read(event)
            except Undecodable:
                wrong.append(f"unreadable event {id_of(record)}")
                continue
            if isinstance(said, Claim):
                folded[record.key] = said
            elif said is not None and record.key in folded:
                folded[record.key] = _after(folded[record.key], said, event.sequence)
    rows = await stores.audit.fetch("select * from claim")
    kept = {str(row["claim_id"]): to_claim(row) for row in rows}
    return wrong + sorted(
        claim for claim in folded.keys() | kept.keys() if folded.get(claim) != kept.get(claim)
    )


def _after(claim: Claim, said: object, sequence: int) -> Claim:
    if isinstance(said, Reversal):
        return replace(claim, status=ClaimStatus.REVERSED, reversed_at=said.at, version=sequence)
    if isinstance(said, Adjustment):
        return claim.adjusted(said)
    return replace(claim, version=max(claim.version, sequence))


async def v06(stores: Stores) -> list[str]:
    """An event is noted as heard once, beside its one effect."""
    wrong = []
    for _, connection in stores.each():
        wrong += await found(connection, _V06_COUNTS)
    entries = {row[0]: row[1] for row in await stores.settlement.fetch(_INCOME)}
    booked = await _booked(stores)
    heard = set(await found(stores.settlement, _HEARD, "settlement-contribution"))
    wrong += [
        f"effect of {event}"
        for contribution, event in booked.items()
        if entries.get(contribution, 0) != (1 if event in heard else 0)
    ]
    return wrong + [f"income from nowhere {one}" for one in entries if one not in booked]


async def _booked(stores: Stores) -> dict[str, str]:
    """The contributions that brought income, with the event that told of each."""
    booked = {}
    for topic in stores.topics:
        if topic.name == ContributionPosted.topic:
            for record in await stores.log.records(topic):
                said = ContributionPosted.from_bytes(record.data)
                if Money.from_wire(said.employer) + Money.from_wire(said.individual):
                    booked[said.contribution_id] = id_of(record)
    return booked


async def v07(stores: Stores) -> list[str]:
    """Every event on the bus was heard by every consumer: no lag, nothing dead, nothing parked."""
    wrong = []
    for _, connection in stores.each():
        wrong += await found(connection, _V07_COUNTERS)
        if isinstance(stores.log, LocalLog):  # compaction leaves gaps between Kafka's offsets
            wrong += await found(connection, _V07_LOCAL)
        wrong += await found(connection, _PARKED)
    for topic, group, connection in stores.heard():
        if lag := await stores.log.lag(topic, group):
            wrong.append(f"{group} is {lag} behind")
        heard = set(await found(connection, _HEARD, group))
        there = {id_of(record) for record in await stores.log.records(topic)}
        wrong += [f"{group} never heard {event}" for event in sorted(there - heard)]
        told = set(
            await found(
                stores.of(topic.owner), "select id::text from outbox where topic = $1", topic.name
            )
        )
        wrong += [f"{group} heard a stranger {event}" for event in sorted(heard - told)]
    return wrong


async def v08(stores: Stores) -> list[str]:
    """Hearing everything again from offset 0 changes nothing, and makes the same views anew."""
    wrong = []
    for topic, group, connection in stores.heard():
        wrong += await replay(stores, topic, group, connection)
    return wrong
