"""Add fee lines to an open stay, each classed by the catalogue of its day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.cost import sum_of
from services.settlement.domain.doubt import Doubt, DoubtKind
from services.settlement.domain.line import ClassedLine, FeeLine, classed
from services.settlement.domain.mapping import Own, mapped_otherwise, read_by
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, less_cost, with_cost
from services.settlement.domain.undoing import as_returned, left_of, returned
from services.settlement.store import catalogue, doubts, mappings, stays
from services.settlement.store import lines as store
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


class Billed(NamedTuple):
    """A stay with the lines that were just added to it, in the order of their upload."""

    stay: Stay
    lines: Sequence[ClassedLine]


async def add_lines(
    tx: Connection, scene: Scene, stay_id: UUID, lines: Sequence[FeeLine]
) -> Billed | Refusal:
    """All lines, or none of them. A line may return an earlier one of the stay or of the batch.

    What names no item is read by the mapping of the hospital's own code in force on its day. A line
    whose item is another one than its code is mapped to is taken as it says, with a doubt.
    """
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    numbers = {line.line_number for line in lines}
    if len(numbers) != len(lines):
        return Refusal.LINE_NUMBER_USED
    if any(line.charged_on > scene.today for line in lines):
        return Refusal.DATES_OUT_OF_ORDER
    own = await _mapped(tx, stay, lines)
    priced = await _priced(tx, stay, [read_by(line, own) for line in lines])
    if isinstance(priced, Refusal):
        return priced
    charged = with_cost(
        stay, sum_of([c.cost for c in priced if c.line.returns is None]), len(priced)
    )
    if isinstance(charged, Refusal):
        return charged
    after = less_cost(charged, sum_of([c.cost for c in priced if c.line.returns is not None]))
    # The stay first: its row is the lock that two batches of one stay meet at.
    if not await stays.update(tx, stay, after):
        return Refusal.STAY_CHANGED
    if await store.insert(tx, stay, priced) < len(priced):
        return Refusal.LINE_NUMBER_USED
    await doubts.note(tx, _doubtful(scene, stay, lines, own))
    await write_log(tx, [scene.deed("add_lines", f"stay:{stay_id}", stay.state, after.state)])
    return Billed(after, priced)


async def _mapped(tx: Connection, stay: Stay, lines: Sequence[FeeLine]) -> Own:
    asked = {(line.own_code, line.charged_on) for line in lines if line.own_code is not None}
    if not asked:
        return {}
    return await mappings.in_force(tx, stay.pool_code, stay.institution_code, sorted(asked))


def _doubtful(scene: Scene, stay: Stay, lines: Sequence[FeeLine], own: Own) -> list[Doubt]:
    found = [
        {"line_number": line.line_number, "item_code": line.item_code, "mapped_to": mapped}
        for line in lines
        if (mapped := mapped_otherwise(line, own)) is not None
    ]
    if not found:
        return []
    return [
        Doubt(
            stay.pool_code, new_id(), stay.institution_code, stay.stay_id,
            DoubtKind.MAPPED_OTHERWISE, {"lines": found}, scene.now,
        )
    ]  # fmt: skip


async def _priced(
    tx: Connection, stay: Stay, lines: Sequence[FeeLine]
) -> list[ClassedLine] | Refusal:
    """Each line by the catalogue of its day; what returns another one as that one was classed."""
    asked = {(line.item_code, line.charged_on) for line in lines if line.returns is None}
    items = await catalogue.items(tx, stay.pool_code, stay.institution_code, list(asked))
    back = {line.returns for line in lines if line.returns is not None}
    left = await store.left(tx, stay, back) if back else {}
    priced = []
    for line in lines:
        if line.returns is None:
            one = classed(line, items.get((line.item_code, line.charged_on)))
            if line.line_number in back:
                left.setdefault(line.line_number, left_of(one))
        else:
            taken = returned(as_returned(line, left), left)
            if isinstance(taken, Refusal):
                return taken
            one, left[line.returns] = taken
        priced.append(one)
    return priced
