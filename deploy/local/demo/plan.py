"""What happens in the demo: every birth with its mother, its days and its bill, before it is made.

The same day and the same number of births give the same plan, from one fixed seed. Nothing here
decides money: a plan says what was charged, the services say what it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from deploy.local.demo.town import Fund, Hospital, Irregularity, Town
from services.enrollment.domain.id_number import check_character
from shared.period import Month
from shared.plumbing.clock import TIME_ZONE

SETTLEMENTS = 4_000
"""How many births a full demo has: as many as two cores make in a minute."""
SEED = 20_200_101
MONTHS = 24
MONTHS_BEFORE = 12
"""How long before the demo's first birth its first registration lies, at most."""

_LATELY = timedelta(days=10)
_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Mother:
    """A made-up person; `employer` is None for a flexible member. `base_fen` a month."""

    pool_code: str
    id_number: str
    name: str
    county_code: str
    employer: str | None
    insured_since: date
    base_fen: int
    months_paid: tuple[Month, ...]
    registered_at: datetime
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee line, priced in fen."""

    item_code: str
    charged_on: date
    quantity: int
    price_fen: int


@dataclass(frozen=True, slots=True)
class Birth:
    """One stay from admission to settlement. `again` tells that it claims the birth before it.

    `planted` are the irregularities that it is part of, by id.
    """

    stay_number: str
    mother: Mother
    hospital: Hospital
    since: date
    noted_at: datetime
    admitted_on: date
    event_on: date
    discharged_on: date
    mode: str
    infants: int
    weeks: int
    charges: tuple[Charge, ...]
    settled_at: datetime
    planted: tuple[str, ...]
    again: bool = False

    @property
    def admitted_at(self) -> datetime:
        """When the hospital opens the stay."""
        return _at(self.admitted_on, 7, 30)

    @property
    def bill_fen(self) -> int:
        """What the lines sum to."""
        return sum(charge.quantity * charge.price_fen for charge in self.charges)


def plan(town: Town, count: int, today: date) -> list[Birth]:
    """The births of the 24 months before `today`, `count` of them and the doubled ones, by time."""
    rng = Random(SEED)  # noqa: S311 - a demo is made the same way twice
    first = Month.of(today).plus(-MONTHS)
    days = (today - first.first_day()).days
    births: list[Birth] = []
    while len(births) < count:
        event_on = first.first_day() + timedelta(days=rng.randrange(days))
        birth = _birth(rng, town, len(births), first, event_on, today - _LATELY)
        if birth.discharged_on < today:  # whoever is still in hospital has no claim yet
            births.append(birth)
    births += _doubled(rng, town, births, first, count)
    return sorted(births, key=lambda birth: (birth.again, birth.settled_at, birth.stay_number))


def epoch(today: date) -> datetime:
    """When the agency began: before everything else in the demo."""
    return _at(Month.of(today).plus(-MONTHS - MONTHS_BEFORE).first_day(), 8, 0)


def _birth(
    rng: Random, town: Town, number: int, first: Month, event_on: date, newest: date
) -> Birth:
    fund = rng.choices(town.funds, [f.births for f in town.funds])[0]
    hospitals = town.hospitals_of(fund.pool_code)
    hospital = rng.choices(hospitals, [h.births for h in hospitals])[0]
    month = first.until(Month.of(event_on))
    planted: list[str] = []
    operated = _chance(rng, _cesareans(town, hospital, month, planted))
    mode = "cesarean" if operated else rng.choices(["vaginal", "assisted"], [95, 5])[0]
    if not operated and _planted(rng, town, hospital, "up-coding", month, planted):
        mode = "cesarean"
    nights = max(1, hospital.nights[operated] + rng.choice([-1, 0, 0, 0, 1]))
    if _planted(rng, town, hospital, "short-stay", month, planted):
        nights = rng.randrange(2)
    admitted_on = event_on - timedelta(days=rng.choice([0, 0, 1]))
    discharged_on = event_on + timedelta(days=nights)
    single = _planted(rng, town, hospital, "extra-charges", month, planted)
    return Birth(
        stay_number=f"ZY-{number:06d}",
        mother=_mother(rng, town, fund, hospital, number, event_on, lately=event_on >= newest),
        hospital=hospital,
        since=event_on - timedelta(days=rng.randrange(262, 281)),
        noted_at=_at(event_on - timedelta(days=rng.randrange(150, 200)), 9, rng.randrange(60)),
        admitted_on=admitted_on,
        event_on=event_on,
        discharged_on=discharged_on,
        mode=mode,
        infants=1 + _chance(rng, 15),
        weeks=rng.choices([36, 37, 38, 39, 40, 41], [4, 8, 20, 36, 26, 6])[0],
        charges=_charges(
            rng, hospital, admitted_on, discharged_on, event_on if operated else None, single=single
        ),
        settled_at=_at(discharged_on, rng.randrange(8, 18), rng.randrange(60)),
        planted=tuple(planted),
    )


def _cesareans(town: Town, hospital: Hospital, month: int, planted: list[str]) -> int:
    """A hospital's cesareans, of a thousand births, in a month of the demo."""
    climb = town.planted(hospital.institution_code, "cesarean-climb", month)
    if climb is None:
        return hospital.cesarean
    planted.append(climb.id)
    steps = climb.until - climb.start - 1
    return climb.first + (climb.last - climb.first) * (month - climb.start) // steps


def _planted(
    rng: Random, town: Town, hospital: Hospital, kind: str, month: int, planted: list[str]
) -> bool:
    """Whether this birth is one of a pattern's; then the pattern's id is noted."""
    pattern = town.planted(hospital.institution_code, kind, month)
    if pattern is None or not _chance(rng, pattern.share):
        return False
    planted.append(pattern.id)
    return True


def _charges(
    rng: Random, hospital: Hospital, admitted_on: date, discharged_on: date,
    operated_on: date | None, *, single: bool,
) -> tuple[Charge, ...]:  # fmt: skip
    """A bill of the catalogue's items: dearer in higher levels, and a little every day."""
    nights = max(1, (discharged_on - admitted_on).days)
    care_fen = 120_000 + 35_000 * hospital.level + rng.randrange(50_000)
    charges = [
        Charge("delivery-care", admitted_on, 1, care_fen),
        Charge("bed-day", admitted_on, nights, 4_000 + 1_500 * hospital.level),
    ]
    if operated_on is not None:
        fen = 90_000 + 30_000 * hospital.level + rng.randrange(60_000)
        charges.append(Charge("cesarean-section", operated_on, 1, fen))
    if single or _chance(rng, 60):
        charges.append(Charge("ward-single", admitted_on, nights, 18_000 + rng.randrange(9_000)))
    return tuple(charges)


def _mother(
    rng: Random, town: Town, fund: Fund, hospital: Hospital, number: int, event_on: date,
    *, lately: bool,
) -> Mother:  # fmt: skip
    employer = None if _chance(rng, fund.flexible) else rng.choice(fund.employers)
    county = employer.county_code if employer else hospital.county_code
    born = date(1984, 1, 1) + timedelta(days=(number * 7) % 6_900)  # 22 to 42 years before
    # Even last digits of the order are women's; area, day and order make each number another one.
    first_17 = f"{county}{born:%Y%m%d}{number // 6_900 * 2 % 1000:03d}"
    birth_month = Month.of(event_on)
    paid = fund.months_paid_lately if lately else fund.months_paid
    months = tuple(birth_month.plus(-back) for back in reversed(range(paid)))
    registered = birth_month.plus(-10).first_day() + timedelta(days=rng.randrange(25))
    return Mother(
        pool_code=fund.pool_code,
        id_number=first_17 + check_character(first_17),
        name=rng.choice(town.surnames) + rng.choice(town.given) + rng.choice(town.given),
        county_code=county,
        employer=employer.ref if employer else None,
        insured_since=registered - timedelta(days=rng.randrange(300, 2_500)),
        base_fen=rng.randrange(*fund.base) * 100,
        months_paid=months,
        registered_at=_at(registered, 10, rng.randrange(60)),
        # A state is relied upon for some weeks only, so the last months are booked together.
        paid_at=_at(birth_month.first_day(), 0, 30),
    )


def _doubled(rng: Random, town: Town, births: list[Birth], first: Month, count: int) -> list[Birth]:
    """Births claimed a second time, by another hospital, in the month of the first claim."""
    doubled = []
    for pattern in (one for one in town.irregularities if one.kind == "duplicate-claim"):
        wanted = max(1, pattern.count * count // SETTLEMENTS)
        hospital = next(h for h in town.hospitals if h.institution_code == pattern.institution_code)
        fit = [birth for birth in births if _fits(birth, pattern, first)]
        for birth in rng.sample(fit, min(wanted, len(fit))):
            doubled.append(_again(rng, pattern, hospital, birth))
    return doubled


def _fits(birth: Birth, pattern: Irregularity, first: Month) -> bool:
    return (
        birth.hospital.pool_code == pattern.pool_code
        and birth.hospital.institution_code != pattern.institution_code
        and pattern.runs_in(first.until(Month.of(birth.event_on)))
        and birth.event_on.day <= 7
    )


def _again(rng: Random, pattern: Irregularity, hospital: Hospital, birth: Birth) -> Birth:
    admitted_on = birth.event_on + timedelta(days=rng.randrange(11, 15))
    discharged_on = admitted_on + timedelta(days=2)
    return Birth(
        stay_number=f"{birth.stay_number}-2",
        mother=birth.mother,
        hospital=hospital,
        since=birth.event_on + timedelta(days=1),
        noted_at=_at(admitted_on, 8, 5),
        admitted_on=admitted_on,
        event_on=admitted_on,
        discharged_on=discharged_on,
        mode="vaginal",
        infants=birth.infants,
        weeks=birth.weeks,
        charges=_charges(rng, hospital, admitted_on, discharged_on, None, single=False),
        settled_at=_at(discharged_on, 15, rng.randrange(60)),
        planted=(pattern.id,),
        again=True,
    )


def _chance(rng: Random, of_a_thousand: int) -> bool:
    return rng.randrange(_THOUSAND) < of_a_thousand


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), TIME_ZONE)
