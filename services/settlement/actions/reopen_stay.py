"""Take back a discharge: the stay is open again, and its lines can change."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, reopened
from services.settlement.store import stay_items, stays
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def reopen_stay(tx: Connection, scene: Scene, stay_id: UUID) -> Stay | Refusal:
    """Only while nothing of it stands settled; after a reversal too."""
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    after = reopened(stay)
    if isinstance(after, Refusal):
        return after
    # A settlement at the same moment holds the row, and leaves another version behind.
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    await stay_items.forget(tx, stay)
    await write_log(tx, [scene.deed("reopen_stay", f"stay:{stay_id}", stay.state, after.state)])
    return after
