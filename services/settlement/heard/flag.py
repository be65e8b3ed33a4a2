"""Heard from audit: what two reviewers decided."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.actions.take_deduction import take_deduction
from services.settlement.domain.deduction import Decision
from shared.contracts.contract import Unreadable
from shared.contracts.flag import FlagDecided
from shared.money import Money
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.inbox import Handle

TOPIC = FlagDecided.topic


def handler(clock: Clock) -> Handle:
    """Take each decision to deduct, in order."""

    async def handle(tx: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.type != FlagDecided.type:
                continue
            decided = _decided(event)
            if decided.outcome != "deduct":
                continue
            scene = Scene(
                pool_code=decided.pool_code,
                institution_code="",
                actor="audit",
                request_id=str(event.id),
                now=clock.now(),
            )
            await take_deduction(
                tx,
                scene,
                Decision(
                    flag_id=decided.flag_id,
                    decision=decided.decision,
                    claim_id=UUID(decided.claim_id),
                    pool_code=decided.pool_code,
                    institution_code=decided.institution_code,
                    amount=Money.from_wire(decided.amount),
                ),
            )

    return handle


def _decided(event: Event) -> FlagDecided:
    try:
        decided = FlagDecided.from_bytes(event.record.data)
        UUID(decided.claim_id)
    except (Unreadable, ValueError) as error:
        raise Undecodable(event.type) from error
    return decided
