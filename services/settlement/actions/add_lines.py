"""Add fee lines to an open stay, each classed by the catalogue of its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.cost import sum_of
from services.settlement.domain.doubt import Doubt, DoubtKind
from services.settlement.domain.line import CatalogueItem, ClassedLine, FeeLine, classed
from services.settlement.domain.mapping import Own, mapped_otherwise, read_by
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, less_cost, with_cost
from services.settlement.domain.undoing import Left, as_returned, left_of, returned
from services.settlement.store import catalogue, doubts, mappings, stays
from services.settlement.store import lines as store
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


class Billed(NamedTuple):
    """A stay with the lines that were just added to it, in the order of their upload."""

    stay: Stay
    lines: Sequence[ClassedLine]


class Known(NamedTuple):
    """What lines are classed by: the catalogue's items by (code, day), the hospital's mappings."""

    items: Mapping[tuple[str, date], CatalogueItem]
    own: Own


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
    known = await known_of(tx, scene, lines)
    back = {line.returns for line in lines if line.returns is not None}
    left = await store.left(tx, stay, back) if back else {}
    found = billed(scene, stay, lines, known, left)
    if isinstance(found, Refusal):
        return found
    # The stay first: its row is the lock that two batches of one stay meet at.
    if not await stays.update(tx, stay, found.stay):
        return Refusal.STAY_CHANGED
    if await store.insert(tx, [(stay, found.lines)]) < len(lines):
        return Refusal.LINE_NUMBER_USED
    await doubts.note(tx, doubtful(scene, stay, lines, known.own))
    await write_log(tx, [logged(scene, stay)])
    return found


async def known_of(tx: Connection, scene: Scene, lines: Sequence[FeeLine]) -> Known:
    """What is known of the items and codes that the lines name, on their days."""
    coded = {(line.own_code, line.charged_on) for line in lines if line.own_code is not None}
    own = await mappings.in_force(
        tx, scene.pool_code, scene.institution_code, sorted(coded)
    ) if coded else {}  # fmt: skip
    read = [read_by(line, own) for line in lines if line.returns is None]
    named = {(line.item_code, line.charged_on) for line in read}
    items = await catalogue.items(tx, scene.pool_code, scene.institution_code, list(named))
    return Known(items, own)


def billed(
    scene: Scene, stay: Stay, lines: Sequence[FeeLine], known: Known, left: dict[int, Left]
) -> Billed | Refusal:
    """The stay with the lines on its bill; `left` is what is left of those that they return."""
    if len({line.line_number for line in lines}) != len(lines):
        return Refusal.LINE_NUMBER_USED
    if any(line.charged_on > scene.today for line in lines):
        return Refusal.DATES_OUT_OF_ORDER
    priced = _priced([read_by(line, known.own) for line in lines], known.items, left)
    if isinstance(priced, Refusal):
        return priced
    charged = with_cost(
        stay, sum_of([c.cost for c in priced if c.line.returns is None]), len(priced)
    )
    if isinstance(charged, Refusal):
        return charged
    returned = sum_of([c.cost for c in priced if c.line.returns is not None])
    return Billed(less_cost(charged, returned), priced)


def _priced(
    lines: Sequence[FeeLine], items: Mapping[tuple[str, date], CatalogueItem], left: dict[int, Left]
) -> list[ClassedLine] | Refusal:
    """Each line by the catalogue of its day; what returns another one as that one was classed."""
    back = {line.returns for line in lines if line.returns is not None}
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


def doubtful(scene: Scene, stay: Stay, lines: Sequence[FeeLine], own: Own) -> list[Doubt]:
    """What may be wrong with the lines of a stay, though they are taken."""
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


def logged(scene: Scene, stay: Stay) -> Deed:
    """What the log says of it."""
    return scene.deed("add_lines", f"stay:{stay.stay_id}", stay.state, stay.state)
