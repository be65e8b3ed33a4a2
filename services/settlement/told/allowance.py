"""What is told of an entitlement: opened, fixed, revised, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.entitled import Entitlement, EntitlementState
from shared.contracts.allowance import (
    AllowanceFixed,
    AllowanceOpened,
    AllowanceRevised,
    AllowanceWithdrawn,
)
from shared.contracts.contract import Contract
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def allowance_opened(one: Entitlement, at: datetime) -> Told:
    """A settlement opened it: the first event of the entitlement."""
    facts = {
        "entitlement_id": str(one.entitlement_id),
        "kind": one.kind.value,
        "pool_code": one.pool_code,
        "person_ref": one.person_ref,
        "pregnancy_id": str(one.pregnancy_id) if one.pregnancy_id else None,
        "claim_id": str(one.settlement_id),
        "event": one.event,
        "days": one.days,
        "amount": one.amount.to_wire() if one.amount is not None else None,
        "state": one.state.value,
        "until": one.until,
        "payee": one.payee,
        "opened_at": to_wire(one.opened_at),
        "book": one.book,
        "engine": one.engine,
    }
    # Built from our own nouns: not checked again on the hot path.
    return _told(AllowanceOpened, facts, one, 1, at)


def allowance_fixed(one: Entitlement, at: datetime) -> Told:
    """Its amount was counted; `one` is the entitlement as it stands since."""
    facts = {
        "entitlement_id": str(one.entitlement_id),
        "pool_code": one.pool_code,
        "claim_id": str(one.settlement_id),
        "state": one.state.value,
        "days": one.days,
        "amount": one.amount.to_wire() if one.amount is not None else None,
        "until": one.until,
        "payee": one.payee,
        "fixed_at": to_wire(at),
        "book": one.book,
        "engine": one.engine,
    }
    return _told(AllowanceFixed, facts, one, one.version, at)


def allowance_revised(one: Entitlement, adjustment: Adjustment, at: datetime) -> Told:
    """What pricing again changed of it; `one` is the entitlement as it stands since."""
    gone = one.state is EntitlementState.WITHDRAWN
    facts = {
        "entitlement_id": str(one.entitlement_id),
        "kind": one.kind.value,
        "pool_code": one.pool_code,
        "claim_id": str(one.settlement_id),
        "adjustment_id": str(adjustment.adjustment_id),
        "cause": adjustment.cause,
        "state": one.state.value,
        "days": None if gone else one.days,
        "amount": None if gone or one.amount is None else one.amount.to_wire(),
        "until": None if gone else one.until,
        "payee": None if gone else one.payee,
        "revised_at": to_wire(at),
        "book": adjustment.book,
        "engine": adjustment.engine,
    }
    return _told(AllowanceRevised, facts, one, one.version, at)


def allowance_withdrawn(one: Entitlement, at: datetime) -> Told:
    """Its settlement was reversed; `one` is the entitlement as it stands since."""
    facts = {
        "entitlement_id": str(one.entitlement_id),
        "pool_code": one.pool_code,
        "claim_id": str(one.settlement_id),
        "withdrawn_at": to_wire(at),
    }
    return _told(AllowanceWithdrawn, facts, one, one.version, at)


def _told(
    contract: type[Contract], facts: dict[str, Any], one: Entitlement, sequence: int, at: datetime
) -> Told:
    entitlement_id = str(one.entitlement_id)
    return Told(
        topic=contract.topic,
        type=contract.type,
        key=entitlement_id,
        aggregate_id=entitlement_id,
        sequence=sequence,
        pool_code=one.pool_code,
        at=at,
        data=orjson.dumps(facts),
        source=f"/settlement/{one.pool_code}",
        subject=f"entitlements/{entitlement_id}",
        schema=contract.schema_path(),
    )
