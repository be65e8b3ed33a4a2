"""Claims, findings and flags as reviewers read them."""

from __future__ import annotations

from typing import Any

from services.audit.domain.claim import Claim, Parts
from services.audit.domain.flag import Flag, FlagState
from services.audit.domain.peers import Peers, Places, year_before
from services.audit.store.findings import Judgement
from services.audit.store.flags import Step
from shared.plumbing.clock import to_wire


def flag_shape(flag: Flag) -> dict[str, Any]:
    """A flag in a list. `outcome` and `amount` are proposed until the state is `decided`."""
    proposal = flag.proposal
    return {
        "flag_id": str(flag.flag_id),
        "claim_id": str(flag.claim_id),
        "institution_code": flag.institution_code,
        "rule_family": flag.rule_family,
        "grade": flag.grade,
        "amount_at_risk": flag.at_risk.to_wire(),
        "state": flag.state,
        "outcome": proposal.outcome if proposal else None,
        "amount": proposal.amount.to_wire() if proposal else None,
        "decision": flag.decision,
        "deduction": flag.deduction,
        "raised_at": to_wire(flag.raised_at),
        "version": flag.version,
    }


def next_steps(flag: Flag) -> list[str]:
    """Which review addresses take the flag as it is."""
    return {
        FlagState.OPEN: ["first-review"],
        FlagState.FIRST_REVIEWED: ["second-review"],
    }.get(flag.state, [])


def claim_shape(claim: Claim) -> dict[str, Any]:
    """A claim as audit sees it."""
    return {
        "claim_id": str(claim.claim_id),
        "status": claim.status,
        "version": claim.version,
        "pool_code": claim.pool_code,
        "county_code": claim.county_code,
        "institution_code": claim.institution_code,
        "institution_level": claim.institution_level,
        "stay_id": claim.stay_id,
        "person_ref": claim.person_ref,
        "pregnancy_id": claim.pregnancy_id,
        "benefit": claim.benefit,
        "insurance_type": claim.insurance_type,
        "expenditure_item": claim.expenditure_item,
        "member_kind": claim.member_kind,
        "mode": claim.mode,
        "infants": claim.infants,
        "admitted_on": claim.admitted_on.isoformat(),
        "event_on": claim.event_on.isoformat(),
        "discharged_on": claim.discharged_on.isoformat(),
        "settled_at": to_wire(claim.settled_at),
        "reversed_at": to_wire(claim.reversed_at) if claim.reversed_at else None,
        "account_month": claim.account_month,
        "parts": {
            name: getattr(claim.parts, name).to_wire() for name in Parts.__dataclass_fields__
        },
        "out_of_scope": claim.out_of_scope.to_wire(),
        "line_count": claim.line_count,
        "book": claim.book,
        "engine": claim.engine,
    }


def judgement_shape(judgement: Judgement) -> dict[str, Any]:
    """By which rules a claim was judged, and when."""
    return {"rule_set": judgement.rule_set, "judged_at": to_wire(judgement.judged_at)}


def step_shape(step: Step) -> dict[str, Any]:
    """An entry of a flag's history."""
    return {
        "number": step.number,
        "step": step.step,
        "by": step.by,
        "at": to_wire(step.at),
        "reason": step.reason,
        "amount": step.amount.to_wire() if step.amount is not None else None,
        "from_state": step.from_state,
        "to_state": step.to_state,
    }


def peers_shape(claim: Claim, peers: Peers) -> dict[str, Any]:
    """A claim beside its peers."""
    since, until = year_before(claim)
    return {
        "claim_id": str(claim.claim_id),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "n": peers.n,
        "enough": peers.places is not None,
        "below": peers.below,
        "own": claim.parts.total.to_wire(),
    } | {
        name: getattr(peers.places, name).to_wire() if peers.places else None
        for name in Places.__dataclass_fields__
    }
