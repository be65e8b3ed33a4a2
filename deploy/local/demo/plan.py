"""What happens in the demo: every stay and visit with its person, its days and its bill, and what
becomes of it, before it is made.

The same day and the same number of births give the same plan, from one fixed seed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from deploy.local.demo.beside import LEAST, Beside
from deploy.local.demo.births import births
from deploy.local.demo.care import Care, Mother, at
from deploy.local.demo.town import Town
from deploy.local.demo.visits import courses
from services.settlement.domain.prenatal import Prenatal
from shared.period import Month

SEED = 20_200_101
MONTHS = 24
MONTHS_BEFORE = 12
"""How long before the demo's first birth its first registration lies, at most."""
LATE_DAYS = 40
"""How long before today the document that came late is entered."""

_DAY = timedelta(days=1)
_REVERSED_ONE_IN = 150
_FIXED_ONE_IN = 6


def plan(town: Town, count: int, today: date) -> list[Care]:
    """All stays and visits of the 24 months before `today`, with `count` births, by time."""
    rng = Random(SEED)  # noqa: S311 - a demo is made the same way twice
    first = Month.of(today).plus(-MONTHS)
    beside = Beside(rng, town, first, today, count)
    made = births(rng, town, count, first, today)
    twice = {birth.mother.id_number for birth in made if birth.again}
    cares = {birth.key: birth for birth in made}
    single = [birth for birth in made if birth.mother.id_number not in twice]
    for course in courses(rng, town, single, first.first_day(), today):
        cares |= {care.key: care for care in course}
    visited = {care.mother.id_number for care in cares.values() if care.birth is None}
    single = [birth for birth in single if birth.mother.id_number not in visited]
    split = beside.split(single)
    cut = {care.mother.id_number for care in split}
    whole = [birth for birth in single if birth.mother.id_number not in cut]
    for more in (
        beside.moved_in(), split, beside.complications(whole), beside.losses(), beside.surgeries()
    ):  # fmt: skip
        cares |= {care.key: care for care in more}
    return sorted(
        _with_ends(rng, list(cares.values()), today),
        key=lambda care: (care.again, care.settled_at, care.stay_number),
    )


def share(cares: Iterable[Care], part: int, parts: int) -> list[Care]:
    """What one of some processes makes of a plan: all that happens to a person is made by one, one
    after the other. By the day of birth: the digits after it are even for every woman."""
    return [care for care in cares if int(care.mother.id_number[6:14]) % parts == part]


def epoch(today: date) -> datetime:
    """When the agency began: before everything else in the demo."""
    return at(Month.of(today).plus(-MONTHS - MONTHS_BEFORE).first_day(), 8, 0)


def late_on(today: date) -> date:
    """When the document that came late is entered."""
    return today - timedelta(days=LATE_DAYS)


def _with_ends(rng: Random, cares: list[Care], today: date) -> Iterable[Care]:
    """Some are reversed within days, and every other one of those is settled again; of those that
    open an allowance some are fixed by a clerk, within weeks.

    Only what happened by the middle of a month: a person's state is relied upon for some weeks.
    """
    alone = Counter(care.mother.id_number for care in cares)
    fit = [
        place
        for place, care in enumerate(cares)
        if not care.planted and care.event_on.day <= 15 and care.event_on.day > 3
        and care.mother.moves is None and care.discharged_on + 9 * _DAY < today
        and (alone[care.mother.id_number] == 1 or isinstance(care.claimed, Prenatal))
    ]  # fmt: skip
    wanted = max(2 * LEAST, len(cares) // _REVERSED_ONE_IN)
    undone = {place: n for n, place in enumerate(rng.sample(fit, min(wanted, len(fit))))}
    for place, care in enumerate(cares):
        if place in undone:
            on = care.discharged_on + rng.randrange(1, 4) * _DAY
            again = at(on + _DAY, 10, rng.randrange(60)) if undone[place] % 2 else None
            yield replace(care, reversed_at=at(on, 9, rng.randrange(60)), settled_again_at=again)
        elif not care.again and alone[care.mother.id_number] == 1:
            on = care.discharged_on + rng.randrange(5, 20) * _DAY
            fixed = rng.randrange(_FIXED_ONE_IN) == 0 and on < today
            yield replace(care, fixed_at=at(on, 14, rng.randrange(60)) if fixed else None)
        else:
            yield care


@dataclass(frozen=True, slots=True)
class Booking:
    """Months of a person that are booked together."""

    mother: Mother
    months: tuple[Month, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """What can be made together: of each person no more than one stay or visit, and before it the
    months that it needs."""

    bookings: tuple[Booking, ...]
    cares: tuple[Care, ...]


def rounds(cares: Iterable[Care]) -> list[Round]:
    """The cares of a plan, each person's in the order in which they happen."""
    of_person: dict[str, list[Care]] = defaultdict(list)
    for care in cares:
        of_person[care.mother.id_number].append(care)
    made: list[tuple[list[Booking], list[Care]]] = []
    for those in of_person.values():
        those.sort(key=lambda care: care.settled_at)
        for number, care in enumerate(those):
            if number == len(made):
                made.append(([], []))
            month = Month.of(care.event_on)
            back = care.mother.months_paid
            if number:
                back = Month.of(those[number - 1].event_on).until(month)
            months = tuple(month.plus(-n) for n in reversed(range(back)))
            if months:
                # A state is relied upon for some weeks only, so each booking is of the last month.
                made[number][0].append(Booking(care.mother, months, at(month.first_day(), 0, 30)))
            made[number][1].append(care)
    return [Round(tuple(bookings), tuple(those)) for bookings, those in made]
