"""The smallest provocation of each planted fault, through the API. A sound settlement bears it.

Where timing decides, a row is held until the requests are where the fault would show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.flag import FlagDecided
from shared.plumbing.clock import SystemClock, to_wire
from shared.plumbing.outbox import Told, outbox_row
from tests.faults.planting import POOL, Scene

LATER_SECONDS = 0.5

Provocation = Callable[[Scene], Awaitable[None]]


async def both_hospitals_settle_one_pregnancy(scene: Scene) -> None:
    """Both have read that nobody was paid yet; then both write."""
    person, pregnancy = await scene.pregnant()
    one, total = await scene.stay(scene.here, person, pregnancy)
    other, _ = await scene.stay(scene.there, person, pregnancy)
    async with scene.holding(one, other):
        first = asyncio.create_task(scene.here.post(f"/stays/{one}/settle", {"total": total}))
        assert await scene.waiting(1)
        second = asyncio.create_task(scene.there.post(f"/stays/{other}/settle", {"total": total}))
        assert await scene.waiting(2)
    statuses = sorted([(await first).status_code, (await second).status_code])
    assert statuses in ([201, 409], [201, 201])


async def the_record_changes_while_it_is_settled(scene: Scene) -> None:
    """The hospital corrects the mode of delivery between the READ and the WRITE of its settling."""
    stay, total = await scene.a_stay()
    async with scene.holding(stay):
        corrected = scene.outcome("cesarean", total)
        change = asyncio.create_task(scene.here.post(f"/stays/{stay}/discharge", corrected))
        assert await scene.waiting(1)
        settling = asyncio.create_task(scene.here.post(f"/stays/{stay}/settle", {"total": total}))
        assert await scene.waiting(2)
    assert (await change).status_code == 201
    assert (await settling).status_code == 201


async def a_hospital_settles_anothers_stay(scene: Scene) -> None:
    """It knows the other's stay id and bill."""
    stay, total = await scene.a_stay()
    answer = await scene.there.post(f"/stays/{stay}/settle", {"total": total})
    assert answer.status_code in (404, 201)


async def an_earlier_id_commits_later(scene: Scene) -> None:
    """A settlement that has its ids already waits, while a later one is done and told."""
    early, total = await scene.a_stay()
    late, late_total = await scene.a_stay()
    async with scene.holding(early):
        waits = asyncio.create_task(scene.here.post(f"/stays/{early}/settle", {"total": total}))
        assert await scene.waiting(1)
        done = await scene.here.post(f"/stays/{late}/settle", {"total": late_total})
        assert done.status_code == 201
        await asyncio.sleep(LATER_SECONDS)
    assert (await waits).status_code == 201


async def a_deduction_overtakes_a_reversal(scene: Scene) -> None:
    """A reversal waits in its transaction, while a decision on the same claim is taken."""
    stay, total = await scene.a_stay()
    settled = await scene.here.post(f"/stays/{stay}/settle", {"total": total})
    claim = settled.json()["settlement_id"]
    async with scene.holding(stay):
        reversal = asyncio.create_task(scene.here.post(f"/settlements/{claim}/reverse"))
        assert await scene.waiting(1)
        await _decided(scene, claim)
        # A sound one waits for the claim that the reversal holds; a faulty one is done at once.
        await scene.waiting(2)
    assert (await reversal).status_code == 201

    async def answered() -> Any:
        return await scene.owner.fetchval(
            "select true from outbox where aggregate_id = $1 and type like '%deduction%'", claim
        )

    async with asyncio.timeout(10):
        while not await answered():
            await asyncio.sleep(0.05)


async def _decided(scene: Scene, claim: str) -> None:
    """Two reviewers decided to deduct a yuan: told as audit tells it."""
    now, flag = SystemClock().now(), str(uuid4())
    event = FlagDecided(
        flag_id=flag, claim_id=claim, pool_code=POOL, decision=1, outcome="deduct", amount="1.00",
        institution_code=scene.here.institution, decided_at=to_wire(now),
    )  # fmt: skip
    row = outbox_row(
        Told(
            topic=event.topic, type=event.type, key=flag, aggregate_id=flag, sequence=1,
            pool_code=POOL, at=now, data=event.to_bytes(), source=f"/audit/{POOL}",
            subject=f"flags/{flag}", schema=event.schema_path(),
        )
    )  # fmt: skip
    position = await scene.audit.fetchval(
        "insert into topic_position values ($1, 1) on conflict (topic)"
        " do update set position = topic_position.position + 1 returning position",
        row.topic,
    )
    await scene.audit.execute(
        "insert into outbox (month, id, pool_code, topic, type, key, aggregate_id, sequence, at,"
        " headers, data, position, sent_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $9)",
        row.month, UUID(str(row.id)), row.pool_code, row.topic, row.type, row.key,
        row.aggregate_id, row.sequence, row.at, row.headers, row.data, position,
    )  # fmt: skip
