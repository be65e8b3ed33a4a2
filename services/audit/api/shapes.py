"""Claims, findings and flags as reviewers read them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.audit.domain.claim import Claim, Parts
from services.audit.domain.dispute import AtStake
from services.audit.domain.flag import Flag, FlagState, OnSeries
from services.audit.domain.peers import Peers, Places, year_before
from services.audit.domain.pick import Pick
from services.audit.domain.statement import Statement
from services.audit.store.claim_scores import Scored
from services.audit.store.findings import Judgement
from services.audit.store.flags import Step
from services.audit.store.series import StoredSeriesFinding
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire


def flag_shape(flag: Flag, who: Caller) -> dict[str, Any]:
    """A flag in a list. `outcome` and `amount` are proposed until the state is `decided`; until
    then an institution is not shown them, nor ever who works on what."""
    inside = who.role != "hospital"
    proposal = flag.proposal if inside or flag.state is FlagState.DECIDED else None
    on_series = flag.subject if isinstance(flag.subject, OnSeries) else None
    return {
        "flag_id": str(flag.flag_id),
        "claim_id": str(flag.claim_id) if flag.claim_id else None,
        "channel": on_series.channel if on_series else None,
        "month": on_series.month if on_series else None,
        "institution_code": flag.institution_code,
        "rule_family": flag.rule_family,
        "grade": flag.grade,
        "amount_at_risk": flag.at_risk.to_wire(),
        "state": flag.state,
        "due_on": flag.due_on.isoformat() if flag.due_on else None,
        "hearing": flag.hearing,
        "round": flag.round,
        "outcome": proposal.outcome if proposal else None,
        "amount": proposal.amount.to_wire() if proposal else None,
        "lines": [
            {"line_number": line.line_number, "amount": line.amount.to_wire()}
            for line in (proposal.lines if proposal else ())
        ],
        "reason_code": (proposal.reason_code or None) if proposal else None,
        "decision": flag.decision,
        "deduction": flag.deduction,
        "raised_at": to_wire(flag.raised_at),
        "version": flag.version,
        "held_by": flag.lease.by if inside and flag.lease else None,
        "held_until": to_wire(flag.lease.until) if inside and flag.lease else None,
    }


_NEXT = {
    FlagState.OPEN: ["first-review"],
    FlagState.NOTIFIED: ["statement"],
    FlagState.FIRST_REVIEWED: ["second-review"],
    FlagState.INVESTIGATING: ["investigation"],
    FlagState.SECOND_REVIEWED: ["disposal"],
    FlagState.PROPOSED: ["approval"],
}


def next_steps(flag: Flag) -> list[str]:
    """Which review addresses take the flag as it is."""
    return _NEXT.get(flag.state, [])


def statement_shape(said: Statement) -> dict[str, Any]:
    """What an institution said."""
    return {
        "round": said.round,
        "by": said.by,
        "stated_at": to_wire(said.stated_at),
        "stance": said.stance,
        "text": said.text,
        "lines": [asdict(line) for line in said.lines],
    }


def series_shape(one: StoredSeriesFinding) -> dict[str, Any]:
    """What the statistics said of a month."""
    found = one.finding
    return {
        "finding_id": str(one.finding_id),
        "channel": found.channel,
        "month": found.month,
        "score": str(found.score),
        "window_months": found.window_months,
        "cases": found.cases,
        "expected": found.expected.to_wire(),
        "actual": found.actual.to_wire(),
        "excess": found.excess.to_wire(),
        "explanation": found.reason.en,
        "explanation_zh": found.reason.zh,
        "features": found.features,
        "model": found.model,
        "contributors": [
            {"claim_id": claim.claim_id, "excess": claim.excess.to_wire()}
            for claim in found.contributors
        ],
    }


def money_shape(
    asked: tuple[AtStake | None, str | None, datetime] | None,
) -> dict[str, str | None] | None:
    """What re-pricing said of a flag's money."""
    if asked is None:
        return None
    stake, refused, at = asked
    return {
        "fund": stake.fund.to_wire() if stake else None,
        "member": stake.member.to_wire() if stake else None,
        "institution": stake.institution.to_wire() if stake else None,
        "book": stake.book if stake else None,
        "refused": refused,
        "asked_at": to_wire(at),
    }


def score_shape(one: Scored | None) -> dict[str, Any] | None:
    """What statistics made of a claim."""
    if one is None:
        return None
    rival = one.score.challenger
    return {
        "chance": f"{one.score.chance:f}",
        "at_risk": one.score.at_risk.to_wire(),
        "explanation": one.score.reason.en,
        "explanation_zh": one.score.reason.zh,
        "features": one.score.versions.features,
        "model": one.score.versions.model,
        "scored_at": to_wire(one.scored_at),
        "challenger_chance": f"{rival.chance:f}" if rival else None,
        "challenger_model": rival.model if rival else None,
    }


def pick_shape(pick: Pick | None) -> dict[str, Any] | None:
    """Why a claim is under review that no rule met."""
    if pick is None:
        return None
    score = pick.score
    return {
        "picked_by": pick.picked_by,
        "by": pick.by,
        "reason": pick.reason,
        "share": None if pick.share is None else f"{pick.share:f}",
        "chance": f"{score.chance:f}" if score else None,
        "explanation": score.reason.en if score else None,
        "explanation_zh": score.reason.zh if score else None,
        "features": score.versions.features if score else None,
        "model": score.versions.model if score else None,
        "picked_at": to_wire(pick.picked_at),
    }


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
        "mode_stated": claim.mode_stated,
        "infants": claim.infants,
        "admitted_on": claim.admitted_on.isoformat(),
        "event_on": claim.event_on.isoformat(),
        "discharged_on": claim.discharged_on.isoformat(),
        "days_in_hospital": claim.days_in_hospital,
        "sex": claim.sex,
        "age": claim.age,
        "weeks": claim.weeks,
        "diagnoses": list(claim.diagnoses),
        "procedures": list(claim.procedures),
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


def items_shape(claim: Claim) -> dict[str, Any]:
    """A claim's bill by item; null where it was not told."""
    if claim.items is None:
        return {"items": None, "items_left_out": 0}
    return {
        "items": [
            {
                "code": item.code,
                "quantity": f"{item.quantity:f}",
                "amount": item.amount.to_wire(),
                "in_scope": item.in_scope.to_wire(),
                "first_on": item.first_on.isoformat(),
                "last_on": item.last_on.isoformat(),
                "lines": item.lines,
                "days": item.days,
            }
            for item in claim.items
        ],
        "items_left_out": claim.items_left_out,
    }


def judgement_shape(judgement: Judgement) -> dict[str, Any]:
    """By which rules a claim was judged, and when."""
    return {
        "rule_set": judgement.rule_set,
        "judged_at": to_wire(judgement.judged_at),
        "silent": list(judgement.silent),
    }


def step_shape(step: Step) -> dict[str, Any]:
    """An entry of a flag's history."""
    return {
        "number": step.number,
        "step": step.step,
        "by": step.by,
        "at": to_wire(step.at),
        "reason": step.reason,
        "reason_code": step.reason_code or None,
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
