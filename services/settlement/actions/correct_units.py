"""Correct a pregnancy's units by what was released of its visits: entries behind the last ones."""

from __future__ import annotations

from collections.abc import Sequence

from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.care import Visit
from services.settlement.domain.course import Course, corrected
from services.settlement.domain.refusals import Refusal
from services.settlement.store import care, courses, ledger, pregnancies
from shared.plumbing.database import Connection
from shared.policy.shapes import Benefit


async def correct_units(
    tx: Connection, scene: Scene, released: Sequence[Adjustment]
) -> Refusal | None:
    """Append what these adjustments correct, all of one pregnancy's visits.

    Refused where they rest on what is no longer so: a visit before them came to something else
    since, or a visit behind them used what they would use.
    """
    first = await ledger.find(tx, scene.pool_code, released[0].settlement_id)
    if first is None or first.pregnancy_id is None or first.benefit != Benefit.PRENATAL:
        return None
    pool_code, pregnancy_id = scene.pool_code, first.pregnancy_id
    await courses.lock_course(tx, pool_code, pregnancy_id)
    pregnancy = await pregnancies.find(tx, pool_code, pregnancy_id)
    known = (await care.cares(tx, [pool_code], [pregnancy_id]))[pregnancy_id]
    corrections = {one.settlement_id: one.corrections for one in released}
    settlements = {}
    for one in released:
        found = await ledger.find(tx, pool_code, one.settlement_id)
        if found is None or pregnancy is None:
            return Refusal.SETTLEMENT_UNKNOWN
        settlements[one.settlement_id] = (found, one.adjustment_id)
        visit = Visit(found.settlement_id, found.settled_at)
        if known.met_again(visit, pregnancy, corrections)[1] != one.met:
            return Refusal.ADJUSTMENT_OUTDATED
    course = Course(entries=tuple(written.entry for written in known.entries))
    added = corrected(course, corrections)
    if added is None:
        return Refusal.ADJUSTMENT_OUTDATED
    rows = [(*settlements[visit], entry) for visit, entry in added]
    await courses.insert_corrections(tx, rows)
    return None
