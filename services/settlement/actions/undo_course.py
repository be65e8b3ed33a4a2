"""What a reversal undoes beside the money: units come back, days are free, entitlements go."""

from __future__ import annotations

from dataclasses import replace

from services.settlement.actions.scene import Scene
from services.settlement.domain.course import EMPTY, returned
from services.settlement.domain.entitled import EntitlementState
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import ENDINGS
from services.settlement.store import courses, entitlements
from services.settlement.told.allowance import allowance_withdrawn
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed
from shared.plumbing.outbox import Told
from shared.plumbing.repeats import Overtaken
from shared.policy.shapes import Benefit


async def undo_course(
    tx: Connection, scene: Scene, settlement: Settlement, reversal: Settlement
) -> tuple[list[Told], list[Deed]]:
    """Undo them for a settlement whose reversal is written; returns what to tell and to log.

    Raises Overtaken when an entitlement was fixed at the same moment.
    """
    benefit = Benefit(settlement.benefit)
    if settlement.pregnancy_id is not None and benefit in (*ENDINGS, Benefit.PRENATAL):
        await _give_back(tx, settlement, reversal, ending=benefit in ENDINGS)
    events, deeds = [], []
    for one in await entitlements.of_settlement(tx, settlement.pool_code, settlement.settlement_id):
        after = replace(one, state=EntitlementState.WITHDRAWN, version=one.version + 1)
        if not await entitlements.change(tx, one, after):
            raise Overtaken
        events.append(allowance_withdrawn(after, scene.now))
        subject = f"entitlement:{one.entitlement_id}"
        deeds.append(scene.deed("withdraw_entitlement", subject, one.state, after.state))
    return events, deeds


async def _give_back(
    tx: Connection, settlement: Settlement, reversal: Settlement, *, ending: bool
) -> None:
    pool, pregnancy = settlement.pool_code, settlement.pregnancy_id
    if pregnancy is None:
        return
    await courses.lock_course(tx, pool, pregnancy)
    used = await courses.entries_of(tx, pool, settlement.settlement_id)
    if used:
        course = replace(EMPTY, entries=await courses.entries(tx, pool, pregnancy))
        await courses.insert_entries(tx, reversal, returned(course, used))
    await courses.free_days(tx, pool, pregnancy, ending=ending)
