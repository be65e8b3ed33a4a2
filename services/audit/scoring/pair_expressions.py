"""Predicates over two cases of a person: self-joins of those cases that can make a pair."""

from __future__ import annotations

from collections.abc import Callable

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit
from services.audit.domain.when import (
    DeliveryInterval,
    DuplicateClaim,
    OverlappingClaim,
    OverlappingStays,
    RepeatedClaim,
    SplitStay,
)
from services.audit.scoring.conditions import of_benefits, whole_fund

Pair = DuplicateClaim | OverlappingClaim | OverlappingStays | DeliveryInterval | SplitStay


def pairs(asked: Pair, cases: ir.Table) -> ir.Table:
    """Each case with a pair, once."""
    match asked:
        case DuplicateClaim() | DeliveryInterval():
            able = of_benefits(cases, [Benefit.DELIVERY])
        case SplitStay():
            able = of_benefits(cases, asked.benefits) & (cases.los > 0)
        case OverlappingClaim() | OverlappingStays():
            able = of_benefits(cases, asked.benefits)
    chosen = cases.filter(able).select(
        "claim_id", "person", "institution", "benefit", "admitted", "discharged", "event",
        "los", "fund_fen",
    )  # fmt: skip
    one, other = chosen, chosen.view()
    joined = one.join(
        other,
        [one.person == other.person, one.claim_id != other.claim_id, *_beside(asked)(one, other)],
        rname="other_{name}",
    )
    return joined.select(claim_id=joined.claim_id, excess_fen=joined.fund_fen).distinct()


Tests = list[ir.BooleanValue]


def _beside(asked: Pair) -> Callable[[ir.Table, ir.Table], Tests]:
    def filed_after(one: ir.Table, other: ir.Table) -> ir.BooleanValue:
        same_day = one.discharged == other.discharged
        return (one.discharged > other.discharged) | (same_day & (one.claim_id > other.claim_id))

    def tests(one: ir.Table, other: ir.Table) -> Tests:
        apart = one.event.delta(other.event, unit="day")
        match asked:
            case DuplicateClaim():
                return [apart.abs() <= asked.interval_days_max, filed_after(one, other)]
            case DeliveryInterval():
                return [
                    other.event < one.event,
                    apart.between(asked.interval_days_min, asked.interval_days_max),
                ]
            case OverlappingClaim():
                return [
                    one.benefit == other.benefit,
                    one.institution != other.institution,
                    one.admitted <= other.discharged,
                    other.admitted <= one.discharged,
                    filed_after(one, other),
                ]
            case OverlappingStays(elsewhere=True):
                return [
                    one.institution != other.institution,
                    one.admitted < other.discharged,
                    other.admitted < one.discharged,
                    filed_after(one, other),
                ]
            case OverlappingStays():
                return [
                    one.institution == other.institution,
                    (one.admitted != other.admitted) | (one.los != other.los),
                    one.admitted < other.discharged,
                    other.admitted < one.discharged,
                    filed_after(one, other),
                ]
            case SplitStay():
                gap = one.admitted.delta(other.discharged, unit="day")
                return [
                    one.institution == other.institution,
                    gap.between(0, asked.gap_days_max),
                ]

    return tests


def repeated(asked: RepeatedClaim, cases: ir.Table) -> ir.Table:
    """All of a group of equal claims but the one filed first."""
    same = ("person", "institution", "benefit", "admitted", "discharged", "total_fen")
    chosen = cases.filter(of_benefits(cases, asked.benefits)).select("claim_id", "fund_fen", *same)
    first = chosen.view()
    again = chosen.semi_join(
        first, [*(chosen[name] == first[name] for name in same), first.claim_id < chosen.claim_id]
    )
    return whole_fund(again, ibis.literal(True))
