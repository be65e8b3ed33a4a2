"""Heard from audit: what two people decided."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.actions.take_deduction import give_back, take_deduction
from services.settlement.domain.deduction import Decision, Kind
from shared.contracts.contract import Unreadable
from shared.contracts.flag import FlagDecided
from shared.money import Money
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.inbox import Handle

TOPIC = FlagDecided.topic


def handler(clock: Clock) -> Handle:
    """Take each decision on a claim, in order; one on a channel costs nothing here."""

    async def handle(tx: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.type != FlagDecided.type:
                continue
            told = _decided(event)
            decision = _decision(told)
            if decision is None:
                continue
            scene = Scene(
                pool_code=told.pool_code,
                institution_code="",
                actor="audit",
                request_id=str(event.id),
                now=clock.now(),
            )
            if told.outcome == "dismiss":
                await give_back(tx, scene, decision)
            else:
                await take_deduction(tx, scene, decision)

    return handle


def _decision(told: FlagDecided) -> Decision | None:
    if told.claim_id is None:
        return None
    return Decision(
        flag_id=told.flag_id,
        decision=told.decision,
        claim_id=UUID(told.claim_id),
        pool_code=told.pool_code,
        institution_code=told.institution_code,
        amount=Money.from_wire(told.amount),
        kind=Kind.RECOVER if told.outcome == "recover" else Kind.DEDUCT,
    )


def _decided(event: Event) -> FlagDecided:
    try:
        decided = FlagDecided.from_bytes(event.record.data)
        if decided.claim_id is not None:
            UUID(decided.claim_id)
    except (Unreadable, ValueError) as error:
        raise Undecodable(event.type) from error
    return decided
