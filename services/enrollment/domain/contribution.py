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
from shared.policy.contributions import Due as Due
from shared.policy.contributions import EmployerRate
from shared.policy.contributions import due as due_on
from shared.policy.rules import Sourced
from shared.policy.shapes import MemberKind, Rounding


@dataclass(frozen=True, slots=True)
class Rates:
    """A month's rates of one kind of member, each with its citation, and the pool's rounding."""

    employer: Sourced[EmployerRate]
    individual: Sourced[Decimal]
    rounding: Rounding


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
    """The parts of a month's contribution at these rates."""
    return due_on(base, rates.employer.value, rates.individual.value, rates.rounding)
