"""Cancel a stay or visit that was opened by mistake."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, cancelled
from services.settlement.store import stays
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def cancel_stay(tx: Connection, scene: Scene, stay_id: UUID) -> Stay | Refusal:
    """An open one without lines; its number may then name another stay."""
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    after = cancelled(stay)
    if isinstance(after, Refusal):
        return after
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    await write_log(tx, [scene.deed("cancel_stay", f"stay:{stay_id}", stay.state, after.state)])
    return after
