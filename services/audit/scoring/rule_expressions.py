"""Each predicate as an expression over the table of cases: what `Predicate.hits` says of one case,
said of all of them at once. The result has one row a hit: claim_id and excess_fen."""

from __future__ import annotations

from typing import assert_never

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit
from services.audit.domain.coding import (
    CodedOtherwise,
    LiftedGroup,
    MissingProcedure,
    ModeStatedOtherwise,
    SoleLiftingProcedure,
)
from services.audit.domain.grouping import read_groupings
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.items import (
    DaysBeyondStay,
    ForbiddenItem,
    MissingItem,
    MoreLinesThanDays,
    OutsideStay,
    TooOften,
)
from services.audit.domain.listed_prices import AboveListPrice, SecondProcedureInFull
from services.audit.domain.predicate import AnyPredicate
from services.audit.domain.stays import LowStandardAdmission, NoPrenatalRecord
from services.audit.domain.when import (
    DeliveryInterval,
    DuplicateClaim,
    OverlappingClaim,
    OverlappingStays,
    RepeatedClaim,
    SplitStay,
)
from services.audit.domain.who import AgeOutside, NotInsured, SexContradiction
from services.audit.scoring.conditions import any_code, hits, of_benefits, whole_fund
from services.audit.scoring.group_expressions import lifted_by_episiotomy
from services.audit.scoring.item_expressions import (
    days_beyond,
    doubled,
    forbidden,
    missing,
    outside,
    too_often,
)
from services.audit.scoring.pair_expressions import pairs, repeated


def expression(
    asked: AnyPredicate, cases: ir.Table, items: ir.Table | None, groups: ItemGroups
) -> ir.Table | None:
    """The hits of a predicate, items read by `groups`; None where a file never tells what it
    needs."""
    match asked:
        case SexContradiction():
            return whole_fund(cases, _sex(asked, cases))
        case AgeOutside():
            too_far = (cases.age < asked.age_min) | (cases.age > asked.age_max)
            return whole_fund(cases, of_benefits(cases, asked.benefits) & too_far)
        case (
            DuplicateClaim() | OverlappingClaim() | OverlappingStays()
            | DeliveryInterval() | SplitStay()
        ):  # fmt: skip
            return pairs(asked, cases)
        case RepeatedClaim():
            return repeated(asked, cases)
        case LowStandardAdmission():
            return _low_standard(asked, cases)
        case NoPrenatalRecord():
            return _no_prenatal_record(asked, cases)
        case CodedOtherwise():
            told = any_code(cases.diagnoses, asked.diagnoses) | any_code(
                cases.procedures, asked.procedures
            )
            return whole_fund(cases, of_benefits(cases, asked.benefits) & told)
        case MissingProcedure():
            without = cases.procedures.notnull() & ~any_code(cases.procedures, asked.procedures)
            return whole_fund(cases, (cases["mode"] == asked.mode) & without)
        case LiftedGroup():
            version = read_groupings()[asked.grouping]
            lifted = lifted_by_episiotomy(version, cases.diagnoses, cases.procedures)
            return hits(cases, of_benefits(cases, asked.benefits) & lifted, ibis.literal(0))
        case SoleLiftingProcedure():
            lifted = any_code(cases.procedures, asked.minor) & ~any_code(
                cases.procedures, asked.lifting
            )
            return hits(cases, of_benefits(cases, asked.benefits) & lifted, ibis.literal(0))
        case DaysBeyondStay():
            return days_beyond(asked, cases)
        case TooOften():
            return too_often(asked, cases)
        case ForbiddenItem():
            return forbidden(asked, cases)
        case MissingItem():
            return missing(asked, cases)
        case OutsideStay():
            return None if items is None else outside(asked, cases, items)
        case MoreLinesThanDays():
            return None if items is None else doubled(asked, cases, items, groups)
        case NotInsured() | AboveListPrice() | SecondProcedureInFull() | ModeStatedOtherwise():
            return None
        case _:
            assert_never(asked)


def _sex(asked: SexContradiction, cases: ir.Table) -> ir.BooleanValue:
    met = of_benefits(cases, asked.benefits) & (cases.sex == str(asked.sex))
    if asked.diagnoses or asked.procedures:
        met = met & (
            any_code(cases.diagnoses, asked.diagnoses)
            | any_code(cases.procedures, asked.procedures)
        )
    return met


def _low_standard(asked: LowStandardAdmission, cases: ir.Table) -> ir.Table | None:
    amounts = [f"{group}_fen" for group in asked.groups]
    if not set(amounts) <= set(cases.columns):
        return None
    examined = cases[amounts[0]]
    for name in amounts[1:]:
        examined = examined + cases[name]
    met = (
        of_benefits(cases, asked.benefits)
        & (cases.severity <= asked.severity_max)
        & (cases.los <= asked.los_max)
        & (cases.total_fen > 0)
        & (examined * 100 >= cases.total_fen * asked.examined_percent_min)
    )
    return whole_fund(cases, met)


def _no_prenatal_record(asked: NoPrenatalRecord, cases: ir.Table) -> ir.Table:
    after = cases.discharged + ibis.interval(days=asked.month_end_days)
    at_end = after.month() != cases.discharged.month()
    births = cases.filter(of_benefits(cases, [Benefit.DELIVERY]) & at_end)
    visits = cases.filter(of_benefits(cases, [Benefit.PRENATAL])).select(
        visitor="person", visited="event", visit_id="claim_id"
    )
    before = births.event.delta(visits.visited, unit="day")
    unseen = births.anti_join(
        visits, [births.person == visits.visitor, before.between(0, asked.lookback_days)]
    )
    clustered = unseen.mutate(
        clustered=unseen.count().over(
            ibis.window(group_by=[unseen.institution, unseen.discharged.truncate("M")])
        )
    )
    return whole_fund(clustered, clustered.clustered >= asked.cluster_min)
