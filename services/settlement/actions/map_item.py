"""Map a hospital's own code to the catalogue, review the mapping, revoke it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.mapping import Mapping, MappingState, brought_to
from services.settlement.domain.refusals import Refusal
from services.settlement.store import mappings
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log

_VERBS = {
    MappingState.APPROVED: "approve_mapping",
    MappingState.REJECTED: "reject_mapping",
    MappingState.REVOKED: "revoke_mapping",
}


async def propose_mapping(
    tx: Connection, scene: Scene, own_code: str, own_name: str, item_code: str,
    starts: date | None = None, ends: date | None = None,
) -> Mapping | Refusal:  # fmt: skip
    """One of the hospital's codes stands for an item from `starts`, else from today, until
    (exclusive) `ends`, once the agency approves it."""
    if ends is not None and ends <= (starts or scene.today):
        return Refusal.DATES_OUT_OF_ORDER
    if not await mappings.listed(tx, scene.pool_code, item_code, scene.today):
        return Refusal.ITEM_UNKNOWN
    one = Mapping(
        scene.pool_code, new_id(), scene.institution_code, own_code, own_name, item_code,
        MappingState.PROPOSED, scene.now, scene.now, starts or scene.today, ends,
    )  # fmt: skip
    if not await mappings.insert(tx, one):
        return Refusal.MAPPING_STANDS
    subject = f"item-mapping:{one.mapping_id}"
    await write_log(tx, [scene.deed("propose_mapping", subject, "", one.state)])
    return one


async def bring_mapping_to(
    tx: Connection, scene: Scene, mapping_id: UUID, state: MappingState
) -> Mapping | Refusal:
    """Approve or reject a mapping (the agency), or revoke one (its hospital)."""
    before = await mappings.find(tx, scene.pool_code, mapping_id)
    if before is None:
        return Refusal.MAPPING_UNKNOWN
    after = brought_to(before, state, scene.now, scene.today)
    if isinstance(after, Refusal):
        return after
    await mappings.change(tx, after)
    subject = f"item-mapping:{mapping_id}"
    await write_log(tx, [scene.deed(_VERBS[state], subject, before.state, after.state)])
    return after


async def revoke_code(
    tx: Connection, scene: Scene, own_code: str, item_code: str
) -> Mapping | Refusal:
    """Revoke what one of the hospital's codes is mapped to, waiting or approved; `item_code`, where
    given, must be what it is mapped to."""
    standing = await mappings.standing(tx, scene.pool_code, scene.institution_code, own_code)
    if standing is None or item_code not in ("", standing.item_code):
        return Refusal.MAPPING_UNKNOWN
    return await bring_mapping_to(tx, scene, standing.mapping_id, MappingState.REVOKED)
