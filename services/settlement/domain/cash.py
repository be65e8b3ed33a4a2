"""The benefits that pay a sum: the allowance for days of leave, and the nutrition subsidy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from services.settlement.domain.allowance import AllowanceClaim, NutritionClaim
from services.settlement.domain.case import Case
from services.settlement.domain.entitlement import asked_of, continuous_months, contributions
from services.settlement.domain.leave import Leave, leave_of
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.money import Money, RoundingMode
from shared.period import Month
from shared.policy.book import Day
from shared.policy.cells import (
    ALLOWANCE,
    ALLOWANCE_DUE,
    AVERAGE_WAGE,
    CASH_WAITING,
    INTERRUPTION,
    NUTRITION,
)
from shared.policy.leave import Allowance, AllowanceDue
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import CashWaiting, RoundingStep


@dataclass(frozen=True, slots=True)
class Sum:
    """What is paid, for how many days, and to whom; `until` where it is due only then.

    `amount` None: the days are known, the base is not.
    """

    amount: Money | None
    days: int
    payee: str
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    decisive: Citation
    until: date | None
    reason: StepKind | None


def allowance_of(case: Case, claim: AllowanceClaim, on: date, rules: Day) -> Sum | Refused:
    """The allowance of a claim by the rules of the day `on`. Raises NoRule."""
    rule = rules.ask(ALLOWANCE)
    if case.member.employer is not None and case.member.employer in rule.value.not_for:
        values = (("employer", case.member.employer.value),)
        return Refused(Refusal.NO_ALLOWANCE_FROM_THIS_EMPLOYER, rule.citation, values)
    waited = _waited(case, on, rules)
    if isinstance(waited, Refused):
        return waited
    leave = leave_of(claim, on, rules)
    if isinstance(leave, Refused):
        return leave
    rate_ids = (rule.rate_id, leave.rate_id, *waited.rate_ids)
    steps = (*waited.steps, *leave.steps)
    amount = None
    base = _base(claim, rule, rules)
    if base is not None:
        rate_ids = (*rate_ids, *base.rate_ids)
        paid = _amount(claim, base, leave, rule)
        amount, steps = paid.amount, (*steps, *paid.steps)
        if waited.share is not None:
            amount, step = _pro_rata(amount, waited.share, rule.value.rounding)
            steps = (*steps, step)
        steps = (*steps, *_beside(claim, amount, leave, rule))
    due = _due_step(case, claim, rules)
    payee = Step(StepKind.PAID_TO, rule.citation, None, (("payee", rule.value.payee),))
    return Sum(
        amount, leave.days, rule.value.payee, (*steps, payee, *due), rate_ids, rule.citation,
        waited.until, waited.reason,
    )  # fmt: skip


def nutrition_of(case: Case, claim: NutritionClaim, on: date, rules: Day) -> Sum | Refused:
    """The one-off subsidy by the rules of the day `on`. Raises NoRule."""
    rule = rules.ask(NUTRITION)
    terms = rule.value
    least = terms.loss_from_week
    if claim.loss_weeks is not None and (least is None or claim.loss_weeks < least):
        return Refused(Refusal.NOT_COVERED, rule.citation)
    waited = _waited(case, on, rules)
    if isinstance(waited, Refused):
        return waited
    if terms.amount is not None:
        amount = terms.amount
        step = Step(StepKind.SUBSIDY_AMOUNT, rule.citation, amount)
    else:
        assert terms.share_of_annual_wage is not None  # noqa: S101 - the clause sets one of them
        assert terms.rounding is not None  # noqa: S101
        if claim.annual_wage is None:
            return Refused(Refusal.WAGE_NOT_STATED, rule.citation)
        rate, rounding = terms.share_of_annual_wage, terms.rounding
        amount = claim.annual_wage.at_rate(rate, rounding.mode, rounding.step.fen)
        values = (("wage", claim.annual_wage),)
        step = Step(StepKind.SUBSIDY_SHARE, rule.citation, amount, values)
    steps = (*waited.steps, step)
    if waited.share is not None:
        whole = terms.rounding or _TO_THE_FEN
        amount, part = _pro_rata(amount, waited.share, whole)
        steps = (*steps, part)
    return Sum(
        amount, 0, "person", steps, (rule.rate_id, *waited.rate_ids), rule.citation,
        waited.until, waited.reason,
    )  # fmt: skip


class _Share(NamedTuple):
    """What a sum is cut to: months paid of those that the rule asks."""

    paid: int
    asked: int
    cited: Citation


@dataclass(frozen=True, slots=True)
class _Waited:
    """The waiting period of a cash benefit: met, or what follows from its shortness."""

    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    until: date | None = None
    reason: StepKind | None = None
    share: _Share | None = None


def _waited(case: Case, on: date, rules: Day) -> _Waited | Refused:
    interruption = rules.ask(INTERRUPTION)
    current = contributions(case.member, on, interruption, for_medical=False)
    if isinstance(current, Refused):
        return current
    rule = rules.ask(CASH_WAITING)
    member, month, cited = case.member, Month.of(on), rule.citation
    asked = asked_of(member, rule.value.months, rules)
    rate_ids = (interruption.rate_id, rule.rate_id, *asked.rate_ids)
    if member.months_paid is None:
        stated = (("months_asked", asked.months),)
        step = asked.waived or Step(StepKind.WAITING_NOT_STATED, cited, None, stated)
        return _Waited((current, step), rate_ids)
    paid = continuous_months(member, month, interruption.value)
    if paid <= 0:
        return Refused(Refusal.NOT_INSURED_THEN, cited)
    if asked.waived is not None:
        return _Waited((current, asked.waived), rate_ids)
    if paid < asked.months:
        return _short(case, month, _Share(paid, asked.months, cited), current, rule, rate_ids)
    values = (("months_paid", paid), ("months_asked", asked.months))
    return _Waited((current, Step(StepKind.WAITING_MET, cited, None, values)), rate_ids)


def _short(
    case: Case, month: Month, share: _Share, current: Step, rule: Sourced[CashWaiting],
    rate_ids: tuple[str, ...],
) -> _Waited | Refused:  # fmt: skip
    """What becomes of a sum where fewer months were paid than are asked."""
    terms, (paid, asked, cited) = rule.value, share
    values = (("months_paid", paid), ("months_asked", asked))
    if terms.if_short == "refused":
        return Refused(Refusal.WAITING_PERIOD_NOT_MET, cited, values)
    if terms.if_short == "pro_rata":
        return _Waited((current,), rate_ids, share=share)
    if terms.if_short == "deferred":
        reached, reason = month.plus(asked - paid), StepKind.DEFERRED_UNTIL_WAITED
    else:
        assert terms.months_after is not None  # noqa: S101 - the clause states it
        reached, reason = month.plus(terms.months_after), StepKind.EMPLOYER_PAYS_FIRST
    until = case.member.paid_until
    if until is not None and until >= reached:
        later = (*values, ("month", reached))
        return _Waited((current, Step(StepKind.WAITING_REACHED, cited, None, later)), rate_ids)
    step = Step(reason, cited, None, (*values, ("month", reached)))
    return _Waited((current, step), rate_ids, reached.first_day(), reason)


@dataclass(frozen=True, slots=True)
class _Counted:
    """An amount, how it was counted, and the rules beside the allowance's that it rests on."""

    amount: Money
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...] = ()


def _base(claim: AllowanceClaim, rule: Sourced[Allowance], rules: Day) -> _Counted | None:
    """The monthly base, within the pool's bounds; None where no wage is known."""
    stated = _average(claim, rule) or _of_pool(rule, rules)
    if stated is None:
        return None
    terms, base, steps = rule.value, stated.amount, [*stated.steps]
    rate_ids = stated.rate_ids
    if terms.floor is not None or terms.ceiling is not None:
        average = rules.ask(AVERAGE_WAGE)
        rate_ids = (average.rate_id,)
        rounding = terms.average_rounding
        for factor, kind in (
            (terms.floor, StepKind.BASE_RAISED), (terms.ceiling, StepKind.BASE_LOWERED),
        ):  # fmt: skip
            if factor is None:
                continue
            bound = average.value.at_rate(factor, rounding.mode, rounding.step.fen)
            outside = base < bound if kind is StepKind.BASE_RAISED else base > bound
            if outside:
                values = (("before", base), ("average", average.value))
                steps.append(Step(kind, rule.citation, bound, values))
                base = bound
    if terms.minimum is not None and base < terms.minimum:
        steps.append(
            Step(StepKind.BASE_AT_MINIMUM, rule.citation, terms.minimum, (("before", base),))
        )
        base = terms.minimum
    return _Counted(base, tuple(steps), rate_ids)


def _average(claim: AllowanceClaim, rule: Sourced[Allowance]) -> _Counted | None:
    rounding, cited = rule.value.average_rounding, rule.citation
    if claim.base_monthly is not None:
        values = (("of", rule.value.base.of), ("period", rule.value.base.period))
        step = Step(StepKind.BASE_STATED, cited, claim.base_monthly, values)
        return _Counted(claim.base_monthly, (step,))
    if claim.wage_sum is not None and claim.heads is not None:
        average = claim.wage_sum.ratio(1, claim.heads, rounding.mode, rounding.step.fen)
        wages = (("wages", claim.wage_sum), ("heads", claim.heads))
        return _Counted(average, (Step(StepKind.BASE_AVERAGED, cited, average, wages),))
    if claim.employers:
        months = sum(employer.months for employer in claim.employers)
        total = Money.total(each.base_monthly.times(each.months) for each in claim.employers)
        average = total.ratio(1, months, rounding.mode, rounding.step.fen)
        over = (("employers", len(claim.employers)), ("months", months))
        return _Counted(average, (Step(StepKind.BASE_WEIGHTED, cited, average, over),))
    return None


def _of_pool(rule: Sourced[Allowance], rules: Day) -> _Counted | None:
    """The pool's own average, where that is the base and no other was stated."""
    average = rules.ask_if_any(AVERAGE_WAGE) if rule.value.base.of == "pool" else None
    if average is None:
        return None
    step = Step(StepKind.BASE_OF_POOL, average.citation, average.value)
    return _Counted(average.value, (step,), (average.rate_id,))


def _amount(
    claim: AllowanceClaim, base: _Counted, leave: Leave, rule: Sourced[Allowance]
) -> _Counted:
    """Base x days / 30, x 12 / 365, or by whole months; rounded where the pool says."""
    terms, monthly, days = rule.value, base.amount, leave.days
    rounding, daily = terms.rounding, terms.daily_rounding
    if terms.divisor == "months":
        months = (2 * days + 30) // 60
        amount = monthly.ratio(months, 1, rounding.mode, rounding.step.fen)
    else:
        numerator, denominator = _DIVISORS[terms.divisor]
        if daily is None:
            amount = monthly.ratio(numerator * days, denominator, rounding.mode, rounding.step.fen)
        else:
            of_day = monthly.ratio(numerator, denominator, daily.mode, daily.step.fen)
            amount = of_day.ratio(days, 1, rounding.mode, rounding.step.fen)
    values = (("base", monthly), ("days", days), ("divisor", terms.divisor))
    return _Counted(amount, (*base.steps, Step(StepKind.ALLOWANCE, rule.citation, amount, values)))


def _beside(
    claim: AllowanceClaim, amount: Money, leave: Leave, rule: Sourced[Allowance]
) -> Iterator[Step]:
    """What follows from the amount that is paid: the employer's top-up, the instalments."""
    terms, rounding = rule.value, rule.value.rounding
    if terms.tops_up and claim.wage_monthly is not None:
        wage = claim.wage_monthly.ratio(leave.days, 30, rounding.mode, rounding.step.fen)
        if wage > amount:
            yield Step(StepKind.EMPLOYER_TOPS_UP, rule.citation, wage - amount)
    if terms.instalments > 1:
        parts = (("count", terms.instalments), ("first", instalments(amount, terms.instalments)[0]))
        yield Step(StepKind.INSTALMENTS, rule.citation, None, parts)


_DIVISORS = {"30_days": (1, 30), "12_months_over_365_days": (12, 365)}


def instalments(amount: Money, count: int) -> tuple[Money, ...]:
    """The amount in `count` parts that sum to it to the fen; the earlier ones take the rest."""
    each, rest = divmod(amount.fen, count)
    return tuple(Money(each + (number < rest)) for number in range(count))


_TO_THE_FEN = RoundingStep(step=Money(1), mode=RoundingMode.HALF_UP)


def _pro_rata(amount: Money, share: _Share, rounding: RoundingStep) -> tuple[Money, Step]:
    paid, asked, cited = share
    less = amount.ratio(paid, asked, rounding.mode, rounding.step.fen)
    values = (("months_paid", paid), ("months_asked", asked))
    return less, Step(StepKind.PRO_RATA, cited, less, values)


def _due_step(case: Case, claim: AllowanceClaim, rules: Day) -> tuple[Step, ...]:
    """When the pool pays it: counted from the day of the claim (settled), or from the event."""
    rule = rules.ask_if_any(ALLOWANCE_DUE)
    if rule is None:
        return ()
    by = due_by(rule.value, claim, case.dates.event, case.dates.settled)
    days = rule.value.working_days
    if days is None:
        return (Step(StepKind.DUE_IN_MONTH, rule.citation, None, (("month", Month.of(by)),)),)
    values = (("days", days), ("by", by))
    return (Step(StepKind.DUE_WITHIN, rule.citation, None, values),)


def due_by(terms: AllowanceDue, claim: AllowanceClaim, event: date, claimed: date) -> date:
    """The last day of payment by working days (Monday to Friday: public holidays are not known
    here), or the first day of the month in which it is paid."""
    if terms.working_days is not None:
        day, left = claimed, terms.working_days
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5
        return day
    surgery = claim.event == "family_planning"
    months = terms.months_after_surgery if surgery else terms.months_after_birth
    assert months is not None  # noqa: S101 - the clause states both
    return Month.of(event).plus(months).first_day()
