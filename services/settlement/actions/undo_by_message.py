"""Undo what a message did (2601), for a sender that never saw its answer."""

from __future__ import annotations

from uuid import UUID

from services.settlement.actions.reverse import reverse
from services.settlement.actions.scene import Scene
from services.settlement.domain.refusals import Refusal
from services.settlement.store import ledger
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.repeats import Answer, Ask, keep, kept_with

WITHDRAWN = b"withdrawn"
"""Stands where a message's hash would: the message is not to be worked on, should it arrive."""


async def undo_settlement(
    tx: Connection, scene: Scene, message: Ask, person_ref: str
) -> UUID | Refusal:
    """Reverse what a settling message made; returns the reversal's id, where there is nothing to
    reverse any more, or not yet, an id of nothing.

    A message that has not arrived is withdrawn: it will be refused. Raises Overtaken as `reverse`
    does, and asyncpg.UniqueViolationError when the message arrives at this very moment.
    """
    settlement_id = await made_by(tx, scene, message)
    if settlement_id is None:
        return new_id()
    settlement = await ledger.find(tx, scene.pool_code, settlement_id)
    if settlement is None or settlement.person_ref != person_ref:
        return Refusal.SETTLEMENT_UNKNOWN
    undone = await reverse(tx, scene, settlement_id)
    if undone is Refusal.ALREADY_REVERSED:
        return new_id()
    return undone if isinstance(undone, Refusal) else undone.settlement_id


async def made_by(tx: Connection, scene: Scene, message: Ask) -> UUID | None:
    """What a message made, None for one that has not arrived: it is withdrawn, and will be refused.

    Raises asyncpg.UniqueViolationError when the message arrives at this very moment.
    """
    kept = await kept_with(tx, message)
    if kept is None:
        withdrawn = Ask(
            message.pool_code, message.caller, message.operation, message.key, WITHDRAWN
        )
        await keep(tx, withdrawn, Answer(200, b""), new_id(), scene.now)
        return None
    body_hash, object_id = kept
    return None if body_hash == WITHDRAWN else object_id
