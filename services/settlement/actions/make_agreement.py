"""Make an agreement with a hospital, and end it before its time."""

from __future__ import annotations

from datetime import date

from services.settlement.actions.scene import Scene
from services.settlement.domain.agreement import Agreement
from services.settlement.domain.refusals import Refusal
from services.settlement.store import agreements
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def make_agreement(
    tx: Connection, scene: Scene, agreement: Agreement, start: date, end: date | None
) -> Agreement | Refusal:
    """Put an agreement in force for a period; two of one institution never overlap."""
    code = agreement.institution_code
    made = await agreements.insert_agreement(
        tx, scene.pool_code, code, agreement.level, start, end, scene.actor, scene.now
    )
    if not made:
        return Refusal.AGREEMENT_OVERLAPS
    await write_log(tx, [scene.deed("make_agreement", f"agreement:{code}/{start}", "", "made")])
    return agreement


async def end_agreement(
    tx: Connection, scene: Scene, institution_code: str, end: date
) -> date | Refusal:
    """End the agreement that runs on the day before `end`; what was settled under it stands.
    Returns its first day."""
    start = await agreements.end_agreement(tx, scene.pool_code, institution_code, end)
    if start is None:
        return Refusal.AGREEMENT_UNKNOWN
    subject = f"agreement:{institution_code}/{start}"
    await write_log(tx, [scene.deed("end_agreement", subject, "made", f"until {end}")])
    return start
