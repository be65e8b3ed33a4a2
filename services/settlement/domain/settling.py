"""Whether a stay may be settled, and at what: the one judgement behind quote and settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.settlement.domain.agreement import Agreement
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.institution import Institution
from services.settlement.domain.person import PersonState, Spell, member_of, spell_on
from services.settlement.domain.pregnancy import Pregnancy, end_by_birth
from services.settlement.domain.pricing import Priced, price
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome, Stay, StayState
from shared.money import Money
from shared.policy.book import Book, NoRule
from shared.policy.cells import DECIDING_DATE, STATE_AGE_DAYS_MAX


@dataclass(frozen=True, slots=True)
class Judged:
    """A stay that may be settled: its price, and the facts that the price rests on."""

    stay: Stay
    outcome: Outcome
    agreement: Agreement
    pregnancy_end: date
    person: PersonState
    spell: Spell
    priced: Priced


def judge(
    *,
    stay: Stay,
    outcome: Outcome,
    agreement: Agreement | None,
    pregnancy: Pregnancy | None,
    person: PersonState | None,
    book: Book,
    now: datetime,
    today: date,
    known_on: date | None = None,
) -> Judged | Refused:
    """Judge a stay with the outcome that its record states; the first reason to refuse counts.

    `today` is the day of settling; the book is asked for what it said on `known_on`, by default
    that same day.
    """
    if stay.cost.total != outcome.bill:
        return Refused(Refusal.LINES_DO_NOT_SUM)
    if agreement is None:
        return Refused(Refusal.NO_AGREEMENT)
    if pregnancy is None:
        return Refused(Refusal.PREGNANCY_UNKNOWN)
    if pregnancy.person_ref != stay.person_ref:
        return Refused(Refusal.PREGNANCY_OF_ANOTHER_PERSON)
    ended = end_by_birth(pregnancy, outcome.event_on)
    if ended is None:
        return Refused(Refusal.BIRTH_BEFORE_PREGNANCY)
    if person is None:
        return Refused(Refusal.PERSON_UNKNOWN, None, (("person_ref", stay.person_ref),))
    spell = spell_on(person, stay.pool_code, outcome.event_on)
    if spell is None:
        return Refused(Refusal.PERSON_NOT_OF_POOL)
    if _too_old(person, stay.pool_code, book, now, today):
        return Refused(Refusal.PERSON_STATE_TOO_OLD, None, (("person_ref", stay.person_ref),))
    priced = price(
        _case(stay, outcome, agreement, person, spell, book, today, known_on or today), book
    )
    if isinstance(priced, Refused):
        return priced
    assert isinstance(priced, Priced)  # noqa: S101 - only sums are ever deferred
    return Judged(stay, outcome, agreement, ended, person, spell, priced)


def may_be_settled(stay: Stay, bill: Money, rival: bool) -> Refusal | None:
    """Why a stay may not be settled now, whatever it is worth."""
    if stay.state is StayState.SETTLED:
        return Refusal.STAY_ALREADY_SETTLED
    if rival:
        return Refusal.DELIVERY_ALREADY_SETTLED
    if stay.state is not StayState.DISCHARGED or stay.outcome is None:
        return Refusal.STAY_NOT_DISCHARGED
    if stay.outcome.bill != bill:
        return Refusal.LINES_DO_NOT_SUM
    return None


def _too_old(person: PersonState, pool: str, book: Book, now: datetime, today: date) -> bool:
    try:
        days = book.ask(pool, STATE_AGE_DAYS_MAX, on=today, known_on=today).value
    except NoRule:
        return False  # pricing refuses what no rule speaks of, with its own reason
    return person.older_than(days, now)


def _case(
    stay: Stay, outcome: Outcome, agreement: Agreement, person: PersonState, spell: Spell,
    book: Book, today: date, known_on: date,
) -> Case:  # fmt: skip
    dates = Dates(stay.admitted_on, outcome.event_on, outcome.discharged_on, today)
    try:
        rules = book.on(stay.pool_code, spell.kind, on=dates.event, known_on=known_on)
        day = dates.chosen(rules.ask(DECIDING_DATE).value)
    except NoRule:
        day = dates.event  # as above: the same question is asked again, and refused, in pricing
    return Case(
        pool=stay.pool_code,
        member=member_of(person, spell, day),
        claimed=outcome.delivery,
        dates=dates,
        known_on=known_on,
        institution=Institution(agreement.level),
        cost=stay.cost,
    )
