"""What a month's contribution comes to: one rate for both insurances, rounded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.enrollment.domain.refusals import Refusal
from shared.money import Money
from shared.period import Month
from shared.policy.book import Book, NoRule
from shared.policy.cells import EMPLOYER_RATE, INDIVIDUAL_RATE, ROUNDING
from shared.policy.rules import Sourced
from shared.policy.shapes import EmployerRate, MemberKind, Rounding


@dataclass(frozen=True, slots=True)
class Rates:
    """A month's rates of one kind of member, each with its citation, and the pool's rounding."""

    employer: Sourced[EmployerRate]
    individual: Sourced[Decimal]
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed on a base: the employer's part and the individual's."""

    base: Money
    employer: Money
    individual: Money

    def total(self) -> Money:
        """Both parts: the fund's and the personal account's income of the month."""
        return self.employer + self.individual


def rates_of(
    book: Book, pool_code: str, kind: MemberKind, on: date, known_on: date
) -> Rates | Refusal:
    """The rates in force on a day, as known on another; a day without a rule is refused."""
    try:
        day = book.on(pool_code, kind, on=on, known_on=known_on)
        return Rates(day.ask(EMPLOYER_RATE), day.ask(INDIVIDUAL_RATE), day.ask(ROUNDING).value)
    except NoRule:
        return Refusal.NO_RULE


def month_rates(
    book: Book, pool_code: str, kind: MemberKind, month: Month, known_on: date
) -> Rates | Refusal:
    """The rates of a month: those of its first day."""
    return rates_of(book, pool_code, kind, month.first_day(), known_on)


def due(base: Money, rates: Rates) -> Due:
    """The parts of a month's contribution.

    The employer's part is the base at the sum of the medical and the maternity rate, rounded
    once: the two rounded apart differ by a fen on many bases (invariant E04).
    """
    step, mode = rates.rounding.step.fen, rates.rounding.mode
    return Due(
        base,
        base.at_rate(rates.employer.value.total, mode, step),
        base.at_rate(rates.individual.value, mode, step),
    )
