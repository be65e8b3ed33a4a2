"""Reverse a settlement with its adjustments: exact negatives of every part and leg, once."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.settlement.actions.decide_adjustment import withdraw
from services.settlement.actions.scene import Scene
from services.settlement.actions.undo_course import undo_course
from services.settlement.domain.adjustment import AdjustmentState, released_of, standing
from services.settlement.domain.deduction import CannotDeduct, Decision, refused
from services.settlement.domain.postings import Account, Leg, negated, summed
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import ClaimState, Settlement
from services.settlement.store import adjustments, ledger
from services.settlement.told.claim import claim_reversed, deduction_refused
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.outbox import tell
from shared.plumbing.repeats import Overtaken


async def reverse(tx: Connection, scene: Scene, settlement_id: UUID) -> Settlement | Refusal:
    """Undo a settlement and its released adjustments; those that wait are withdrawn, and what
    still waits to be deducted goes back to audit.

    Raises Overtaken when somebody else moved the claim at the same moment.
    """
    settlement = await ledger.find(tx, scene.pool_code, settlement_id)
    if settlement is None or settlement.institution_code != scene.institution_code:
        return Refusal.SETTLEMENT_UNKNOWN
    head = await ledger.claim_head(tx, scene.pool_code, settlement_id)
    if head is None or settlement.reverses is not None:
        return Refusal.SETTLEMENT_UNKNOWN
    state, sequence = head
    if state is ClaimState.REVERSED:
        return Refusal.ALREADY_REVERSED
    number = await ledger.move_claim(
        tx, scene.pool_code, settlement_id, after=sequence, to=ClaimState.REVERSED
    )
    if number is None:
        raise Overtaken
    beside = (await adjustments.of_claims(tx, scene.pool_code, [settlement_id])).get(
        settlement_id, []
    )
    stands = standing(settlement, released_of(beside))
    reversal = replace(
        settlement,
        settlement_id=new_id(),
        reverses=settlement_id,
        expenditure_item=stands.expenditure_item,
        shares=stands.shares.negated(),
        settled_at=scene.now,
        account_month=scene.today.replace(day=1),
        actor=scene.actor,
    )
    posted = await ledger.legs_of(tx, settlement.account_month, settlement_id)
    for released in released_of(beside):
        if released.account_month is not None:
            posted += await ledger.legs_of(tx, released.account_month, released.adjustment_id)
    legs = negated(summed(Leg(Account(account), amount) for account, amount in posted))
    rows = [(leg.account.value, leg.amount) for leg in legs]
    await ledger.insert_reversal(tx, reversal, rows, scene.institution_code)
    events = [claim_reversed(reversal, settlement_id, number, legs)]
    subject = f"claim:{settlement_id}"
    deeds = [scene.deed("reverse", subject, ClaimState.SETTLED, ClaimState.REVERSED)]
    withdrawn = await undo_course(tx, scene, settlement, reversal)
    events += withdrawn[0]
    deeds += withdrawn[1]
    for waiting in beside:
        if waiting.state is AdjustmentState.PROPOSED:
            deeds.append(await withdraw(tx, scene, waiting))
    for deduction in await ledger.cancel_deductions(tx, scene.pool_code, settlement_id):
        previous = number
        number = await ledger.move_claim(
            tx, scene.pool_code, settlement_id, after=previous, to=ClaimState.REVERSED
        )
        if number is None:
            raise Overtaken
        decision = Decision(
            deduction.flag_id, deduction.decision, settlement_id, deduction.pool_code,
            deduction.institution_code, deduction.amount,
        )  # fmt: skip
        told_back = refused(decision, CannotDeduct.REVERSED)
        events.append(deduction_refused(told_back, settlement_id, number, scene.now))
        subject = f"deduction:{deduction.flag_id}/{deduction.decision}"
        deeds.append(scene.deed("cancel_deduction", subject, "pending", "cancelled"))
    await tell(tx, events)
    await write_log(tx, deeds)
    return reversal
