"""What a benefit is worth, and who pays which part: pure, and the same for ever.

The facts, the book and the engine's version decide alone; the answer names every version of a
rule that it used, so that it can be recomputed years later, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from services.settlement.domain.allowance import AllowanceClaim, NutritionClaim
from services.settlement.domain.case import Case
from services.settlement.domain.cash import Sum, allowance_of, nutrition_of
from services.settlement.domain.checks import parts_of_check
from services.settlement.domain.claimed import Cash, Medical, benefit_of
from services.settlement.domain.cost import Cost
from services.settlement.domain.entitlement import entitlement
from services.settlement.domain.exclusion import Admitted, admitted
from services.settlement.domain.member import Member
from services.settlement.domain.methods import handed_over, parts_of
from services.settlement.domain.parts import Parts
from services.settlement.domain.prenatal import Prenatal, UnitUse
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from services.settlement.domain.treatment import treatment_of_case
from shared.money import NOTHING, Money
from shared.policy.book import Book, Day, NoRule
from shared.policy.cells import (
    ALLOWANCE,
    BED_CAP,
    CATALOGUE,
    COMPLICATION,
    DECIDING_DATE,
    DELIVERY,
    EXPENDITURE_ITEM,
    FAMILY_PLANNING,
    INSURANCE_TYPE,
    LOSS,
    NUTRITION,
    PRENATAL,
    Cell,
)
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import Benefit, DecidingDate, ExpenditureItem, InsuranceType

ENGINE = "1"
"""Version of the arithmetic. It changes when the same case and book would give another answer."""


class Desk(NamedTuple):
    """What the mother's receipt shows; its two parts add up to what is paid there."""

    fund: Money
    member: Money


class Priced(NamedTuple):
    """A decision. total = fund + member + institution + other_fund; only `institution` may be
    negative (what the hospital keeps); member = member_account + member_cash.

    `units`: what the case uses of limits that belong to the pregnancy. `days` and `payee` are an
    allowance's.
    """

    total: Money
    fund: Money
    member: Money
    member_account: Money
    member_cash: Money
    institution: Money
    other_fund: Money
    desk: Desk
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    book_hash: str
    engine: str
    decided_on: date
    expenditure_item: ExpenditureItem
    insurance_type: InsuranceType
    benefit: Benefit
    units: tuple[UnitUse, ...] = ()
    days: int = 0
    payee: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A sum that is due on `until` and not before; `priced` is what it comes to then."""

    until: date
    reason: Step
    priced: Priced


@dataclass(frozen=True, slots=True)
class Entitled:
    """An allowance whose days are known and whose base is not: it waits for the wages."""

    days: int
    payee: str
    until: date | None
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]


def price(case: Case, book: Book) -> Priced | Deferred | Refused:
    """Price a benefit. The same case and book give the same answer; refusals are answers too."""
    try:
        opened = _open(case, book)
        if isinstance(opened, Refused):
            return opened
        claimed = case.claimed
        if isinstance(claimed, AllowanceClaim | NutritionClaim):
            return _price_sum(case, claimed, opened, book)
        return _price_bill(case, claimed, opened, book)
    except NoRule as none:
        return no_rule(none)


def entitled(case: Case, claim: AllowanceClaim, book: Book) -> Entitled | Refused:
    """The days of an allowance whose base is not stated yet."""
    try:
        opened = _open(case, book)
        if isinstance(opened, Refused):
            return opened
        found = allowance_of(case, claim, opened.day, opened.rules)
        if isinstance(found, Refused):
            return found
        steps, rate_ids = _sum_opening(found, opened)
        return Entitled(found.days, found.payee, found.until, steps, rate_ids)
    except NoRule as none:
        return no_rule(none)


class _Opened(NamedTuple):
    """The rules of the day that decides, and which day that is."""

    day: date
    which: Sourced[DecidingDate]
    rules: Day


def _open(case: Case, book: Book) -> _Opened | Refused:
    kind, event = case.member.kind, case.dates.event
    if case.county is not None:
        counties = book.counties(case.pool)
        if counties and case.county not in counties:
            return Refused(Refusal.COUNTY_NOT_OF_POOL)
    rules = book.on(case.pool, kind, on=event, known_on=case.known_on)
    which = rules.ask(DECIDING_DATE)
    if isinstance(case.claimed, AllowanceClaim | NutritionClaim):
        # The cell speaks of bills; the law of a sum is that in force on the day of the event.
        main: Sourced[Any] = rules.ask(MAIN[benefit_of(case.claimed)])
        return _Opened(event, replace(main, value=DecidingDate.EVENT), rules)
    day = case.dates.chosen(which.value)
    if day != event:
        rules = book.on(case.pool, kind, on=day, known_on=case.known_on)
    return _Opened(day, which, rules)


def _price_bill(case: Case, claimed: Medical, opened: _Opened, book: Book) -> Priced | Refused:
    rules = opened.rules
    benefit = benefit_of(claimed)
    opening = _opening(case.member, benefit, opened)
    if isinstance(opening, Refused):
        return opening
    allowed = admitted(case, rules)
    if isinstance(allowed, Refused):
        return allowed
    cost, bed_steps = _within_bed_cap(case, rules)
    parts = _parts(case, claimed, cost, allowed, rules)
    if isinstance(parts, Refused):
        return parts
    cost, member = parts.cost, parts.member
    account = min(case.account_available, member) if case.account_available else NOTHING
    return Priced(
        total=cost.total,
        fund=parts.fund,
        member=member,
        member_account=account,
        member_cash=member - account if account else member,
        institution=parts.institution,
        other_fund=parts.other_fund,
        desk=_desk(parts),
        steps=(
            *opening.steps,
            *allowed.steps,
            *bed_steps,
            *_outside_steps(cost, rules),
            *parts.steps,
            *_final_steps(parts, account, opening.decisive),
        ),
        rate_ids=opening.rate_ids + allowed.rate_ids + parts.rate_ids,
        book_hash=book.hash,
        engine=ENGINE,
        decided_on=opened.day,
        expenditure_item=opening.expenditure_item,
        insurance_type=opening.insurance_type,
        benefit=benefit,
        units=parts.units,
    )


def _parts(
    case: Case, claimed: Medical, cost: Cost | None, allowed: Admitted, rules: Day
) -> Parts | Refused:
    if allowed.to_medical is not None:
        if cost is None:
            return Refused(Refusal.COST_NOT_STATED, allowed.to_medical)
        return handed_over(cost, allowed.to_medical)
    if isinstance(claimed, Prenatal):
        return parts_of_check(claimed, cost, rules)
    treatment = treatment_of_case(case, claimed, rules)
    return treatment if isinstance(treatment, Refused) else parts_of(treatment, cost, rules)


def _within_bed_cap(case: Case, rules: Day) -> tuple[Cost | None, tuple[Step, ...]]:
    """The bill with the bed charge above the pool's cap a day moved out of scope."""
    bed, cost = case.bed, case.cost
    cap = rules.ask_if_any(BED_CAP) if bed is not None and cost is not None else None
    if cap is None or bed is None or cost is None:
        return cost, ()
    above = min(bed.charge - cap.value.times(bed.days), cost.in_scope)
    if above.fen <= 0:
        return cost, ()
    less = replace(cost, in_scope=cost.in_scope - above, over_limit=cost.over_limit + above)
    values = (("each", cap.value), ("days", bed.days))
    return less, (Step(StepKind.BED_CAP, cap.citation, above, values),)


def _price_sum(
    case: Case, claimed: Cash, opened: _Opened, book: Book
) -> Priced | Deferred | Refused:
    if isinstance(claimed, AllowanceClaim):
        found = allowance_of(case, claimed, opened.day, opened.rules)
    else:
        found = nutrition_of(case, claimed, opened.day, opened.rules)
    if isinstance(found, Refused):
        return found
    if found.amount is None:
        return Refused(Refusal.BASE_NOT_STATED, found.decisive)
    steps, rate_ids = _sum_opening(found, opened)
    rules, amount = opened.rules, found.amount
    priced = Priced(
        total=amount,
        fund=amount,
        member=NOTHING,
        member_account=NOTHING,
        member_cash=NOTHING,
        institution=NOTHING,
        other_fund=NOTHING,
        desk=Desk(amount, NOTHING),
        steps=(*steps, Step(StepKind.FUND_PAYS, found.decisive, amount)),
        rate_ids=rate_ids,
        book_hash=book.hash,
        engine=ENGINE,
        decided_on=opened.day,
        expenditure_item=rules.ask(EXPENDITURE_ITEM).value,
        insurance_type=rules.ask(INSURANCE_TYPE).value,
        benefit=benefit_of(claimed),
        days=found.days,
        payee=found.payee,
    )
    if found.until is None:
        return priced
    reason = next(step for step in found.steps if step.kind is found.reason)
    return Deferred(found.until, reason, priced)


def _sum_opening(found: Sum, opened: _Opened) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """What opens the steps of a sum: the day that decides, and where it is charged."""
    head, rate_ids, _, _ = _headed(opened)
    return (*head, *found.steps), tuple(dict.fromkeys((*rate_ids, *found.rate_ids)))


@dataclass(frozen=True, slots=True)
class _Opening:
    """What holds before the bill is looked at: it follows from the member and the day alone."""

    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    insurance_type: InsuranceType
    expenditure_item: ExpenditureItem
    decisive: Citation


def _opening(member: Member, benefit: Benefit, opened: _Opened) -> _Opening | Refused:
    key = ("opening", opened.which.rate_id, opened.day, benefit, member)
    return opened.rules.remember(key, lambda: _open_bill(member, benefit, opened))


def _open_bill(member: Member, benefit: Benefit, opened: _Opened) -> _Opening | Refused:
    rules = opened.rules
    cell = MAIN[benefit]
    main: Sourced[Any] = rules.ask(cell)
    entitling = entitlement(member, opened.day, rules)
    if isinstance(entitling, Refused):
        return entitling
    head, rate_ids, insurance_type, item = _headed(opened)
    return _Opening(
        steps=(*head, *entitling.steps),
        rate_ids=(*rate_ids, *entitling.rate_ids, main.rate_id, rules.ask(CATALOGUE).rate_id),
        insurance_type=insurance_type,
        expenditure_item=item,
        decisive=main.citation,
    )


Headed = tuple[tuple[Step, ...], tuple[str, ...], InsuranceType, ExpenditureItem]


def _headed(opened: _Opened) -> Headed:
    """The first three steps of every answer: which day, which insurance, which item."""
    rules, which = opened.rules, opened.which
    insurance_type, item = rules.ask(INSURANCE_TYPE), rules.ask(EXPENDITURE_ITEM)
    decides = (("which", which.value.value), ("day", opened.day))
    under = (("insurance_type", insurance_type.value.value),)
    charged = (("item", item.value.value),)
    steps = (
        Step(StepKind.DATE_DECIDES, which.citation, None, decides),
        Step(StepKind.SETTLED_UNDER, insurance_type.citation, None, under),
        Step(StepKind.CHARGED_TO, item.citation, None, charged),
    )
    rate_ids = (which.rate_id, insurance_type.rate_id, item.rate_id)
    return steps, rate_ids, insurance_type.value, item.value


MAIN: dict[Benefit, Cell[Any]] = {
    Benefit.DELIVERY: DELIVERY,
    Benefit.PRENATAL: PRENATAL,
    Benefit.LOSS: LOSS,
    Benefit.FAMILY_PLANNING: FAMILY_PLANNING,
    Benefit.COMPLICATION: COMPLICATION,
    Benefit.ALLOWANCE: ALLOWANCE,
    Benefit.NUTRITION: NUTRITION,
}
"""The cell that each benefit is paid by: where it has none in a pool, it is not covered."""


def _desk(parts: Parts) -> Desk:
    """The receipt: with what another fund takes, its two parts add up to the bill, so what the
    hospital bears or keeps after clearing never shows on it."""
    fund = parts.fund + parts.institution if parts.institution else parts.fund
    return Desk(fund=fund, member=parts.member)


def _outside_steps(cost: Cost, rules: Day) -> tuple[Step, ...]:
    outside = cost.outside()
    if not outside:
        return ()
    values = (
        ("out_of_scope", cost.out_of_scope),
        ("over_limit", cost.over_limit),
        ("first_copay", cost.first_copay),
    )
    return (Step(StepKind.OUTSIDE_SCOPE, rules.ask(CATALOGUE).citation, outside, values),)


def _final_steps(parts: Parts, account: Money, cited: Citation) -> tuple[Step, ...]:
    steps = [
        Step(StepKind.FUND_PAYS, cited, parts.fund),
        Step(StepKind.MEMBER_PAYS, cited, parts.member),
    ]
    if account:
        cash = (("cash", parts.member - account),)
        steps.append(Step(StepKind.FROM_ACCOUNT, cited, account, cash))
    if parts.institution.fen > 0:
        steps.append(Step(StepKind.HOSPITAL_BEARS, cited, parts.institution))
    elif parts.institution.fen < 0:
        steps.append(Step(StepKind.HOSPITAL_KEEPS, cited, -parts.institution))
    return tuple(steps)


_NO_RULE = {
    "pool_unknown": Refusal.POOL_UNKNOWN,
    "never": Refusal.NOT_COVERED,
    "not_yet": Refusal.NO_RULE_ON_DATE,
}


def no_rule(none: NoRule) -> Refused:
    """That a rule is missing, as a refusal."""
    return Refused(_NO_RULE[none.why], None, (("rule", none.cell),))
