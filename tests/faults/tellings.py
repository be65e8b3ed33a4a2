"""What the other two services would tell settlement, put into their logs as they tell it."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.contract import Contract
from shared.contracts.flag import FlagDecided
from shared.contracts.person import ContributionPosted, PersonStateChanged
from shared.period import Month
from shared.plumbing.clock import SystemClock, to_wire
from shared.plumbing.outbox import Told, outbox_row
from tests.faults.scene import POOL, Scene

HEARD_SECONDS_MAX = 60


async def decided(scene: Scene, claim: str, amount: str = "1.00") -> str:
    """Two reviewers decided to deduct: told as audit tells it; the flag."""
    flag = str(uuid4())
    await _decide(scene, claim, flag, 1, amount)
    return flag


async def dismissed(scene: Scene, claim: str, flag: str) -> None:
    """They looked again, and dismissed it."""
    await _decide(scene, claim, flag, 2, "0.00")


async def _decide(scene: Scene, claim: str, flag: str, number: int, amount: str) -> None:
    event = FlagDecided(
        flag_id=flag, claim_id=claim, pool_code=POOL, decision=number, amount=amount,
        outcome="dismiss" if amount == "0.00" else "deduct",
        institution_code=scene.here.institution, decided_at=to_wire(SystemClock().now()),
    )  # fmt: skip
    await tell(scene.audit, "audit", event, flag, number)


async def answered(scene: Scene, claim: str, times: int = 1) -> None:
    """Wait until settlement told what became of so many decisions on a claim."""
    async with asyncio.timeout(HEARD_SECONDS_MAX):
        while times > await scene.owner.fetchval(
            "select count(*) from outbox where aggregate_id = $1 and type like '%deduction%'",
            claim,
        ):
            await asyncio.sleep(0.05)


async def contributed(scene: Scene, person: str) -> None:
    """A month was paid for: told as enrollment tells it."""
    contribution = str(uuid4())
    event = ContributionPosted(
        contribution_id=contribution, person_ref=person, pool_code=POOL, county_code=POOL,
        kind="employee", month=str(Month.of(scene.today)), base="6000.00", employer="510.00",
        individual="120.00", posted_at=to_wire(SystemClock().now()), document="d", article="a",
    )  # fmt: skip
    await tell(scene.enrollment, "enrollment", event, contribution, 1)


async def history_changed(scene: Scene, state: PersonStateChanged) -> None:
    """A version of a person's history: told as enrollment tells it."""
    await tell(scene.enrollment, "enrollment", state, state.person_ref, state.state_version)


async def heard(scene: Scene, topic: str) -> None:
    """Wait until settlement has put behind it all that was told of a topic."""
    teller = scene.enrollment if ".enrollment." in topic else scene.audit
    last = await teller.fetchval("select position from topic_position where topic = $1", topic)
    async with asyncio.timeout(HEARD_SECONDS_MAX):
        while last > (
            await scene.owner.fetchval(
                "select max(last_offset) from consumer_offset where topic = $1", topic
            )
            or 0
        ):
            await asyncio.sleep(0.05)


async def tell(
    teller: asyncpg.Connection[asyncpg.Record], service: str, event: Contract, aggregate: str,
    sequence: int,
) -> None:  # fmt: skip
    """Put an event into a service's log, as its relay would."""
    now = SystemClock().now()
    row = outbox_row(
        Told(
            topic=event.topic, type=event.type, key=aggregate, aggregate_id=aggregate,
            sequence=sequence, pool_code=POOL, at=now, data=event.to_bytes(),
            source=f"/{service}/{POOL}", subject=f"{service}/{aggregate}",
            schema=event.schema_path(),
        )
    )  # fmt: skip
    position = await teller.fetchval(
        "insert into topic_position values ($1, 1) on conflict (topic)"
        " do update set position = topic_position.position + 1 returning position",
        row.topic,
    )
    await teller.execute(
        "insert into outbox (month, id, pool_code, topic, type, key, aggregate_id, sequence, at,"
        " headers, data, position, sent_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $9)",
        row.month, UUID(str(row.id)), row.pool_code, row.topic, row.type, row.key,
        row.aggregate_id, row.sequence, row.at, row.headers, row.data, position,
    )  # fmt: skip
