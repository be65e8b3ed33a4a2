"""Races that provoke planted faults, through the API. A sound settlement bears them.

Where timing decides, a row is held until the requests are where the fault would show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.faults.scene import Scene
from tests.faults.tellings import answered, decided

PASSED_ON = "select position is not null from outbox where aggregate_id = $1"
SEALED = """
select exists (select from log where subject = 'claim:' || $1::text
    and xid < (select max(xid_until::text::bigint) from sealed_block)::text::xid8)
"""

Provocation = Callable[[Scene], Awaitable[None]]


async def both_hospitals_settle_one_pregnancy(scene: Scene) -> None:
    """Both have read that nobody was paid yet; then both write."""
    person, pregnancy = await scene.pregnant()
    one, total = await scene.stay(scene.here, person, pregnancy)
    other, _ = await scene.stay(scene.there, person, pregnancy)
    async with scene.holding(one, other):
        first = asyncio.create_task(scene.here.post(f"/stays/{one}/settle", {"total": total}))
        await scene.waiting(1)
        second = asyncio.create_task(scene.there.post(f"/stays/{other}/settle", {"total": total}))
        await scene.waiting(2)
    statuses = sorted([(await first).status_code, (await second).status_code])
    assert statuses in ([201, 409], [201, 201])


async def the_record_changes_while_it_is_settled(scene: Scene) -> None:
    """The hospital corrects the mode of delivery between the READ and the WRITE of its settling."""
    stay, total = await scene.a_stay()
    async with scene.holding(stay):
        corrected = scene.outcome("cesarean", total)
        change = asyncio.create_task(scene.here.post(f"/stays/{stay}/discharge", corrected))
        await scene.waiting(1)
        settling = asyncio.create_task(scene.here.post(f"/stays/{stay}/settle", {"total": total}))
        await scene.waiting(2)
    assert (await change).status_code == 201
    assert (await settling).status_code == 201


async def a_stay_is_reopened_while_it_settles(scene: Scene) -> None:
    """Its settling waits in the database; who takes the discharge back has read it before."""
    stay, total = await scene.a_stay()
    async with scene.holding(stay):
        settling = asyncio.create_task(scene.here.post(f"/stays/{stay}/settle", {"total": total}))
        await scene.waiting(1)
        reopening = asyncio.create_task(scene.here.post(f"/stays/{stay}/reopen"))
        await scene.waiting(2)
    statuses = sorted([(await settling).status_code, (await reopening).status_code])
    assert statuses in ([201, 409], [201, 201])


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
        await scene.waiting(1)
        done = await scene.here.post(f"/stays/{late}/settle", {"total": late_total})
        assert done.status_code == 201
        await scene.would_come(PASSED_ON, done.json()["settlement_id"])
    assert (await waits).status_code == 201


async def an_earlier_transaction_ends_later(scene: Scene) -> None:
    """A reversal that has its number already waits, while a later settlement is done and sealed."""
    stay, early = await scene.settled()
    late, total = await scene.a_stay()
    async with scene.holding(stay):
        waits = asyncio.create_task(scene.here.post(f"/settlements/{early}/reverse"))
        await scene.waiting(1)
        done = await scene.here.post(f"/stays/{late}/settle", {"total": total})
        assert done.status_code == 201
        await scene.would_come(SEALED, done.json()["settlement_id"])
    assert (await waits).status_code == 201


async def one_settlement_is_reversed_twice_at_once(scene: Scene) -> None:
    """Both have seen that it stands; then both undo it."""
    stay, settlement = await scene.settled()
    place = f"/settlements/{settlement}/reverse"
    async with scene.holding(stay):
        first = asyncio.create_task(scene.here.post(place))
        await scene.waiting(1)
        second = asyncio.create_task(scene.here.post(place))
        await scene.waiting(2)
    statuses = sorted([(await first).status_code, (await second).status_code])
    assert statuses in ([201, 409], [201, 201])


async def two_hospitals_register_one_pregnancy(scene: Scene) -> None:
    """Both have seen that none is open; then both register it."""
    person = await scene.insured()
    body = {
        "person_ref": person,
        "since": str(scene.today),
        "institution_code": scene.here.institution,
    }
    async with scene.nobody_writes("pregnancy"):
        first = asyncio.create_task(scene.here.post("/pregnancies", body))
        second = asyncio.create_task(scene.there.post("/pregnancies", body))
        await scene.waiting(2)
    statuses = sorted([(await first).status_code, (await second).status_code])
    assert statuses in ([201, 409], [201, 422], [201, 201])


async def its_connection_is_cut_before_the_commit(scene: Scene) -> None:
    """The settling waits in the database; its session is ended there. Who was told, may ask."""
    stay, total = await scene.a_stay()
    async with scene.holding(stay):
        settling = asyncio.create_task(scene.here.post(f"/stays/{stay}/settle", {"total": total}))
        await scene.waiting(1)
        await scene.cut_waiting()
    settled = await settling
    assert settled.status_code == 201
    found = await scene.here.get(f"/settlements/{settled.json()['settlement_id']}")
    scene.must("K05", found is not None and found.status_code == 200)


async def a_deduction_overtakes_a_reversal(scene: Scene) -> None:
    """A reversal waits in its transaction, while a decision on the same claim is taken."""
    stay, total = await scene.a_stay()
    settled = await scene.here.post(f"/stays/{stay}/settle", {"total": total})
    claim = settled.json()["settlement_id"]
    async with scene.holding(stay):
        reversal = asyncio.create_task(scene.here.post(f"/settlements/{claim}/reverse"))
        await scene.waiting(1)
        await decided(scene, claim)
        # A sound one waits for the claim that the reversal holds; a faulty one is done at once.
        either = [asyncio.create_task(one) for one in (scene.waiting(2), answered(scene, claim))]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        for task in either:
            task.cancel()
        await asyncio.wait(either)
    assert (await reversal).status_code == 201
    await answered(scene, claim)


async def two_hospitals_see_one_pregnancy_at_once(scene: Scene) -> None:
    """Both visits have read what the unit has left; then both write."""
    person, pregnancy = await scene.pregnant()
    one, total = await scene.visit(scene.here, person, pregnancy, week=30)
    other, _ = await scene.visit(scene.there, person, pregnancy, week=30)
    async with scene.holding(one, other):
        first = asyncio.create_task(scene.here.post(f"/stays/{one}/settle", {"total": total}))
        await scene.waiting(1)
        second = asyncio.create_task(scene.there.post(f"/stays/{other}/settle", {"total": total}))
        await scene.waiting(2)
    assert {(await first).status_code, (await second).status_code} == {201}
