"""Prenatal and postnatal checks: what of a visit's cost falls within the pregnancy's limits."""

from __future__ import annotations

from typing import assert_never

from services.settlement.domain.cost import Cost
from services.settlement.domain.parts import Parts, without_bill
from services.settlement.domain.prenatal import Prenatal, UnitUse
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.policy.book import Day
from shared.policy.cells import PRENATAL, PRENATAL_AMOUNT
from shared.policy.prenatal import (
    Excess,
    FixedSum,
    OneLimit,
    PerCapita,
    PerUnit,
    Staged,
    Unit,
)
from shared.policy.rules import Citation, Sourced

PREGNANCY = "pregnancy"
"""The unit of a limit that belongs to the pregnancy as a whole."""
HEAD = "head"
"""The unit of a head: per capita, for the whole pregnancy."""


def parts_of_check(visit: Prenatal, cost: Cost | None, rules: Day) -> Parts | Refused:
    """Apply the pool's way of paying checks. Raises NoRule."""
    rule = rules.ask(PRENATAL)
    method = rule.value
    match method:
        case PerUnit():
            return _per_unit(visit, method, cost, rule.citation)
        case Staged():
            return _staged(visit, method, cost, rule.citation)
        case PerCapita():
            return _per_capita(visit, method, cost, rule.citation, rules.ask(PRENATAL_AMOUNT))
        case OneLimit():
            return _one_limit(visit, method, cost, rule.citation, rules.ask(PRENATAL_AMOUNT))
        case FixedSum():
            return _fixed_sum(visit, method, cost, rule.citation, rules.ask(PRENATAL_AMOUNT))
        case _:
            assert_never(method)


def _per_unit(
    visit: Prenatal, method: PerUnit, cost: Cost | None, cited: Citation
) -> Parts | Refused:
    unit = unit_of(visit, method.units)
    if unit is None:
        return Refused(_why_no_unit(visit), cited)
    values = (("unit", unit.id),)
    step = Step(StepKind.UNIT_LIMIT, cited, unit.limit, values)
    return _up_to(visit, unit.id, unit.limit, unit.limit, cost, method.excess, cited, (step,))


def unit_of(visit: Prenatal, units: tuple[Unit, ...]) -> Unit | None:
    """The unit that a visit belongs to: the one it names, else the one of its week.

    After the birth it is the last one; the high-risk rule opens a unit before its window.
    """
    if visit.unit is not None:
        return next((unit for unit in units if unit.id == visit.unit), None)
    if visit.postnatal:
        return units[-1]
    week = visit.week
    if week is None:
        return None
    if visit.high_risk:
        early = [unit for unit in units if unit.high_risk_earlier and week < unit.from_week]
        if early:
            return early[0]
    return next(
        unit for unit in reversed(units) if unit.from_week <= week
    )  # the windows leave no week out


def _why_no_unit(visit: Prenatal) -> Refusal:
    return Refusal.WEEK_NOT_STATED if visit.unit is None else Refusal.UNIT_UNKNOWN


def _staged(visit: Prenatal, method: Staged, cost: Cost | None, cited: Citation) -> Parts | Refused:
    reached = unit_of(visit, method.stages)
    if reached is None:
        return Refused(_why_no_unit(visit), cited)
    open_stages = method.stages[: method.stages.index(reached) + 1]
    limit = Money.total(stage.limit for stage in open_stages)
    step = Step(StepKind.STAGE_LIMIT, cited, limit, (("unit", reached.id),))
    return _up_to(visit, PREGNANCY, limit, limit, cost, method.excess, cited, (step,))


def _one_limit(
    visit: Prenatal, method: OneLimit, cost: Cost | None, cited: Citation, whole: Sourced[Money]
) -> Parts:
    limit, steps = whole.value, [Step(StepKind.PREGNANCY_LIMIT, whole.citation, whole.value)]
    of_visit = limit
    if visit.first_visit and method.first_visit is not None:
        of_visit = method.first_visit
        steps.append(Step(StepKind.FIRST_VISIT_LIMIT, cited, of_visit))
    found = _up_to(
        visit, PREGNANCY, limit, of_visit, cost, method.excess, cited, tuple(steps), whole.rate_id
    )
    return found


def _up_to(
    visit: Prenatal, unit: str, limit: Money, of_visit: Money, cost: Cost | None, excess: Excess,
    cited: Citation, steps: tuple[Step, ...], *rate_ids: str,
) -> Parts:  # fmt: skip
    """The in-scope cost, up to what is left of the limit and to what this visit may use."""
    used = visit.used.get(unit, NOTHING)
    left = max(NOTHING, limit - used)
    if used:
        steps = (*steps, Step(StepKind.LIMIT_LEFT, cited, left, (("used", used),)))
    most = min(left, of_visit)
    if cost is None:
        use = UnitUse(unit, most, limit)
        return without_bill(most, cited, steps, rate_ids, (use,))
    fund = min(cost.in_scope, most)
    above = cost.in_scope - fund
    other = above if excess == "other_fund" else NOTHING
    if above:
        kind = StepKind.EXCESS_HANDED_OVER if other else StepKind.EXCESS_BY_MEMBER
        steps = (*steps, Step(kind, cited, above))
    return Parts(
        cost, fund, cost.total - fund - other, NOTHING, steps, rate_ids, other,
        (UnitUse(unit, fund, limit),),
    )  # fmt: skip


def _fixed_sum(
    visit: Prenatal, method: FixedSum, cost: Cost | None, cited: Citation, whole: Sourced[Money]
) -> Parts:
    """A sum to her credit: what is left of it, up to the bill unless the clause pays above it."""
    used = visit.used.get(PREGNANCY, NOTHING)
    left = max(NOTHING, whole.value - used)
    steps: tuple[Step, ...] = (Step(StepKind.FIXED_SUM, whole.citation, whole.value),)
    if used:
        steps = (*steps, Step(StepKind.LIMIT_LEFT, cited, left, (("used", used),)))
    rate_ids = (whole.rate_id,)
    if cost is None:
        use = UnitUse(PREGNANCY, left, whole.value)
        return without_bill(left, cited, steps, rate_ids, (use,))
    fund = left if method.even_above_bill else min(left, cost.total)
    if fund > cost.total:
        paid = Step(StepKind.PAID_ABOVE_BILL, cited, fund - cost.total)
        cost, steps = cost.raised_to(fund), (*steps, paid)
    elif fund < left:
        steps = (*steps, Step(StepKind.LIMITED_TO_BILL, cited, fund))
    return Parts(
        cost, fund, cost.total - fund, NOTHING, steps, rate_ids,
        units=(UnitUse(PREGNANCY, fund, whole.value),),
    )  # fmt: skip


def _per_capita(
    visit: Prenatal, method: PerCapita, cost: Cost | None, cited: Citation, whole: Sourced[Money]
) -> Parts | Refused:
    """The head pays the hospital for all checks: what a visit costs is the hospital's."""
    if visit.postnatal and not method.includes_postnatal:
        return Refused(Refusal.NOT_COVERED, cited)
    head, used = whole.value, visit.used.get(HEAD, NOTHING)
    due = head_slice(head, visit, method)
    fund = max(NOTHING, min(due, head - used))
    steps = [Step(StepKind.HEAD, whole.citation, head)]
    part = visit.head
    if part is not None and part.from_week is not None and part.until_week is not None:
        values = (("from", part.from_week), ("to", part.until_week))
        steps.append(Step(StepKind.HEAD_SLICE, cited, fund, values))
    rate_ids, units = (whole.rate_id,), (UnitUse(HEAD, fund, head),)
    if cost is None:
        return without_bill(fund, cited, tuple(steps), rate_ids, units)
    member = cost.outside()
    institution = cost.total - fund - member
    return Parts(cost, fund, member, institution, tuple(steps), rate_ids, units=units)


def head_slice(head: Money, visit: Prenatal, method: PerCapita) -> Money:
    """What the weeks of the visit's slice are worth; the slices of a course add up to the head.

    Half up to the fen at each boundary, so that neighbours meet without a fen between them.
    """
    part = visit.head
    if part is None or part.from_week is None or part.until_week is None:
        return head
    return _up_to_week(head, part.until_week, method.weeks) - _up_to_week(
        head, part.from_week, method.weeks
    )


def _up_to_week(head: Money, week: int, weeks: int) -> Money:
    elapsed = min(max(week, 0), weeks)
    return Money((2 * head.fen * elapsed + weeks) // (2 * weeks))
