"""What is told of a claim, from the decision to the event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.charged import StoredItems
from services.settlement.domain.deduction import Deduction, RefusedDeduction
from services.settlement.domain.particulars import stored_of, weeks_of
from services.settlement.domain.postings import Leg
from services.settlement.domain.settlement import Settlement, Shares
from services.settlement.domain.settling import Judged
from shared.contracts.claim import (
    ClaimAdjusted,
    ClaimReversed,
    ClaimSettled,
    DeductionRefused,
    DeductionReleased,
    DeductionTaken,
    Parts,
    Posting,
)
from shared.contracts.contract import Contract
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def claim_settled(
    settlement: Settlement, judged: Judged, items: StoredItems | None, legs: Sequence[Leg]
) -> Told:
    """A settlement was made: the first event of its claim. `items` goes in as it was kept."""
    outcome, person = judged.outcome, judged.person
    facts: dict[str, Any] = {
        "claim_id": str(settlement.settlement_id),
        "pool_code": settlement.pool_code,
        "county_code": settlement.county_code,
        "institution_code": settlement.institution_code,
        "institution_level": settlement.institution_level,
        "stay_id": str(settlement.stay_id),
        "person_ref": settlement.person_ref,
        "person_state_version": settlement.state_version,
        "pregnancy_id": str(settlement.pregnancy_id) if settlement.pregnancy_id else None,
        "benefit": settlement.benefit,
        "insurance_type": settlement.insurance_type,
        "expenditure_item": settlement.expenditure_item,
        "member_kind": settlement.member_kind,
        "mode": settlement.mode,
        "infants": settlement.infants,
        "admitted_on": settlement.admitted_on.isoformat(),
        "event_on": settlement.event_on.isoformat(),
        "discharged_on": settlement.discharged_on.isoformat(),
        "settled_at": to_wire(settlement.settled_at),
        "account_month": settlement.account_month.isoformat()[:7],
        "parts": _parts(settlement.shares),
        "line_count": settlement.line_count,
        "out_of_scope": judged.stay.cost.out_of_scope.to_wire(),
        "postings": _postings(legs),
        "book": settlement.book,
        "engine": settlement.engine,
        "particulars": stored_of(outcome.claimed, outcome.circumstances),
        "units": [
            {
                "unit": use.unit,
                "amount": use.amount.to_wire(),
                "used": use.used_after.to_wire(),
                "limit": use.limit.to_wire(),
            }
            for use in judged.uses
        ],
        "sex": person.sex,
        "age": person.age_on(outcome.event_on),
        "weeks": weeks_of(outcome.claimed),
        "diagnoses": outcome.diagnoses,
        "procedures": outcome.procedures,
        "items": orjson.Fragment(items.text) if items else None,
        "items_left_out": items.left_out if items else 0,
    }
    # Built from our own nouns, which hold every constraint: not checked again on the hot path.
    return _told(
        ClaimSettled, orjson.dumps(facts), settlement.settlement_id, 1, settlement.pool_code,
        settlement.settled_at,
    )  # fmt: skip


def claim_reversed(reversal: Settlement, of: UUID, sequence: int, legs: Sequence[Leg]) -> Told:
    """A settlement was undone."""
    event = ClaimReversed(
        claim_id=str(of),
        reversal_id=str(reversal.settlement_id),
        pool_code=reversal.pool_code,
        institution_code=reversal.institution_code,
        reversed_at=to_wire(reversal.settled_at),
        account_month=reversal.account_month.isoformat()[:7],
        parts=Parts(**_parts(reversal.shares)),
        postings=[Posting(**leg) for leg in _postings(legs)],
        book=reversal.book,
        engine=reversal.engine,
    )
    return _told(
        ClaimReversed, event.to_bytes(), of, sequence, reversal.pool_code,
        reversal.settled_at,
    )  # fmt: skip


def claim_adjusted(released: Adjustment, sequence: int, legs: Sequence[Leg]) -> Told:
    """What pricing again changed of a claim was released."""
    if released.decided_at is None or released.account_month is None:
        raise ValueError("only a released adjustment is told")
    event = ClaimAdjusted.model_validate(
        {
            "claim_id": str(released.settlement_id),
            "adjustment_id": str(released.adjustment_id),
            "pool_code": released.pool_code,
            "institution_code": released.institution_code,
            "cause": released.cause,
            "person_state_version": released.state_version,
            "expenditure_item": released.expenditure_item,
            "adjusted_at": to_wire(released.decided_at),
            "account_month": released.account_month.isoformat()[:7],
            "parts": _parts(released.shares),
            "postings": _postings(legs),
            "units": [
                {"unit": one.unit, "amount": one.amount.to_wire()} for one in released.corrections
            ],
            "book": released.book,
            "engine": released.engine,
        }
    )
    return _told(
        ClaimAdjusted, event.to_bytes(), released.settlement_id, sequence, released.pool_code,
        released.decided_at,
    )  # fmt: skip


def deduction_taken(deduction: Deduction, sequence: int) -> Told:
    """A decided amount waits for the next payment run."""
    event = DeductionTaken(
        claim_id=str(deduction.settlement_id),
        flag_id=deduction.flag_id,
        decision=deduction.decision,
        deduction_id=str(deduction.deduction_id),
        pool_code=deduction.pool_code,
        institution_code=deduction.institution_code,
        amount=deduction.amount.to_wire(),
        taken_at=to_wire(deduction.taken_at),
    )
    return _told(
        DeductionTaken, event.to_bytes(), deduction.settlement_id, sequence, deduction.pool_code,
        deduction.taken_at,
    )  # fmt: skip


def deduction_refused(refused: RefusedDeduction, claim: UUID, sequence: int, at: datetime) -> Told:
    """A decided amount cannot be deducted."""
    event = DeductionRefused.model_validate(
        {
            "claim_id": str(claim),
            "flag_id": refused.flag_id,
            "decision": refused.decision,
            "pool_code": refused.pool_code,
            "institution_code": refused.institution_code,
            "amount": refused.amount.to_wire(),
            "reason": refused.reason.value,
            "refused_at": to_wire(at),
        }
    )
    return _told(DeductionRefused, event.to_bytes(), claim, sequence, refused.pool_code, at)


def deduction_released(deduction: Deduction, released_by: int, sequence: int, at: datetime) -> Told:
    """What an earlier decision had taken is given back by a later one."""
    event = DeductionReleased(
        claim_id=str(deduction.settlement_id),
        flag_id=deduction.flag_id,
        decision=deduction.decision,
        released_by=released_by,
        deduction_id=str(deduction.deduction_id),
        pool_code=deduction.pool_code,
        institution_code=deduction.institution_code,
        amount=deduction.amount.to_wire(),
        released_at=to_wire(at),
    )
    return _told(
        DeductionReleased, event.to_bytes(), deduction.settlement_id, sequence,
        deduction.pool_code, at,
    )  # fmt: skip


def _told(
    contract: type[Contract], data: bytes, claim: UUID, sequence: int, pool: str, at: datetime
) -> Told:
    claim_id = str(claim)
    return Told(
        topic=contract.topic,
        type=contract.type,
        key=claim_id,
        aggregate_id=claim_id,
        sequence=sequence,
        pool_code=pool,
        at=at,
        data=data,
        source=f"/settlement/{pool}",
        subject=f"claims/{claim_id}",
        schema=contract.schema_path(),
    )


def _parts(shares: Shares) -> dict[str, str]:
    return {
        "total": shares.total.to_wire(),
        "fund": shares.fund.to_wire(),
        "member": shares.member.to_wire(),
        "member_account": shares.member_account.to_wire(),
        "member_cash": shares.member_cash.to_wire(),
        "institution": shares.institution.to_wire(),
        "other_fund": shares.other_fund.to_wire(),
        "desk_fund": shares.desk_fund.to_wire(),
        "desk_member": shares.desk_member.to_wire(),
    }


def _postings(legs: Sequence[Leg]) -> list[dict[str, str]]:
    return [{"account": leg.account.value, "amount": leg.amount.to_wire()} for leg in legs]
