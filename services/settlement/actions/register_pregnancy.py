"""Register a pregnancy with its designated institution, and transfer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal
from services.settlement.store import agreements, pregnancies
from services.settlement.store.pregnancies import Noted
from shared.ids import new_id
from shared.period import Period
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


class Noting(NamedTuple):
    """What is told of a pregnancy: by whom and when, whose it is, its first day, and the
    institution that is chosen for it."""

    scene: Scene
    person_ref: str
    since: date
    institution_code: str


async def register_pregnancy(
    tx: Connection, scene: Scene, *, person_ref: str, since: date, institution_code: str
) -> Pregnancy | Refusal:
    """Register a pregnancy that began on `since`: one open at a time, over all hospitals. The
    institution that is chosen for it must have an agreement today."""
    made = await register_pregnancies(tx, [Noting(scene, person_ref, since, institution_code)])
    return made if isinstance(made, Refusal) else made[0]


async def register_pregnancies(tx: Connection, told: Sequence[Noting]) -> list[Pregnancy] | Refusal:
    """Register pregnancies of as many persons in one pool. Where one is refused the caller rolls
    back, so that it is all of them or none."""
    if any(one.since > one.scene.today for one in told):
        return Refusal.DATES_OUT_OF_ORDER
    chosen = {(one.institution_code, one.scene.today) for one in told}
    if not await agreements.all_agreed(tx, told[0].scene.pool_code, chosen):
        return Refusal.NO_AGREEMENT
    if await pregnancies.have_open(tx, [one.person_ref for one in told]):
        return Refusal.PREGNANCY_OPEN_ALREADY
    noted = [_noted(one) for one in told]
    made = await pregnancies.insert(tx, noted)
    lost = [n.pregnancy.person_ref for n in noted if n.pregnancy.pregnancy_id not in made]
    if lost:
        # Either a rival was faster, or an ended pregnancy's period reaches into this one.
        rival = await pregnancies.have_open(tx, lost)
        return Refusal.PREGNANCY_OPEN_ALREADY if rival else Refusal.PREGNANCY_OVERLAPS
    await write_log(
        tx, [_logged(one.scene, new.pregnancy) for one, new in zip(told, noted, strict=True)]
    )
    return [new.pregnancy for new in noted]


def _noted(told: Noting) -> Noted:
    pregnancy = Pregnancy(
        pool_code=told.scene.pool_code,
        pregnancy_id=new_id(),
        person_ref=told.person_ref,
        institution_code=told.institution_code,
        period=Period(told.since),
        delivered_on=None,
        version=1,
    )
    return Noted(pregnancy, told.scene.now, told.scene.institution_code)


def _logged(scene: Scene, pregnancy: Pregnancy) -> Deed:
    return scene.deed("register_pregnancy", f"pregnancy:{pregnancy.pregnancy_id}", "", "registered")


async def transfer_pregnancy(
    tx: Connection, scene: Scene, pregnancy_id: UUID, institution_code: str, since: date | None
) -> Pregnancy | Refusal:
    """Designate another institution from `since` on, else from today, while the pregnancy runs.

    To a hospital that is no party to the move the pregnancy is unknown, as all that is others' is;
    the agency's staff, who have no institution, may move any.
    """
    pregnancy = await pregnancies.find(tx, scene.pool_code, pregnancy_id)
    mover = scene.institution_code
    if pregnancy is None or (mover and mover not in (pregnancy.institution_code, institution_code)):
        return Refusal.PREGNANCY_UNKNOWN
    if pregnancy.ended:
        return Refusal.PREGNANCY_ENDED
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
