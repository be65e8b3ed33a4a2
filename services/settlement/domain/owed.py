"""What is owed to the fund: a month's contribution, and the fee for being late with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.settlement.domain.member import Member
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.shares import percent
from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.period import Month
from shared.policy.book import Book, Day, NoRule
from shared.policy.cells import (
    AVERAGE_WAGE,
    BASE_BOUNDS,
    EMPLOYER_RATE,
    INDIVIDUAL_RATE,
    LATE_FEE,
    ROUNDING,
)
from shared.policy.contributions import due, within_bounds

_NO_RULE = {
    "pool_unknown": Refusal.POOL_UNKNOWN,
    "never": Refusal.NOT_COVERED,
    "not_yet": Refusal.NO_RULE_ON_DATE,
}


@dataclass(frozen=True, slots=True)
class Owed:
    """total = employer + individual; a late fee is the employer's."""

    employer: Money
    individual: Money
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    book_hash: str

    def total(self) -> Money:
        """All that is owed."""
        return self.employer + self.individual


def contribution_owed(
    pool: str, member: Member, wage: Money, month: Month, known_on: date, book: Book
) -> Owed | Refused:
    """A month's contribution on a wage; who owes nothing is told so, with the article."""
    try:
        rules = book.on(pool, member.kind, on=month.first_day(), known_on=known_on)
        return _contribution(member, wage, rules, book)
    except NoRule as none:
        return Refused(_NO_RULE[none.why], None, (("rule", none.cell),))


def _contribution(member: Member, wage: Money, rules: Day, book: Book) -> Owed | Refused:
    employer, individual = rules.ask(EMPLOYER_RATE), rules.ask(INDIVIDUAL_RATE)
    rounding = rules.ask(ROUNDING)
    only = employer.value.only_for
    if only is not None and member.employer is not None and member.employer not in only:
        return Refused(Refusal.NOT_COVERED, employer.citation)
    base, base_steps, base_rates = _base(wage, rules)
    owed = due(base, employer.value, individual.value, rounding.value)
    rates = employer.value
    of_employer = (
        ("base", base),
        ("medical", percent(rates.medical)),
        ("maternity", percent(rates.maternity)),
    )
    of_person = (("base", base), ("percent", percent(individual.value)))
    return Owed(
        owed.employer,
        owed.individual,
        (
            *base_steps,
            Step(StepKind.EMPLOYER_OWES, employer.citation, owed.employer, of_employer),
            Step(StepKind.INDIVIDUAL_OWES, individual.citation, owed.individual, of_person),
        ),
        (*base_rates, employer.rate_id, individual.rate_id, rounding.rate_id),
        book.hash,
    )


def _base(wage: Money, rules: Day) -> tuple[Money, tuple[Step, ...], tuple[str, ...]]:
    bounds, average = rules.ask_if_any(BASE_BOUNDS), rules.ask_if_any(AVERAGE_WAGE)
    if bounds is None or average is None:
        return wage, (), ()
    rounding = rules.ask(ROUNDING).value
    base = within_bounds(wage, bounds.value, average.value, rounding)
    rates = (bounds.rate_id, average.rate_id)
    if base == wage:
        return base, (), rates
    kind = StepKind.BASE_RAISED if base > wage else StepKind.BASE_LOWERED
    values = (("before", wage), ("average", average.value))
    return base, (Step(kind, bounds.citation, base, values),), rates


def late_fee_owed(
    pool: str, member: Member, arrears: Money, days: int, on: date, known_on: date, book: Book
) -> Owed | Refused:
    """The fee for `days` of arrears, from the first day on. The employer bears it."""
    try:
        rules = book.on(pool, member.kind, on=on, known_on=known_on)
        rule, rounding = rules.ask(LATE_FEE), rules.ask(ROUNDING)
    except NoRule as none:
        return Refused(_NO_RULE[none.why], None, (("rule", none.cell),))
    exact = rule.value.per_day * days
    fee = arrears.at_rate(exact, rounding.value.mode, rounding.value.step.fen)
    values = (("arrears", arrears), ("days", days), ("percent", percent(rule.value.per_day)))
    step = Step(StepKind.LATE_FEE, rule.citation, fee, values)
    return Owed(fee, NOTHING, (step,), (rule.rate_id, rounding.rate_id), book.hash)
