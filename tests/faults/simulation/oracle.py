"""What must be true when a play is over, by the names of deploy.verify's invariants.

The model is what the callers were told, in plain Python; the stores and the bus are asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from uuid import UUID

from tests.faults.simulation.processes import CONSUMER, Call, World


async def broken(world: World) -> list[str]:
    """What does not hold."""
    wrong = _answers(world)
    wrong += await _settlements(world, set(_claims(world)))
    wrong += await _cases(world)
    wrong += await _bus(world)
    wrong += await _audit(world)
    return wrong


def _claims(world: World) -> list[UUID]:
    """The settlements that the callers were told of."""
    return [UUID(call.settled) for call in (*world.calls, *world.cases) if call.settled]


def _answers(world: World) -> list[str]:
    wrong = []
    told: dict[str, set[bytes]] = defaultdict(set)
    for call in (*world.calls, *world.cases):
        told[call.key].update(call.answers)
    wrong += [f"K03 {key} was answered {len(b)} times" for key, b in told.items() if len(b) > 1]
    first, rival = _of(world.calls, 0), next(c for c in world.calls if c.hospital.endswith("b"))
    if not any(c.operation == "reverse" and c.answers for c in first):
        paid = bool(first[0].answers) + bool(rival.answers)
        if paid != 1:
            wrong.append(f"O03 {paid} hospitals were paid")
    return wrong


def _of(calls: list[Call], place: int) -> list[Call]:
    """The calls of the first hospital about the birth that two hospitals claim."""
    end = next(n for n, call in enumerate(calls) if call.hospital.endswith("b"))
    return calls[place:end]


async def _cases(world: World) -> list[str]:
    """Of a case that was refused nothing is left, of a settled one all; each birth is paid once."""
    keys = {case.key for case in world.cases if case.settled}
    births = Counter({case.key: case.pregnancy_id for case in world.cases if case.settled}.values())
    wrong = [
        f"O03 {births[case.pregnancy_id]} cases of a birth were paid"
        for case in world.cases if births[case.pregnancy_id] != 1
    ]  # fmt: skip
    both = keys & {case.key for case in world.cases if case.refused}
    wrong += [f"K03 {key} was settled and refused" for key in both]
    rows = await world.town.owner.fetch(
        "select stay_number, state, (select count(*) from line l where l.stay_id = s.stay_id)"
        " as lines from stay s where stay_number = any($1)",
        [case.key for case in world.cases],
    )
    whole = {row["stay_number"] for row in rows if (row["state"], row["lines"]) == ("settled", 2)}
    if whole != keys or len(rows) != len(keys):
        wrong.append(f"O01 of {len(keys)} cases that were settled {len(rows)} stays are there")
    return wrong


async def _settlements(world: World, told: set[UUID]) -> list[str]:
    """Stored is what was told, once each, with entries that balance and events beside them."""
    owner, stays = world.town.owner, [c.thing for c in world.calls if c.operation == "settle"]
    keys = [case.key for case in world.cases]
    rows = await owner.fetch(
        "select s.*, (select sum(amount_fen) from posting p where p.settlement_id = s.settlement_id)"
        " as posted, (select count(*) from idempotency i where i.object_id = s.settlement_id)"
        " as answers from settlement s where stay_id = any($1)"
        " or stay_id in (select stay_id from stay where stay_number = any($2))",
        stays,
        keys,
    )
    wrong = []
    stored = Counter(row["settlement_id"] for row in rows)
    wrong += [f"K05 acknowledged and not stored {one}" for one in told - stored.keys()]
    wrong += [f"O01 stored and nobody was told {one}" for one in stored.keys() - told]
    wrong += [f"M03 {row['settlement_id']}" for row in rows if row["posted"] != 0]
    wrong += [f"O01 answers of {row['settlement_id']}" for row in rows if row["answers"] != 1]
    undone = Counter(row["reverses"] for row in rows if row["reverses"])
    wrong += [f"O08 {one}" for one, times in undone.items() if times > 1]
    standing = [r for r in rows if not r["reverses"] and r["settlement_id"] not in undone]
    births = Counter(row["pregnancy_id"] for row in standing)
    wrong += [f"O03 {one}" for one, times in births.items() if times > 1]
    fund = sum(row["fund_fen"] for row in rows)
    if fund != sum(row["fund_fen"] for row in standing):
        wrong.append("M05 the fund paid otherwise than its settlements say")
    return wrong


async def _bus(world: World) -> list[str]:
    """All that was told is on the bus, copies alike, each key in order; stamped without a gap."""
    owner, records = world.town.owner, world.broker.records()
    claims = _claims(world)
    told = await owner.fetch(
        "select id, aggregate_id, sequence, data, position from outbox"
        " where aggregate_id = any($1::text[])",
        [str(one) for one in claims],
    )
    there = {record.headers["ce_id"] for record in records}
    wrong = [f"V02 not on the bus {r['id']}" for r in told if str(r["id"]) not in there]
    wrong += [f"V02 not stamped {row['id']}" for row in told if row["position"] is None]
    wrong += [f"V02 stranger {one}" for one in there - {str(row["id"]) for row in told}]
    gap = await owner.fetchval(
        "select max(position) - count(*) from outbox where position is not null"
        " and topic = 'maternity.settlement.claim.v1'"
    )
    last = await owner.fetchval(
        "select p.position - (select count(*) from outbox o where o.topic = p.topic"
        " and o.position is not null) from topic_position p where topic ="
        " 'maternity.settlement.claim.v1'"
    )
    if gap or last:
        wrong.append("V02 positions have a gap or a double")
    copies: dict[str, set[bytes]] = defaultdict(set)
    order: dict[str, list[int]] = defaultdict(list)
    for record in records:
        if record.headers["ce_id"] not in copies:
            order[record.key].append(int(record.headers["ce_sequence"]))
        copies[record.headers["ce_id"]].add(record.data)
    wrong += [f"V03 {one}" for one, those in copies.items() if len(those) > 1]
    wrong += [f"V04 {k} {n}" for k, n in order.items() if n != list(range(1, len(n) + 1))]
    return wrong


async def _audit(world: World) -> list[str]:
    """Audit heard each event once, and sees what was told."""
    audit, records = world.town.audit_owner, world.broker.records()
    events = {UUID(record.headers["ce_id"]) for record in records}
    heard = await audit.fetch(
        "select event_id from inbox where consumer = $1 and event_id = any($2)",
        CONSUMER, list(events),
    )  # fmt: skip
    wrong = [f"V07 never heard {one}" for one in events - {row[0] for row in heard}]
    if await audit.fetchval("select exists (select from parked)"):
        wrong.append("V07 a key is parked")
    counted = await audit.fetchval(
        "select (select count(*) from inbox) - (select sum(applied + parked) from consumer_offset)"
    )
    if counted:
        wrong.append(f"V06 effects and inbox differ by {counted}")
    last = {r.key: max(int(s.headers["ce_sequence"]) for s in records if s.key == r.key)
            for r in records}  # fmt: skip
    seen = {
        str(row["claim_id"]): row
        for row in await audit.fetch(
            "select claim_id, version, status, (select count(*) from judgement j"
            " where j.claim_id = c.claim_id) as judged from claim c where claim_id = any($1)",
            [UUID(key) for key in last],
        )
    }
    for key, number in last.items():
        row = seen.get(key)
        if row is None or row["version"] != number:
            wrong.append(f"V05 {key}")
        elif (row["status"] == "reversed") != (number > 1):
            wrong.append(f"V05 {key} is {row['status']}")
        if row is not None and row["judged"] != 1:
            wrong.append(f"S06 {key}")
    return wrong
