"""Whether a stay may be settled, and at what: the one judgement behind quote and settlement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from services.settlement.domain.agreement import Agreement
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.claimed import Medical
from services.settlement.domain.course import EMPTY, Course, UnitEntry
from services.settlement.domain.institution import Institution
from services.settlement.domain.person import PersonState, Spell, member_of, spell_on
from services.settlement.domain.pregnancy import Pregnancy, end_after
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.pricing import Priced, price
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome, Stay, StayState, unlike_lines
from services.settlement.domain.surgery import Surgery
from services.settlement.domain.visiting import entrusted_visit, uses_of
from shared.money import Money
from shared.policy.book import Book, NoRule
from shared.policy.cells import DECIDING_DATE, STATE_AGE_DAYS_MAX
from shared.policy.shapes import Benefit, Procedure

ENDINGS = frozenset({Benefit.DELIVERY, Benefit.LOSS})
"""What ends a pregnancy: one of them, once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A stay that may be settled: its price, and the facts that the price rests on.

    `pregnancy_end` is given where the pregnancy ends with the case, `pregnancy_version` where there
    is one, whose days and limits the judgement rests on; `uses` is what is used of its limits.
    """

    stay: Stay
    outcome: Outcome
    agreement: Agreement
    pregnancy_end: date | None
    pregnancy_version: int | None
    person: PersonState
    spell: Spell
    case: Case
    priced: Priced
    uses: tuple[UnitEntry, ...]


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
    course: Course = EMPTY,
    known_on: date | None = None,
) -> Judged | Refused:
    """Judge a stay with the outcome that its record states; the first reason to refuse counts.

    `today` is the day of settling; the book is asked for what it said on `known_on`, by default
    that same day.
    """
    if stay.cost.total != outcome.bill:
        return unlike_lines(stay)
    if agreement is None:
        return Refused(Refusal.NO_AGREEMENT)
    unfit = _unfit(stay, outcome, pregnancy, course)
    if unfit is not None:
        return Refused(unfit)
    known = belonging(person, stay.person_ref, stay.pool_code, outcome.event_on, book, now, today)
    if isinstance(known, Refused):
        return known
    person, spell = known
    claimed, weeks, said_on = outcome.claimed, 0, known_on or today
    if isinstance(claimed, Prenatal) and pregnancy is not None:
        entrusted = entrusted_visit(claimed, stay, outcome, pregnancy, course, spell, book, said_on)
        if isinstance(entrusted, Refused):
            return entrusted
        claimed, weeks = entrusted
    case = case_of(stay, outcome, claimed, agreement.level, person, spell, book, today, said_on)
    priced = price(case, book)
    if isinstance(priced, Refused):
        return priced
    assert isinstance(priced, Priced)  # noqa: S101 - only sums are ever deferred
    ends = pregnancy is not None and stay.benefit in ENDINGS
    return Judged(
        stay=stay,
        outcome=outcome,
        agreement=agreement,
        pregnancy_end=end_after(pregnancy, outcome.event_on) if ends and pregnancy else None,
        pregnancy_version=pregnancy.version if pregnancy else None,
        person=person,
        spell=spell,
        case=case,
        priced=priced,
        uses=uses_of(priced.units, course, stay.institution_code, weeks) if priced.units else (),
    )


def may_be_settled(stay: Stay, bill: Money, rival: Benefit | None) -> Refusal | Refused | None:
    """Why a stay may not be settled now, whatever it is worth."""
    if stay.state is StayState.CANCELLED:
        return Refusal.STAY_CANCELLED
    if stay.state is StayState.SETTLED:
        return Refusal.STAY_ALREADY_SETTLED
    ended = already_ended(stay, rival)
    if ended is not None:
        return ended
    if stay.state is not StayState.DISCHARGED or stay.outcome is None:
        return Refusal.STAY_NOT_DISCHARGED
    if stay.outcome.bill != bill:
        return unlike_lines(stay)
    return None


def already_ended(stay: Stay, rival: Benefit | None) -> Refusal | None:
    """A pregnancy's birth or loss is settled once, and one of them excludes the other."""
    if rival is None or stay.benefit not in ENDINGS:
        return None
    delivered = rival is Benefit.DELIVERY
    return Refusal.DELIVERY_ALREADY_SETTLED if delivered else Refusal.LOSS_ALREADY_SETTLED


def already_operated(
    outcome: Outcome, operated: Collection[tuple[date, Procedure]]
) -> Refusal | None:
    """A person's surgery of one kind is settled once a day, in whatever hospital; `operated` are
    those that are."""
    surgery = outcome.claimed
    if isinstance(surgery, Surgery) and (outcome.event_on, surgery.procedure) in operated:
        return Refusal.SURGERY_ALREADY_SETTLED
    return None


def _unfit(
    stay: Stay, outcome: Outcome, pregnancy: Pregnancy | None, course: Course
) -> Refusal | None:
    """Why the stay does not fit its pregnancy, and what else was settled of it."""
    if stay.benefit is Benefit.FAMILY_PLANNING:
        return None
    if pregnancy is None:
        return Refusal.PREGNANCY_UNKNOWN
    if pregnancy.person_ref != stay.person_ref:
        return Refusal.PREGNANCY_OF_ANOTHER_PERSON
    before = outcome.event_on < pregnancy.period.start
    if stay.benefit in ENDINGS:
        if before:
            return Refusal.BIRTH_BEFORE_PREGNANCY
        return Refusal.SERVICE_COVERED_TWICE if course.holds_visits else None
    if before:
        return Refusal.OUTSIDE_PREGNANCY
    if isinstance(outcome.claimed, Prenatal):
        end = pregnancy.period.end
        if end is not None and outcome.event_on >= end and not outcome.claimed.postnatal:
            return Refusal.OUTSIDE_PREGNANCY
        return Refusal.SERVICE_COVERED_TWICE if course.within_ending else None
    return None


def belonging(
    person: PersonState | None, person_ref: str, pool: str, on: date, book: Book, now: datetime,
    today: date,
) -> tuple[PersonState, Spell] | Refused:  # fmt: skip
    """A person whose state is known and recent, and the spell in which she belongs to a pool."""
    if person is None:
        return Refused(Refusal.PERSON_UNKNOWN, None, (("person_ref", person_ref),))
    # First how old the state is: who moved into the pool since is not refused as no member of it.
    if _too_old(person, pool, book, now, today):
        return Refused(Refusal.PERSON_STATE_TOO_OLD, None, (("person_ref", person_ref),))
    spell = spell_on(person, pool, on)
    if spell is None:
        return Refused(Refusal.PERSON_NOT_OF_POOL)
    return person, spell


def _too_old(person: PersonState, pool: str, book: Book, now: datetime, today: date) -> bool:
    try:
        days = book.ask(pool, STATE_AGE_DAYS_MAX, on=today, known_on=today).value
    except NoRule:
        return False  # pricing refuses what no rule speaks of, with its own reason
    return person.older_than(days, now)


def case_of(
    stay: Stay, outcome: Outcome, claimed: Medical, level: int, person: PersonState, spell: Spell,
    book: Book, today: date, known_on: date,
) -> Case:  # fmt: skip
    """The case that a stay's record and a person's state make; `level` is the hospital's."""
    dates = Dates(stay.admitted_on, outcome.event_on, outcome.discharged_on, today)
    try:
        rules = book.on(stay.pool_code, spell.kind, on=dates.event, known_on=known_on)
        day = dates.chosen(rules.ask(DECIDING_DATE).value)
    except NoRule:
        day = dates.event  # as above: the same question is asked again, and refused, in pricing
    return Case(
        pool=stay.pool_code,
        member=member_of(person, spell, day),
        claimed=claimed,
        dates=dates,
        known_on=known_on,
        institution=Institution(level),
        cost=stay.cost,
        circumstances=outcome.circumstances,
    )
