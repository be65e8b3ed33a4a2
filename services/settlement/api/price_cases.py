"""From the wire form of a case to what the domain prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Never

from services.settlement.api.price_wire import (
    AllowanceWire,
    CaseWire,
    ContributionWire,
    CostWire,
    LateFeeWire,
    LineWire,
    MemberWire,
    PrenatalWire,
)
from services.settlement.domain.allowance import AllowanceClaim, EmployerWage, NutritionClaim
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.claimed import Claimed
from services.settlement.domain.complication import Complication
from services.settlement.domain.cost import Bed, CatalogueClass, Cost, CostLine, of_lines
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.loss import Loss
from services.settlement.domain.member import MadeUp, Member
from services.settlement.domain.prenatal import HeadSlice, Prenatal
from services.settlement.domain.surgery import Surgery
from shared.money import NOTHING, Money

_DECEMBERS_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Malformed(Exception):
    """What a case lacks or contradicts: where, and what."""

    pointer: str
    what: str


def to_case(wire: CaseWire, today: date) -> Case:
    """The domain's case. Raises Malformed."""
    given, event = wire.dates, wire.dates.event or wire.on
    if wire.benefit == "nutrition":
        event = wire.nutrition.birth_on or event
    cost, bed = (None, None) if wire.cost is None else _bill(wire.cost)
    return Case(
        pool=wire.pool,
        member=to_member(wire.member),
        claimed=_claimed(wire),
        dates=Dates(
            given.admitted or wire.on,
            event,
            given.discharged or wire.on,
            given.settled or wire.on,
        ),
        known_on=wire.known_on or today,
        institution=Institution(wire.institution.level),
        cost=cost,
        bed=bed,
        account_available=wire.member.account_available,
        county=wire.county,
        circumstances=frozenset(wire.circumstances),
    )


def to_member(wire: MemberWire) -> Member:
    """The domain's member. Raises Malformed."""
    gap = wire.made_up
    if gap is not None and gap.last < gap.first:
        raise Malformed("/member/made_up", "a gap ends after it begins")
    return Member(
        wire.kind, wire.months_paid, wire.paid_until, wire.employer,
        None if gap is None else MadeUp(gap.first, gap.last), wire.transfer_gap_months,
    )  # fmt: skip


def contribution_of(wire: CaseWire) -> ContributionWire:
    """The block of a contribution. Raises Malformed."""
    return wire.contribution or _missing("contribution")


def late_fee_of(wire: CaseWire) -> LateFeeWire:
    """The block of a late fee. Raises Malformed."""
    return wire.late_fee or _missing("late_fee")


def _missing(block: str) -> Never:
    raise Malformed(f"/{block}", "missing")


def _claimed(wire: CaseWire) -> Claimed:
    if wire.benefit == "delivery":
        d = wire.delivery or _missing("delivery")
        return Delivery(d.mode, d.infants, d.weeks, tuple(d.complications), tuple(d.extras))
    if wire.benefit == "prenatal":
        return _prenatal(wire.prenatal or _missing("prenatal"))
    if wire.benefit == "loss":
        x = wire.loss or _missing("loss")
        listed = (tuple(x.complications), tuple(x.extras))
        return Loss(x.weeks, x.manner, x.setting, x.high_risk, *listed)
    if wire.benefit == "family_planning":
        s = wire.family_planning or _missing("family_planning")
        return Surgery(s.procedure, tuple(s.complications), tuple(s.extras))
    if wire.benefit == "complication":
        c = wire.complication or _missing("complication")
        return Complication(c.when, c.months_after)
    if wire.benefit == "allowance":
        return _allowance(wire.allowance or _missing("allowance"))
    return NutritionClaim(wire.nutrition.loss_weeks, wire.nutrition.annual_wage)


def _prenatal(wire: PrenatalWire) -> Prenatal:
    head = None
    if wire.head is True:
        head = HeadSlice()
    elif wire.head is not None:
        if wire.head.until_week <= wire.head.from_week:
            raise Malformed("/prenatal/head", "a slice ends after it begins")
        head = HeadSlice(wire.head.from_week, wire.head.until_week)
    return Prenatal(
        wire.week, wire.unit, wire.high_risk, wire.first_visit, wire.postnatal, head, wire.used
    )


def _allowance(wire: AllowanceWire) -> AllowanceClaim:
    if wire.event == "loss" and wire.weeks is None:
        raise Malformed("/allowance/weeks", "missing")
    if wire.event == "family_planning" and wire.procedure is None:
        raise Malformed("/allowance/procedure", "missing")
    heads = wire.head_months
    if wire.december_heads is not None:
        heads = wire.december_heads * _DECEMBERS_MONTHS
    try:
        return AllowanceClaim(
            event=wire.event,
            mode=wire.mode,
            infants=wire.infants,
            weeks=wire.weeks or 40,
            procedure=wire.procedure,
            within_regulation=wire.within_regulation,
            base_monthly=wire.base_monthly,
            wage_sum=wire.wage_sum,
            heads=heads,
            employers=tuple(EmployerWage(e.base_monthly, e.months) for e in wire.employers),
            wage_monthly=wire.wage_monthly,
        )
    except ValueError as error:
        raise Malformed("/allowance", str(error)) from None


def _bill(wire: CostWire) -> tuple[Cost, Bed | None]:
    try:
        return _cost(wire), _bed(wire)
    except ValueError as error:
        raise Malformed("/cost", str(error)) from None


def _cost(wire: CostWire) -> Cost:
    if (wire.lines is None) == (wire.in_scope is None):
        raise ValueError("a cost gives either in_scope or lines")
    if wire.lines is not None:
        cost = of_lines([_line(line) for line in wire.lines])
        if wire.total not in (None, cost.total):
            raise ValueError("the lines do not add up to the total")
        return cost
    assert wire.in_scope is not None  # noqa: S101 - the check above
    known = wire.in_scope + wire.over_limit + wire.first_copay
    total = wire.total
    if total is None:
        total = known + (wire.out_of_scope or NOTHING)
    out_of_scope = total - known if wire.out_of_scope is None else wire.out_of_scope
    return Cost(total, wire.in_scope, out_of_scope, wire.over_limit, wire.first_copay)


def _line(wire: LineWire) -> CostLine:
    if wire.catalogue_class is CatalogueClass.CLASS_B and wire.first_copay is None:
        raise ValueError("a line of class B says its first_copay")
    return CostLine(wire.amount, wire.catalogue_class, wire.over_limit, wire.first_copay or NOTHING)


def _bed(wire: CostWire) -> Bed | None:
    """The in-scope bed charge of all its lines."""
    lines = [
        line
        for line in wire.lines or ()
        if line.bed_days is not None and line.catalogue_class is not CatalogueClass.CLASS_C
    ]
    if not lines:
        return None
    charge = Money.total(
        line.amount - line.over_limit - (line.first_copay or NOTHING) for line in lines
    )
    return Bed(charge, sum(line.bed_days or 0 for line in lines))
