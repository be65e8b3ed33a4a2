"""Take what audit's people decided: a pending deduction, or word back why not.

The latest decision on a flag is the one that stands: what an earlier one had taken, and what no
payment run has deducted yet, is given back first.
"""

from __future__ import annotations

from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import released_of, standing
from services.settlement.domain.deduction import Decision, Deduction, taken
from services.settlement.domain.settlement import ClaimState
from services.settlement.store import adjustments, ledger
from services.settlement.told.claim import (
    deduction_refused,
    deduction_released,
    deduction_taken,
)
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
    head = await _release(tx, scene, decision, head)
    outcome = taken(
        decision,
        head[0] if head else None,
        stands.shares.fund if stands else NOTHING,
        await ledger.deducted_so_far(tx, decision.pool_code, claim_id),
        new_id(),
        scene.now,
    )
    number = await _moved(tx, decision, head)
    if isinstance(outcome, Deduction):
        await ledger.insert_deduction(tx, outcome)
        event, to_state = deduction_taken(outcome, number), "pending"
    else:
        event = deduction_refused(outcome, claim_id, number, scene.now)
        to_state = "refused"
    await tell(tx, [event])
    subject = f"deduction:{decision.flag_id}/{decision.decision}"
    await write_log(tx, [scene.deed("take_deduction", subject, "", to_state)])


async def give_back(tx: Connection, scene: Scene, decision: Decision) -> None:
    """Release what waits to be deducted by earlier decisions on the flag, and tell it.

    Nothing waits where it was cancelled by a reversal, which told so. Raises Overtaken.
    """
    head = await ledger.claim_head(tx, decision.pool_code, decision.claim_id)
    await _release(tx, scene, decision, head)


Head = tuple[ClaimState, int]
"""A claim's state, and the number of its latest event."""


async def _release(
    tx: Connection, scene: Scene, decision: Decision, head: Head | None
) -> Head | None:
    for earlier in await ledger.release_deductions(
        tx, decision.pool_code, decision.flag_id, decision.decision
    ):
        number = await _moved(tx, decision, head)
        head = (head[0], number) if head else None
        await tell(tx, [deduction_released(earlier, decision.decision, number, scene.now)])
        subject = f"deduction:{earlier.flag_id}/{earlier.decision}"
        await write_log(tx, [scene.deed("release_deduction", subject, "pending", "released")])
    return head


async def _moved(tx: Connection, decision: Decision, head: Head | None) -> int:
    """The number of the claim's next event, if nobody else moved it since its head was read; 1 of
    a claim that is not known here. Raises Overtaken."""
    if head is None:
        return 1
    number = await ledger.move_claim(
        tx, decision.pool_code, decision.claim_id, after=head[1], to=head[0]
    )
    if number is None:
        raise Overtaken
    return number
