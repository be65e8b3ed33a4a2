"""Register a pregnancy with its designated institution, and transfer it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal
from services.settlement.store import agreements, pregnancies
from shared.ids import new_id
from shared.period import Period
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def register_pregnancy(
    tx: Connection, scene: Scene, *, person_ref: str, since: date, institution_code: str
) -> Pregnancy | Refusal:
    """Register a pregnancy that began on `since`: one open at a time, over all hospitals. The
    institution that is chosen for it must have an agreement today."""
    if since > scene.today:
        return Refusal.DATES_OUT_OF_ORDER
    if not await agreements.agreed(tx, scene.pool_code, institution_code, scene.today):
        return Refusal.NO_AGREEMENT
    if await pregnancies.has_open(tx, person_ref):
        return Refusal.PREGNANCY_OPEN_ALREADY
    pregnancy = Pregnancy(
        pool_code=scene.pool_code,
        pregnancy_id=new_id(),
        person_ref=person_ref,
        institution_code=institution_code,
        period=Period(since),
        delivered_on=None,
        version=1,
    )
    if not await pregnancies.insert(tx, pregnancy, scene.now, scene.institution_code):
        # Either a rival was faster, or an ended pregnancy's period reaches into this one.
        open_now = await pregnancies.has_open(tx, person_ref)
        return Refusal.PREGNANCY_OPEN_ALREADY if open_now else Refusal.PREGNANCY_OVERLAPS
    subject = f"pregnancy:{pregnancy.pregnancy_id}"
    await write_log(tx, [scene.deed("register_pregnancy", subject, "", "registered")])
    return pregnancy


async def transfer_pregnancy(
    tx: Connection, scene: Scene, pregnancy_id: UUID, institution_code: str, since: date | None
) -> Pregnancy | Refusal:
    """Designate another institution from `since` on, else from today.

    To a hospital that is no party to the move the pregnancy is unknown, as all that is others' is;
    the agency's staff, who have no institution, may move any.
    """
    pregnancy = await pregnancies.find(tx, scene.pool_code, pregnancy_id)
    mover = scene.institution_code
    if pregnancy is None or (mover and mover not in (pregnancy.institution_code, institution_code)):
        return Refusal.PREGNANCY_UNKNOWN
    day = since or scene.today
    made = await pregnancies.designations(tx, scene.pool_code, pregnancy_id)
    if day > scene.today or any(day < designation.since for designation in made):
        return Refusal.TRANSFER_OUT_OF_ORDER
    if not await agreements.agreed(tx, scene.pool_code, institution_code, day):
        return Refusal.NO_AGREEMENT
    if not await pregnancies.transfer(tx, pregnancy, institution_code, day, scene.now):
        return Refusal.PREGNANCY_CHANGED
    deed = scene.deed("transfer_pregnancy", f"pregnancy:{pregnancy_id}", "registered", "registered")
    await write_log(tx, [deed])
    return replace(pregnancy, institution_code=institution_code, version=pregnancy.version + 1)


async def withdraw_designation(
    tx: Connection, scene: Scene, pregnancy_id: UUID, number: int
) -> Pregnancy | Refusal:
    """Take back the last designation, which is the `number`th, from today on: the pregnancy is
    entrusted again to whom it was before. The first one is the registration's, and stays."""
    made = await pregnancies.designations(tx, scene.pool_code, pregnancy_id)
    if not made:
        return Refusal.PREGNANCY_UNKNOWN
    mover = scene.institution_code
    if mover and mover not in {one.institution_code for one in made[-2:]}:
        return Refusal.PREGNANCY_UNKNOWN
    if number != len(made) or number == 1:
        return Refusal.TRANSFER_OUT_OF_ORDER
    before = made[-2].institution_code
    return await transfer_pregnancy(tx, scene, pregnancy_id, before, scene.today)
