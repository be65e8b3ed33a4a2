"""Decide on a proposed adjustment: another person than its proposer releases or rejects it, or
something that overtook it takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.settlement.actions.correct_units import correct_units
from services.settlement.actions.revise_entitlements import revise_entitlements
from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import (
    Adjustment,
    AdjustmentState,
    decided,
    legs_between,
    may_be_decided,
    may_be_released,
    released_of,
    standing,
)
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import ClaimState
from services.settlement.store import adjustments, ledger
from services.settlement.told.claim import claim_adjusted
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log
from shared.plumbing.outbox import tell
from shared.plumbing.repeats import Overtaken


async def release_adjustment(
    tx: Connection, scene: Scene, adjustment_id: UUID
) -> Adjustment | Refusal:
    """Post an adjustment as rows of its own, and tell of it as the claim's next event.

    The adjustments of one pregnancy's visits rest on each other, and are released together. What
    was proposed by itself waits on, endorsed, for another person: it is returned as it was.
    Raises Overtaken when somebody else moved one of the claims at the same moment.
    """
    proposed = await adjustments.find(tx, scene.pool_code, adjustment_id)
    if proposed is None:
        return Refusal.ADJUSTMENT_UNKNOWN
    if proposed.state is not AdjustmentState.PROPOSED:
        return Refusal.ADJUSTMENT_DECIDED
    done: Adjustment | Refusal = Refusal.ADJUSTMENT_DECIDED
    together = await adjustments.waiting_with(tx, proposed)
    if any(one.needs_endorsement for one in together):
        return await _endorse(tx, scene, proposed, together)
    for one in together:
        released = await _release(tx, scene, one)
        if isinstance(released, Refusal):
            return released
        if one.adjustment_id == adjustment_id:
            done = released
    outdated = await correct_units(tx, scene, together)
    return outdated if outdated is not None else done


async def _endorse(
    tx: Connection, scene: Scene, proposed: Adjustment, together: Sequence[Adjustment]
) -> Adjustment | Refusal:
    for one in together:
        if one.needs_endorsement:
            if not await adjustments.endorse(tx, one, scene.actor):
                raise Overtaken
            subject = f"adjustment:{one.adjustment_id}"
            deed = scene.deed("endorse_adjustment", subject, one.state, one.state)
            await write_log(tx, [deed])
    return replace(proposed, endorsed_by=scene.actor)


async def _release(tx: Connection, scene: Scene, proposed: Adjustment) -> Adjustment | Refusal:
    claim_id = proposed.settlement_id
    settlement = await ledger.find(tx, scene.pool_code, claim_id)
    head = await ledger.claim_head(tx, scene.pool_code, claim_id)
    if settlement is None or head is None:
        return Refusal.ADJUSTMENT_UNKNOWN
    beside = (await adjustments.of_claims(tx, scene.pool_code, [claim_id]))[claim_id]
    stands = standing(settlement, released_of(beside))
    deducted = await ledger.deducted_so_far(tx, scene.pool_code, claim_id)
    reason = may_be_released(proposed, scene.actor, stands, deducted)
    if reason is not None:
        return reason
    state, sequence = head
    number = await ledger.move_claim(
        tx, scene.pool_code, claim_id, after=sequence, to=ClaimState.SETTLED
    )
    if number is None or state is not ClaimState.SETTLED:
        raise Overtaken
    released = decided(
        proposed, AdjustmentState.RELEASED, scene.actor, scene.now, scene.today.replace(day=1)
    )
    if not await adjustments.decide(tx, released):
        raise Overtaken
    legs = legs_between(stands, stands.with_(released))
    await adjustments.post(tx, released, [(leg.account.value, leg.amount) for leg in legs])
    await tell(tx, [claim_adjusted(released, number, legs)])
    await write_log(tx, [_deed(scene, "release_adjustment", released)])
    outdated = await revise_entitlements(tx, scene, released, settlement)
    return outdated if outdated is not None else released


async def reject_adjustment(
    tx: Connection, scene: Scene, adjustment_id: UUID
) -> Adjustment | Refusal:
    """Let the settlement stand; of a visit, all visits of its pregnancy. Raises Overtaken when
    somebody else decided at the same moment."""
    proposed = await adjustments.find(tx, scene.pool_code, adjustment_id)
    if proposed is None:
        return Refusal.ADJUSTMENT_UNKNOWN
    if proposed.state is not AdjustmentState.PROPOSED:
        return Refusal.ADJUSTMENT_DECIDED
    done: Adjustment | Refusal = Refusal.ADJUSTMENT_DECIDED
    for one in await adjustments.waiting_with(tx, proposed):
        reason = may_be_decided(one, scene.actor)
        if reason is not None:
            return reason
        rejected = decided(one, AdjustmentState.REJECTED, scene.actor, scene.now, None)
        if not await adjustments.decide(tx, rejected):
            raise Overtaken
        await write_log(tx, [_deed(scene, "reject_adjustment", rejected)])
        if one.adjustment_id == adjustment_id:
            done = rejected
    return done


async def withdraw(tx: Connection, scene: Scene, proposed: Adjustment) -> Deed:
    """Take a proposal back that something else overtook. Raises Overtaken if it is decided."""
    withdrawn = decided(proposed, AdjustmentState.WITHDRAWN, scene.actor, scene.now, None)
    if not await adjustments.decide(tx, withdrawn):
        raise Overtaken
    return _deed(scene, "withdraw_adjustment", withdrawn)


def _deed(scene: Scene, action: str, decided: Adjustment) -> Deed:
    subject = f"adjustment:{decided.adjustment_id}"
    return scene.deed(action, subject, AdjustmentState.PROPOSED, decided.state)
