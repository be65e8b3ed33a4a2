"""Revise what a settlement entitles to, as a released adjustment of it says."""

from __future__ import annotations

from dataclasses import replace

from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.entitled import Entitlement, EntitlementState
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.revision import Revision, opened, sum_of
from services.settlement.domain.settlement import Settlement
from services.settlement.store import entitlements
from services.settlement.told.allowance import allowance_opened, allowance_revised
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.outbox import tell
from shared.plumbing.repeats import Overtaken


async def revise_entitlements(
    tx: Connection, scene: Scene, released: Adjustment, settlement: Settlement
) -> Refusal | None:
    """Write each revision as a row of its own, with its event; refused where an entitlement is no
    longer what the adjustment rests on. Raises Overtaken when one changed at the same moment."""
    claim = settlement.settlement_id
    known = (await entitlements.of_settlements(tx, scene.pool_code, [claim])).get(claim, [])
    for revision in released.revisions:
        before = next((one for one in known if one.kind is revision.kind), None)
        if (None if before is None else sum_of(before)) != revision.before:
            return Refusal.ADJUSTMENT_OUTDATED
        if before is None:
            after = opened(
                revision, settlement, new_id(), released.book, released.engine, scene.now
            )
            await entitlements.insert(tx, after)
            told, action, state = allowance_opened(after, scene.now), "open_entitlement", ""
        else:
            after = _revised(before, revision, released)
            if not await entitlements.change(tx, before, after):
                raise Overtaken
            told = allowance_revised(after, released, scene.now)
            action, state = "revise_entitlement", before.state
        await entitlements.insert_revision(tx, after, released.adjustment_id, revision, scene.now)
        await tell(tx, [told])
        subject = f"entitlement:{after.entitlement_id}"
        await write_log(tx, [scene.deed(action, subject, state, after.state)])
    return None


def _revised(before: Entitlement, revision: Revision, released: Adjustment) -> Entitlement:
    after = revision.after
    if after.state is EntitlementState.WITHDRAWN:
        return replace(before, state=after.state, version=before.version + 1)
    return replace(
        before,
        days=after.days,
        amount=after.amount,
        state=after.state,
        until=after.until,
        payee=after.payee,
        steps=revision.steps,
        rates=revision.rates,
        book=released.book,
        engine=released.engine,
        version=before.version + 1,
    )
