"""Take the settlement list of a settlement that stands."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.doubt import Doubt
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import ClaimState
from services.settlement.domain.settlement_list import ABOUT_LISTS, SettlementList, departures
from services.settlement.store import doubts, ledger, periods, settlement_lists, stays
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def take_settlement_list(
    tx: Connection, scene: Scene, stay_id: UUID, settlement_id: UUID, told: SettlementList
) -> int | Refusal:
    """Keep a list in place of the one before, until the settlement is undone or its month closed;
    returns the list's number. Where it departs from what was settled, that is noted as a doubt."""
    settlement = await ledger.find(tx, scene.pool_code, settlement_id)
    if settlement is None or settlement.stay_id != stay_id or settlement.reverses is not None:
        return Refusal.SETTLEMENT_UNKNOWN
    head = await ledger.claim_head(tx, scene.pool_code, settlement_id)
    if head is None or head[0] is ClaimState.REVERSED:
        return Refusal.ALREADY_REVERSED
    if await periods.is_closed(tx, scene.pool_code, settlement.account_month):
        return Refusal.PERIOD_CLOSED
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None or stay.outcome is None:
        return Refusal.STAY_UNKNOWN
    number = await settlement_lists.put(tx, settlement, told.stored(), scene.now)
    await doubts.forget(tx, scene.pool_code, stay_id, ABOUT_LISTS)
    noted = [
        Doubt(
            scene.pool_code, new_id(), scene.institution_code, stay_id, kind, found, scene.now
        )
        for kind, found in departures(told, settlement, stay.outcome)
    ]  # fmt: skip
    await doubts.note(tx, noted)
    deed = scene.deed("take_settlement_list", f"settlement-list:{number}", "", "told")
    await write_log(tx, [deed])
    return number
