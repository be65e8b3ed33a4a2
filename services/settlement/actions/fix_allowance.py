"""Fix the amount of an allowance: counted from the base that a clerk states."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import case_again
from services.settlement.domain.allowance import Base
from services.settlement.domain.entitled import Entitlement, EntitlementKind
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.revision import fixed
from services.settlement.store import entitlements, ledger, person_states, stays
from services.settlement.told.allowance import allowance_fixed
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.outbox import tell
from shared.policy.book import Book


async def fix_allowance(
    tx: Connection, scene: Scene, entitlement_id: UUID, base: Base, book: Book
) -> Entitlement | Refusal:
    """Count an open allowance by the book in force and the person's state as it is known now."""
    found = await entitlements.find(tx, scene.pool_code, entitlement_id)
    if found is None or found.kind is not EntitlementKind.ALLOWANCE:
        return Refusal.ENTITLEMENT_UNKNOWN
    if not found.may_be_fixed:
        return Refusal.ENTITLEMENT_NOT_OPEN
    after = await _counted(tx, scene, found, base, book)
    if isinstance(after, Refusal):
        return after
    if not await entitlements.change(tx, found, after):
        return Refusal.ENTITLEMENT_CHANGED
    await tell(tx, [allowance_fixed(after, scene.now)])
    subject = f"entitlement:{entitlement_id}"
    await write_log(tx, [scene.deed("fix_allowance", subject, found.state, after.state)])
    return after


async def _counted(
    tx: Connection, scene: Scene, found: Entitlement, base: Base, book: Book
) -> Entitlement | Refusal:
    settlement = await ledger.find(tx, scene.pool_code, found.settlement_id)
    person = await person_states.find(tx, found.person_ref)
    if settlement is None:
        return Refusal.SETTLEMENT_UNKNOWN
    if person is None:
        return Refusal.PERSON_UNKNOWN
    stay = await stays.find(tx, scene.pool_code, settlement.institution_code, settlement.stay_id)
    if stay is None:
        return Refusal.STAY_UNKNOWN
    case = case_again(
        stay, settlement.institution_level, person, book, scene.today,
        business_day(settlement.settled_at),
    )  # fmt: skip
    if case is None:
        return Refusal.PERSON_NOT_OF_POOL
    after = fixed(found, case, base, book)
    return after.refusal if isinstance(after, Refused) else after
