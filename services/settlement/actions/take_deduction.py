"""Take what audit's two reviewers decided: a pending deduction, or word back why not."""

from __future__ import annotations

from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import released_of, standing
from services.settlement.domain.deduction import Decision, Deduction, taken
from services.settlement.store import adjustments, ledger
from services.settlement.told.claim import deduction_refused, deduction_taken
from shared.ids import new_id
from shared.money import NOTHING
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.outbox import tell
from shared.plumbing.repeats import Overtaken


async def take_deduction(tx: Connection, scene: Scene, decision: Decision) -> None:
    """Make a decision's deduction. Raises Overtaken when the claim moved at the same moment."""
    claim_id = decision.claim_id
    settlement = await ledger.find(tx, decision.pool_code, claim_id)
    head = await ledger.claim_head(tx, decision.pool_code, claim_id)
    beside = await adjustments.of_claims(tx, decision.pool_code, [claim_id])
    stands = standing(settlement, released_of(beside.get(claim_id, ()))) if settlement else None
    outcome = taken(
        decision,
        head[0] if head else None,
        stands.shares.fund if stands else NOTHING,
        await ledger.deducted_so_far(tx, decision.pool_code, claim_id),
        new_id(),
        scene.now,
    )
    number: int | None = 1
    if head:
        state, sequence = head
        number = await ledger.move_claim(tx, decision.pool_code, claim_id, after=sequence, to=state)
    if number is None:
        raise Overtaken
    if isinstance(outcome, Deduction):
        await ledger.insert_deduction(tx, outcome)
        event, to_state = deduction_taken(outcome, number), "pending"
    else:
        event = deduction_refused(outcome, claim_id, number, scene.now)
        to_state = "refused"
    await tell(tx, [event])
    subject = f"deduction:{decision.flag_id}/{decision.decision}"
    await write_log(tx, [scene.deed("take_deduction", subject, "", to_state)])
