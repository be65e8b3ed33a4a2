"""Cancel fee lines of an open stay: all of them, or those that are named."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.doubt import DoubtKind, without_lines
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, less_cost, with_cost
from services.settlement.domain.undoing import taken_off
from services.settlement.store import doubts, lines, stays
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def cancel_lines(
    tx: Connection, scene: Scene, stay_id: UUID, line_numbers: Collection[int] | None
) -> Stay | Refusal:
    """All named lines, or none of them, with what was doubtful of them; `line_numbers` None means
    the whole bill, if any."""
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    gone = taken_off(await lines.kept(tx, stay), line_numbers)
    if isinstance(gone, Refusal):
        return gone
    restored = with_cost(stay, gone.returned, 0)
    if isinstance(restored, Refusal):
        return restored
    after = less_cost(restored, gone.charged, len(gone.line_numbers))
    # The stay first: its row is the lock that whoever changes its lines meets at.
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    await lines.cancel(tx, stay, gone.line_numbers, scene.actor, scene.now)
    await _forget_doubts(tx, stay, gone.line_numbers)
    await write_log(tx, [scene.deed("cancel_lines", f"stay:{stay_id}", stay.state, after.state)])
    return after


async def _forget_doubts(tx: Connection, stay: Stay, gone: Collection[int]) -> None:
    kind = DoubtKind.MAPPED_OTHERWISE
    found = await doubts.of_stay(tx, stay.pool_code, stay.stay_id, kind)
    if found:
        await doubts.forget(tx, stay.pool_code, stay.stay_id, [kind])
        await doubts.note(tx, [left for one in found if (left := without_lines(one, gone))])
