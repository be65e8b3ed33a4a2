"""The demo's prenatal and postnatal visits: courses of some of the births."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from deploy.local.demo.bills import CHECKED, CHECKED_AFTER
from deploy.local.demo.care import Care, Carrying, Charge, Transfer, at
from deploy.local.demo.town import Fund, Hospital, Town
from services.settlement.domain.prenatal import Prenatal

WEEK = timedelta(weeks=1)
_LONGEST = timedelta(days=280)


def courses(
    rng: Random, town: Town, births: Sequence[Care], since: date, today: date
) -> Iterator[list[Care]]:
    """Courses that lie within the demo: each is the birth, now entrusted early, and its visits."""
    for fund in town.funds:
        fit = [birth for birth in births if _fits(birth, fund, since, today)]
        for place, birth in enumerate(fit):
            if place * fund.visited % 1000 < fund.visited:
                odd = place * fund.visited // 1000 % 2 == 0
                others = [h for h in town.hospitals_of(fund.pool_code) if h != birth.hospital]
                yield _course(rng, fund, birth, rng.choice(others) if odd else birth.hospital)


def _fits(birth: Care, fund: Fund, since: date, today: date) -> bool:
    return (
        birth.hospital.pool_code == fund.pool_code
        and birth.event_on - _LONGEST >= since
        and birth.event_on + 7 * WEEK < today
    )


def _course(rng: Random, fund: Fund, birth: Care, first: Hospital) -> list[Care]:
    """Two or three visits. She goes to the `first` hospital until she changes to that of the birth;
    paid per capita that is a transfer, and a check after the birth ends the course."""
    assert birth.carrying is not None  # noqa: S101 - every birth has its pregnancy
    begun, own = birth.carrying.since, birth.hospital
    changed_on = begun + rng.randrange(19, 23) * WEEK
    noted_at = at(begun + 8 * WEEK, 9, rng.randrange(60))
    carrying = Carrying(begun, noted_at, own)
    if fund.by_heads and first != own:
        carrying = Carrying(begun, noted_at, first, Transfer(own, changed_on))
    weeks = [rng.randrange(11, 18), rng.randrange(24, 29)]
    if fund.by_heads or rng.randrange(2):
        weeks.append(rng.randrange(31, 36))
    cares = [replace(birth, carrying=carrying)]
    for number, week in enumerate(weeks, 1):
        day = begun + week * WEEK + timedelta(days=rng.randrange(6))
        cares.append(visit(rng, cares[0], first if day < changed_on else own, day, number))
    if fund.by_heads:
        day = birth.event_on + timedelta(days=rng.randrange(36, 43))
        cares.append(visit(rng, cares[0], own, day, len(weeks) + 1))
    return cares


def visit(rng: Random, birth: Care, hospital: Hospital, day: date, number: int) -> Care:
    """A birth's visit with a number, before it or after it."""
    assert birth.carrying is not None  # noqa: S101 - as above
    after = day > birth.event_on
    week = None if after else (day - birth.carrying.since).days // 7
    charges = [
        Charge("prenatal-check", day, 1, 16_000 + rng.randrange(22_000)),
        Charge("lab-urine", day, 1, 1_200),
    ]
    if week is not None and week >= 20:
        charges.append(Charge("ultrasound", day, 1, 16_000 + 4_000 * hospital.level))
    return Care(
        stay_number=f"MZ-{birth.stay_number}-{number}",
        mother=birth.mother,
        hospital=hospital,
        claimed=Prenatal(week=week, first_visit=number == 1, postnatal=after),
        carrying=birth.carrying,
        admitted_on=day,
        event_on=day,
        discharged_on=day,
        charges=tuple(charges),
        diagnoses=CHECKED_AFTER if after else CHECKED,
        settled_at=at(day, rng.randrange(9, 17), rng.randrange(60)),
    )
