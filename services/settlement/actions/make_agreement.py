"""Make an agreement with a hospital, and list an item in the catalogue."""

from __future__ import annotations

from datetime import date

from services.settlement.actions.scene import Scene
from services.settlement.domain.agreement import Agreement
from services.settlement.domain.line import CatalogueItem
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


async def list_item(
    tx: Connection, scene: Scene, item: CatalogueItem, name: str, start: date, end: date | None
) -> CatalogueItem | Refusal:
    """List an item for a period; two versions of one item never overlap."""
    made = await agreements.insert_item(
        tx,
        scene.pool_code,
        item.item_code,
        name,
        item.item_class,
        item.first_copay_rate,
        item.limit.fen if item.limit else None,
        start,
        end,
        scene.actor,
        scene.now,
    )
    if not made:
        return Refusal.ITEM_OVERLAPS
    subject = f"catalogue-item:{item.item_code}/{start}"
    await write_log(tx, [scene.deed("list_item", subject, "", "listed")])
    return item
