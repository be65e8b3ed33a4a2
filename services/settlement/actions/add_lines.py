"""Add fee lines to an open stay, each classed by the catalogue of its day."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.line import FeeLine, bill_of, classed
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, with_cost
from services.settlement.store import stays
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def add_lines(
    tx: Connection, scene: Scene, stay_id: UUID, lines: Sequence[FeeLine]
) -> Stay | Refusal:
    """All lines, or none of them."""
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    numbers = {line.line_number for line in lines}
    if len(numbers) != len(lines):
        return Refusal.LINE_NUMBER_USED
    if any(line.charged_on > scene.today for line in lines):
        return Refusal.DATES_OUT_OF_ORDER
    asked = list({(line.item_code, line.charged_on) for line in lines})
    items = await stays.catalogue_items(tx, scene.pool_code, asked)
    priced = [classed(line, items.get((line.item_code, line.charged_on))) for line in lines]
    after = with_cost(stay, bill_of(priced), len(priced))
    if isinstance(after, Refusal):
        return after
    # The stay first: its row is the lock that two batches of one stay meet at.
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    if await stays.insert_lines(tx, stay, priced) < len(priced):
        return Refusal.LINE_NUMBER_USED
    await write_log(tx, [scene.deed("add_lines", f"stay:{stay_id}", stay.state, after.state)])
    return after
