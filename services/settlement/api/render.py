"""The form of a settlement on REST; the bytes of the first answer are kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.settlement.actions.add_lines import Billed
from services.settlement.actions.settle import Render
from services.settlement.api.explanation import words
from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.course import UnitState
from services.settlement.domain.deduction import Deduction
from services.settlement.domain.entitled import Entitlement
from services.settlement.domain.line import LineWarning
from services.settlement.domain.pregnancy import KnownPregnancy, Pregnancy
from services.settlement.domain.revision import Revision, Sum
from services.settlement.domain.settlement import ClaimState, Settlement, Shares
from services.settlement.domain.stay import Stay
from services.settlement.store.encounters import Encounter
from services.settlement.store.lines import StoredLine
from shared.plumbing.clock import to_wire


@dataclass(frozen=True, slots=True)
class Present:
    """What has become of a settlement: its claim's state, and the adjustments that count."""

    state: ClaimState
    released: Sequence[Adjustment]


def settlement_bytes(settlement: Settlement, present: Present | None = None) -> bytes:
    """A settlement, or the reversal of one; `present` where the present is asked."""
    return orjson.dumps(_settlement_now(settlement, present))


def settled_form(_: Encounter | None) -> Render:
    """The answer to what is being settled says nothing beyond the settlement."""
    return lambda settlement, _: settlement_bytes(settlement)


def quote_bytes(settlement: Settlement) -> bytes:
    """A quote: a settlement that was not made has neither id nor time."""
    made = ("settlement_id", "reverses", "settled_at")
    return orjson.dumps({k: v for k, v in _settlement(settlement).items() if k not in made})


def settlements_bytes(
    found: list[tuple[Settlement, Present | None]], further: UUID | None
) -> bytes:
    """Settlements, oldest first, and what the next page is after."""
    items = [_settlement_now(s, present) for s, present in found]
    return orjson.dumps({"items": items, "next": str(further) if further else None})


def _settlement_now(settlement: Settlement, present: Present | None) -> dict[str, Any]:
    shown = _settlement(settlement)
    if present:
        shown["state"] = present.state.value
        shown["adjustments"] = [adjustment_item(a) for a in present.released]
    return shown


def _settlement(settlement: Settlement) -> dict[str, Any]:
    return {
        "settlement_id": str(settlement.settlement_id),
        "reverses": str(settlement.reverses) if settlement.reverses else None,
        "stay_id": str(settlement.stay_id),
        "pool": settlement.pool_code,
        "institution_code": settlement.institution_code,
        "benefit": settlement.benefit,
        "insurance_type": settlement.insurance_type,
        "expenditure_item": settlement.expenditure_item,
        **_parts(settlement.shares),
        "rule_on": settlement.rule_on.isoformat(),
        "settled_at": to_wire(settlement.settled_at),
        "steps": orjson.Fragment(settlement.steps.encode()),
        "book": settlement.book,
        "engine": settlement.engine,
    }


def _parts(shares: Shares) -> dict[str, Any]:
    return {
        "total": shares.total.to_wire(),
        "fund": shares.fund.to_wire(),
        "member": shares.member.to_wire(),
        "member_account": shares.member_account.to_wire(),
        "member_cash": shares.member_cash.to_wire(),
        "institution": shares.institution.to_wire(),
        "other_fund": shares.other_fund.to_wire(),
        "desk": desk_shown(shares),
    }


def desk_shown(shares: Shares) -> dict[str, str]:
    """What the receipt shows."""
    return {"fund": shares.desk_fund.to_wire(), "member": shares.desk_member.to_wire()}


def adjustment_item(adjustment: Adjustment, *, whole: bool = False) -> dict[str, Any]:
    """An adjustment: its parts are differences. Who proposed and who decided stays in the log; what
    it changes of the person's entitlements is for the agency alone (`whole`)."""
    decided_at = adjustment.decided_at
    revised = adjustment.revisions if whole else ()
    return {
        "adjustment_id": str(adjustment.adjustment_id),
        "settlement_id": str(adjustment.settlement_id),
        "institution_code": adjustment.institution_code,
        "cause": adjustment.cause,
        "state": adjustment.state.value,
        "expenditure_item": adjustment.expenditure_item,
        "parts": _parts(adjustment.shares),
        "units": [
            {"unit": one.unit, "amount": one.amount.to_wire()} for one in adjustment.corrections
        ],
        "entitlements": [_revision(one) for one in revised],
        "rule_on": adjustment.rule_on.isoformat(),
        "steps": orjson.Fragment(adjustment.steps.encode()),
        "book": adjustment.book,
        "engine": adjustment.engine,
        "endorsed": adjustment.endorsed_by is not None,
        "proposed_at": to_wire(adjustment.proposed_at),
        "decided_at": to_wire(decided_at) if decided_at else None,
    }


def _revision(one: Revision) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "before": None if one.before is None else _sum(one.before),
        "after": _sum(one.after),
        "steps": orjson.Fragment(one.steps.encode()),
    }


def _sum(one: Sum) -> dict[str, Any]:
    return {
        "state": one.state.value,
        "days": one.days,
        "amount": None if one.amount is None else one.amount.to_wire(),
        "until": one.until,
        "payee": one.payee,
    }


def stay_bytes(stay: Stay) -> bytes:
    """A stay and its bill so far."""
    return orjson.dumps(_stay(stay))


def _stay(stay: Stay) -> dict[str, Any]:
    cost, outcome = stay.cost, stay.outcome
    return {
        "stay_id": str(stay.stay_id),
        "stay_number": stay.stay_number,
        "state": stay.state.value,
        "benefit": stay.benefit.value,
        "pregnancy_id": str(stay.pregnancy_id) if stay.pregnancy_id else None,
        "admitted_on": stay.admitted_on.isoformat(),
        "discharged_on": outcome.discharged_on.isoformat() if outcome else None,
        "line_count": stay.line_count,
        "total": cost.total.to_wire(),
        "in_scope": cost.in_scope.to_wire(),
        "out_of_scope": cost.out_of_scope.to_wire(),
        "over_limit": cost.over_limit.to_wire(),
        "first_copay": cost.first_copay.to_wire(),
    }


def stays_bytes(found: Sequence[Stay], further: UUID | None) -> bytes:
    """A page of stays, and what the next page is after."""
    items = [_stay(stay) for stay in found]
    return orjson.dumps({"items": items, "next": str(further) if further else None})


def lines_bytes(found: Sequence[StoredLine], further: int | None) -> bytes:
    """A page of a bill's lines, and what the next page is after."""
    return orjson.dumps({"items": [_line(line) for line in found], "next": further})


def _line(line: StoredLine) -> dict[str, Any]:
    return {
        "line_number": line.line_number,
        "returns": line.returns,
        "item_code": line.item_code,
        "item_class": line.item_class,
        "charged_on": line.charged_on.isoformat(),
        "quantity": format(line.quantity.normalize(), "f"),
        "price": line.price.to_wire(),
        "amount": line.amount.to_wire(),
        "in_scope": line.in_scope.to_wire(),
        "out_of_scope": line.out_of_scope.to_wire(),
        "over_limit": line.over_limit.to_wire(),
        "first_copay": line.first_copay.to_wire(),
    }


def record_bytes(stay: Stay) -> bytes:
    """What a stay's discharge stated: null and nothing where it is not discharged."""
    outcome = stay.outcome
    return orjson.dumps(
        {
            "stay_id": str(stay.stay_id),
            "event_on": outcome.event_on.isoformat() if outcome else None,
            "discharged_on": outcome.discharged_on.isoformat() if outcome else None,
            "diagnoses": list(outcome.diagnoses) if outcome else [],
            "procedures": list(outcome.procedures) if outcome else [],
        }
    )


def billed_bytes(billed: Billed) -> bytes:
    """A stay with the warnings about the lines that were just added."""
    warnings = [
        {"line_number": one.line.line_number, "code": one.warning.value, **_warned(one.warning)}
        for one in billed.lines
        if one.warning
    ]
    return orjson.dumps(_stay(billed.stay) | {"warnings": warnings})


def _warned(warning: LineWarning) -> dict[str, str]:
    return {
        "title": words("en")["warnings"][warning.value],
        "title_zh": words("zh")["warnings"][warning.value],
    }


def pregnancy_bytes(pregnancy: Pregnancy) -> bytes:
    """A pregnancy; its period ends, exclusively, with the day after the birth or the loss."""
    period = pregnancy.period
    return orjson.dumps(
        {
            "pregnancy_id": str(pregnancy.pregnancy_id),
            "person_ref": pregnancy.person_ref,
            "institution_code": pregnancy.institution_code,
            "since": period.start.isoformat(),
            "until": period.end.isoformat() if period.end else None,
            "delivered_on": pregnancy.delivered_on.isoformat() if pregnancy.delivered_on else None,
            "ended_by": pregnancy.ended_by.value if pregnancy.ended_by else None,
        }
    )


def known_pregnancy_bytes(known: KnownPregnancy) -> bytes:
    """A pregnancy as one of its pool may know it."""
    return orjson.dumps(_known(known))


def known_pregnancies_bytes(found: Sequence[KnownPregnancy]) -> bytes:
    """A person's pregnancies."""
    return orjson.dumps({"items": [_known(one) for one in found]})


def _known(known: KnownPregnancy) -> dict[str, Any]:
    period = known.period
    return {
        "pregnancy_id": str(known.pregnancy_id),
        "person_ref": known.person_ref,
        "state": known.state.value,
        "since": period.start.isoformat(),
        "until": period.end.isoformat() if period.end else None,
        "institution_code": known.institution_code,
        "designations": [
            {"institution_code": one.institution_code, "since": one.since.isoformat()}
            for one in known.designations
        ],
    }


def units_bytes(pregnancy_id: UUID, states: Sequence[UnitState]) -> bytes:
    """What a pregnancy's limits have left."""
    return orjson.dumps(
        {
            "pregnancy_id": str(pregnancy_id),
            "items": [
                {
                    "unit": state.unit,
                    "limit": state.limit.to_wire(),
                    "used": state.used.to_wire(),
                    "left": state.left.to_wire(),
                }
                for state in states
            ],
        }
    )


def entitlement_bytes(one: Entitlement) -> bytes:
    """An entitlement as it stands."""
    return orjson.dumps(_entitlement(one))


def entitlements_bytes(found: Sequence[Entitlement], further: UUID | None) -> bytes:
    """A page of entitlements, and what the next page is after."""
    items = [_entitlement(one) for one in found]
    return orjson.dumps({"items": items, "next": str(further) if further else None})


def _entitlement(one: Entitlement) -> dict[str, Any]:
    return {
        "entitlement_id": str(one.entitlement_id),
        "kind": one.kind.value,
        "person_ref": one.person_ref,
        "pregnancy_id": str(one.pregnancy_id) if one.pregnancy_id else None,
        "settlement_id": str(one.settlement_id),
        "event": one.event,
        "days": one.days,
        "amount": one.amount.to_wire() if one.amount is not None else None,
        "state": one.state.value,
        "until": one.until,
        "payee": one.payee,
        "opened_at": to_wire(one.opened_at),
        "steps": orjson.Fragment(one.steps.encode()),
        "book": one.book,
        "engine": one.engine,
    }


def deduction_item(deduction: Deduction) -> dict[str, str | int]:
    """A deduction in a list."""
    return {
        "deduction_id": str(deduction.deduction_id),
        "settlement_id": str(deduction.settlement_id),
        "institution_code": deduction.institution_code,
        "flag_id": deduction.flag_id,
        "decision": deduction.decision,
        "kind": deduction.kind,
        "amount": deduction.amount.to_wire(),
        "taken_at": to_wire(deduction.taken_at),
    }
