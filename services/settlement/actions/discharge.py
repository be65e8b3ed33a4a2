"""Discharge: the record is complete, and the bill is what its lines sum to."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome, Stay, StayState, discharged, unlike_lines
from services.settlement.store import stay_items, stays
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


async def discharge(
    tx: Connection, scene: Scene, stay_id: UUID, outcome: Outcome
) -> Stay | Refusal | Refused:
    """Note the outcome; until the stay is settled, and after a reversal, it may be restated."""
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    after = left(scene, stay, outcome)
    if isinstance(after, Refusal | Refused):
        return after
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    await stay_items.keep(tx, [after])
    await write_log(tx, [logged(scene, stay)])
    return after


def left(scene: Scene, stay: Stay, outcome: Outcome) -> Stay | Refusal | Refused:
    """The stay after its discharge."""
    if outcome.discharged_on > scene.today:
        return Refusal.DATES_OUT_OF_ORDER
    after = discharged(stay, outcome)
    if isinstance(after, Refusal):
        return after
    return after if stay.cost.total == outcome.bill else unlike_lines(stay)


def logged(scene: Scene, before: Stay) -> Deed:
    """What the log says of it."""
    return scene.deed("discharge", f"stay:{before.stay_id}", before.state, StayState.DISCHARGED)
