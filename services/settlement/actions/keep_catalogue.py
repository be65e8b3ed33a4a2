"""Keep the catalogue: list an item, end one, import a file of them by two people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.catalogue import Listing
from services.settlement.domain.refusals import Refusal
from services.settlement.store import catalogue
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log

_BATCH = 2000


async def list_item(tx: Connection, scene: Scene, one: Listing) -> Listing | Refusal:
    """List an item for a period; two versions of one item never overlap."""
    revision = 1 + await catalogue.lock(tx, scene.pool_code)
    made = await catalogue.insert_listing(
        tx, scene.pool_code, one, revision, scene.actor, scene.now
    )
    if not made:
        return Refusal.ITEM_OVERLAPS
    subject = f"catalogue-item:{one.item_code}/{one.start}"
    await write_log(tx, [scene.deed("list_item", subject, "", "listed")])
    return one


async def end_item(tx: Connection, scene: Scene, item_code: str, end: date) -> date | Refusal:
    """End the version that is in force on the day before `end`; lines that were classed by it stay
    as they are. Returns its first day."""
    revision = 1 + await catalogue.lock(tx, scene.pool_code)
    start = await catalogue.end_listing(
        tx, scene.pool_code, item_code, end, revision, scene.now
    )  # fmt: skip
    if start is None:
        return Refusal.ITEM_UNKNOWN
    subject = f"catalogue-item:{item_code}/{start}"
    await write_log(tx, [scene.deed("end_item", subject, "listed", f"until {end}")])
    return start


async def propose_import(
    tx: Connection, scene: Scene, listings: Sequence[Listing], file_hash: str,
    done: Callable[[int], None],
) -> UUID:  # fmt: skip
    """Keep a checked file for another person to approve; `done` hears how many rows are kept."""
    proposed = catalogue.Import(
        new_id(), len(listings), "proposed", scene.actor, scene.now, file_hash
    )
    await catalogue.propose(tx, scene.pool_code, proposed)
    for first in range(0, len(listings), _BATCH):
        batch = listings[first : first + _BATCH]
        await catalogue.propose_rows(
            tx, scene.pool_code, proposed.import_id, first + 1, batch
        )  # fmt: skip
        done(len(batch))
    subject = f"catalogue-import:{proposed.import_id}"
    await write_log(tx, [scene.deed("propose_import", subject, "", "proposed")])
    return proposed.import_id


async def approve_import(
    tx: Connection, scene: Scene, import_id: UUID
) -> catalogue.Import | Refusal:
    """Put a proposed file in force, all of it or nothing."""
    proposed = await _waiting(tx, scene, import_id)
    if isinstance(proposed, Refusal):
        return proposed
    revision = await catalogue.lock(tx, scene.pool_code)
    if not await catalogue.take_import(tx, scene.pool_code, proposed, revision, scene.now):
        return Refusal.ITEM_OVERLAPS
    await _decide(tx, scene, import_id, "approved")
    return proposed


async def reject_import(
    tx: Connection, scene: Scene, import_id: UUID
) -> catalogue.Import | Refusal:
    """Put a proposed file aside."""
    proposed = await _waiting(tx, scene, import_id)
    if isinstance(proposed, Refusal):
        return proposed
    await _decide(tx, scene, import_id, "rejected")
    return proposed


async def _waiting(tx: Connection, scene: Scene, import_id: UUID) -> catalogue.Import | Refusal:
    proposed = await catalogue.find_import(tx, scene.pool_code, import_id)
    if proposed is None or proposed.state != "proposed":
        return Refusal.IMPORT_UNKNOWN
    if proposed.proposed_by == scene.actor:
        return Refusal.SECOND_PERSON_NEEDED
    return proposed


async def _decide(tx: Connection, scene: Scene, import_id: UUID, state: str) -> None:
    await catalogue.decide_import(
        tx, scene.pool_code, import_id, state, scene.actor, scene.now
    )  # fmt: skip
    verb = "approve_import" if state == "approved" else "reject_import"
    subject = f"catalogue-import:{import_id}"
    await write_log(tx, [scene.deed(verb, subject, "proposed", state)])
