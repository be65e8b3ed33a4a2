"""Makes up the demo's persons."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from deploy.local.demo.care import Mother, at
from deploy.local.demo.town import Fund, Hospital, Town
from services.enrollment.domain.id_number import check_character
from shared.period import Month

_THOUSAND = 1000


def chance(rng: Random, of_a_thousand: int) -> bool:
    """Whether something happens that does so many times of a thousand."""
    return rng.randrange(_THOUSAND) < of_a_thousand


def mother(
    rng: Random, town: Town, fund: Fund, hospital: Hospital, number: int, event_on: date,
    *, months_paid: int,
) -> Mother:  # fmt: skip
    """The person with a number; no two numbers make the same. `event_on` is the day of her birth,
    loss or surgery."""
    employer = None if chance(rng, fund.flexible) else rng.choice(fund.employers)
    county = employer.county_code if employer else hospital.county_code
    born = date(1984, 1, 1) + timedelta(days=(number * 7) % 6_900)  # 22 to 42 years before
    # Even last digits of the order are women's; area, day and order make each number another one.
    first_17 = f"{county}{born:%Y%m%d}{number // 6_900 * 2 % 1000:03d}"
    registered = Month.of(event_on).plus(-10).first_day() + timedelta(days=rng.randrange(25))
    return Mother(
        pool_code=fund.pool_code,
        id_number=first_17 + check_character(first_17),
        name=rng.choice(town.surnames) + rng.choice(town.given) + rng.choice(town.given),
        county_code=county,
        employer=employer.ref if employer else None,
        insured_since=registered - timedelta(days=rng.randrange(300, 2_500)),
        base_fen=rng.randrange(*fund.base) * 100,
        months_paid=months_paid,
        registered_at=at(registered, 10),
    )


def as_a_man(mother: Mother) -> Mother:
    """The same person with a man's number, which no woman's order makes."""
    first_17 = f"{mother.id_number[:16]}{int(mother.id_number[16]) + 1}"
    return replace(mother, id_number=first_17 + check_character(first_17))
