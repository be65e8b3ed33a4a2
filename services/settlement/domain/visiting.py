"""A prenatal visit in its pregnancy's course: what was used before it, and whose head it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.settlement.domain.checks import HEAD
from services.settlement.domain.course import Course, UnitEntry, designated_on, used_next, weeks_due
from services.settlement.domain.person import Spell
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.prenatal import HeadSlice, Prenatal, UnitUse
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome, Stay
from shared.policy.book import Book, NoRule
from shared.policy.cells import PRENATAL
from shared.policy.prenatal import PerCapita
from shared.policy.rules import Sourced

NOTHING_DUE = HeadSlice(0, 0)
"""The slice of a hospital that has been paid all that is its own so far."""


def entrusted_visit(
    visit: Prenatal, stay: Stay, outcome: Outcome, pregnancy: Pregnancy, course: Course,
    spell: Spell, book: Book, today: date,
) -> tuple[Prenatal, int] | Refused:  # fmt: skip
    """The visit with what pricing is to know of its course, and how many weeks of a head it pays.

    Per capita only the designated institution is paid.
    """
    day = outcome.event_on
    used = {state.unit: state.used for state in course.states()}
    rule = _rule(stay, spell, book, day, today)
    if rule is None or not isinstance(rule.value, PerCapita):
        return replace(visit, used=used), 0
    if designated_on(course.designations, day) != stay.institution_code:
        return Refused(Refusal.NOT_DESIGNATED, rule.citation)
    head, weeks = _slice(visit, stay, day, pregnancy, course, rule.value)
    return replace(visit, used=used, head=head), weeks


def _rule(stay: Stay, spell: Spell, book: Book, day: date, today: date) -> Sourced[object] | None:
    try:
        return book.on(stay.pool_code, spell.kind, on=day, known_on=today).ask(PRENATAL)
    except NoRule:
        return None  # pricing asks the same again, and refuses with its own reason


def _slice(
    visit: Prenatal, stay: Stay, day: date, pregnancy: Pregnancy, course: Course, method: PerCapita
) -> tuple[HeadSlice, int]:
    whole, own = HeadSlice(), stay.institution_code
    complete = visit.postnatal or pregnancy.ended_by is not None
    if method.transfer == "first_keeps":
        first = course.designations[0].institution_code
        return (whole if own == first else NOTHING_DUE), 0
    if method.transfer == "last_takes":
        last = course.designations[-1].institution_code
        return (whole if complete and own == last else NOTHING_DUE), 0
    paid, until = weeks_due(
        course, HEAD, own, since=pregnancy.period.start, on=day, of_weeks=method.weeks,
        to_the_end=complete,
    )  # fmt: skip
    # The rest of a head is what was not paid of it, to the fen.
    rest = until == method.weeks
    return (whole if rest else HeadSlice(paid, until)), until - paid


def uses_of(
    units: tuple[UnitUse, ...], course: Course, institution_code: str, weeks: int
) -> tuple[UnitEntry, ...]:
    """The entries that a priced visit leaves behind; what uses nothing leaves none."""
    return tuple(
        used_next(
            course.last(use.unit), use.unit, institution_code, use.amount, use.limit,
            weeks if use.unit == HEAD else 0,
        )
        for use in units
        if use.amount
    )  # fmt: skip
