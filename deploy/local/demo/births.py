"""The demo's births: how each went and was billed, and the irregularities planted among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from deploy.local.demo.bills import Birth, record_of
from deploy.local.demo.care import Care, Carrying, Mother, at
from deploy.local.demo.people import as_a_man, chance, mother
from deploy.local.demo.town import Fund, Hospital, Irregularity, Town
from services.settlement.domain.delivery import Delivery
from shared.period import Month
from shared.policy.shapes import DeliveryMode

BIRTHS = 12_000
"""How many births the town's counts of irregularities are said of: with more there are more."""

_LATELY = timedelta(days=10)


def births(rng: Random, town: Town, count: int, first: Month, today: date) -> list[Care]:
    """`count` births from the first month up to yesterday, and those that are claimed twice."""
    days = (today - first.first_day()).days
    made: list[Care] = []
    while len(made) < count:
        event_on = first.first_day() + timedelta(days=rng.randrange(days))
        birth = _birth(rng, town, len(made), first, event_on, event_on >= today - _LATELY)
        if birth.discharged_on < today:  # whoever is still in hospital has no claim yet
            made.append(birth)
    made = _with_men(rng, town, made, first, count)
    return made + _doubled(rng, town, made, first, count)


def _birth(
    rng: Random, town: Town, number: int, first: Month, event_on: date, lately: bool
) -> Care:
    fund = _fund_of(town, number)
    hospitals = town.hospitals_of(fund.pool_code)
    hospital = rng.choices(hospitals, [h.births for h in hospitals])[0]
    in_full = lately or number * fund.in_full % 1000 < fund.in_full
    months = fund.months_in_full if in_full else fund.months_paid
    mine = mother(rng, town, fund, hospital, number, event_on, months_paid=months)
    return birth_at(rng, town, mine, hospital, event_on, f"ZY-{number:06d}", first)


def _fund_of(town: Town, number: int) -> Fund:
    """The pools take turns by their shares, so that a small demo has births of each."""
    turn = number * 37 % sum(fund.births for fund in town.funds)
    for fund in town.funds:
        turn -= fund.births
        if turn < 0:
            return fund
    raise ValueError(number)


def birth_at(
    rng: Random, town: Town, mine: Mother, hospital: Hospital, event_on: date, stay_number: str,
    first: Month, complications: tuple[str, ...] = (),
) -> Care:  # fmt: skip
    """A birth at a hospital, by the hospital's habits and what is planted there in that month."""
    month = first.until(Month.of(event_on))
    planted: list[str] = []
    operated = chance(rng, _cesareans(town, hospital, month, planted))
    mode = "cesarean" if operated else rng.choices(["vaginal", "assisted"], [95, 5])[0]
    if not operated and _planted(rng, town, hospital, "up-coding", month, planted):
        mode = "cesarean"
    nights = max(1, hospital.nights[operated] + rng.choice([-1, 0, 0, 0, 1]))
    if _planted(rng, town, hospital, "short-stay", month, planted):
        nights = rng.randrange(2)
    admitted_on = event_on - timedelta(days=rng.choice([0, 0, 1]))
    discharged_on = event_on + timedelta(days=nights)
    infants = 1 + chance(rng, 15)
    record = record_of(
        rng,
        Birth(
            hospital=hospital,
            claimed=mode,
            operated=operated,
            infants=infants,
            admitted_on=admitted_on,
            event_on=event_on,
            discharged_on=discharged_on,
            single=_planted(rng, town, hospital, "extra-charges", month, planted),
            doubled=_planted(rng, town, hospital, "doubled-item", month, planted),
            awake=operated and _planted(rng, town, hospital, "no-anaesthesia", month, planted),
            beds_more=2 * _planted(rng, town, hospital, "bed-days", month, planted),
            raised=_raised(town, hospital, month, planted),
        ),
    )
    weeks = rng.choices([36, 37, 38, 39, 40, 41], [4, 8, 20, 36, 26, 6])[0]
    return Care(
        stay_number=stay_number,
        mother=mine,
        hospital=hospital,
        claimed=Delivery(DeliveryMode(mode), infants, weeks, complications),
        carrying=Carrying(
            event_on - timedelta(days=rng.randrange(262, 281)),
            at(event_on - timedelta(days=rng.randrange(150, 200)), 9, rng.randrange(60)),
            hospital,
        ),
        admitted_on=admitted_on,
        event_on=event_on,
        discharged_on=discharged_on,
        charges=record.charges,
        diagnoses=record.diagnoses,
        procedures=record.procedures,
        settled_at=at(discharged_on, rng.randrange(8, 18), rng.randrange(60)),
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
    if pattern is None or not chance(rng, pattern.share):
        return False
    planted.append(pattern.id)
    return True


def _raised(town: Town, hospital: Hospital, month: int, planted: list[str]) -> tuple[int, int]:
    """By what a hospital's prices have risen in a month of the demo, as a ratio."""
    drift = town.planted(hospital.institution_code, "price-drift", month)
    if drift is None:
        return (1, 1)
    planted.append(drift.id)
    months = month - drift.start + 1
    return ((1000 + drift.share) ** months, 1000**months)


def _with_men(rng: Random, town: Town, births: list[Care], first: Month, count: int) -> list[Care]:
    """Some births are claimed in a man's name."""
    made = list(births)
    for pattern in (one for one in town.irregularities if one.kind == "male-delivery"):
        fit = [
            place
            for place, birth in enumerate(made)
            if birth.hospital.institution_code == pattern.institution_code
            and pattern.runs_in(first.until(Month.of(birth.event_on)))
        ]
        wanted = max(1, pattern.count * count // BIRTHS)
        for place in rng.sample(fit, min(wanted, len(fit))):
            birth = made[place]
            made[place] = replace(
                birth, mother=as_a_man(birth.mother), planted=(*birth.planted, pattern.id)
            )
    return made


def _doubled(rng: Random, town: Town, births: list[Care], first: Month, count: int) -> list[Care]:
    """Births claimed a second time, by another hospital, in the month of the first claim."""
    doubled = []
    for pattern in (one for one in town.irregularities if one.kind == "duplicate-claim"):
        wanted = max(1, pattern.count * count // BIRTHS)
        hospital = next(h for h in town.hospitals if h.institution_code == pattern.institution_code)
        fit = [birth for birth in births if _fits(birth, pattern, first)]
        for birth in rng.sample(fit, min(wanted, len(fit))):
            doubled.append(_again(rng, pattern, hospital, birth))
    return doubled


def _fits(birth: Care, pattern: Irregularity, first: Month) -> bool:
    return (
        birth.hospital.pool_code == pattern.pool_code
        and birth.hospital.institution_code != pattern.institution_code
        and pattern.runs_in(first.until(Month.of(birth.event_on)))
        and birth.event_on.day <= 7
    )


def _again(rng: Random, pattern: Irregularity, hospital: Hospital, birth: Care) -> Care:
    admitted_on = birth.event_on + timedelta(days=rng.randrange(11, 15))
    discharged_on = admitted_on + timedelta(days=2)
    told = birth.birth
    assert told is not None  # noqa: S101 - only births are claimed twice
    record = record_of(
        rng,
        Birth(
            hospital=hospital,
            claimed="vaginal",
            operated=False,
            infants=told.infants,
            admitted_on=admitted_on,
            event_on=admitted_on,
            discharged_on=discharged_on,
        ),
    )
    return Care(
        stay_number=f"{birth.stay_number}-2",
        mother=birth.mother,
        hospital=hospital,
        claimed=Delivery(DeliveryMode.VAGINAL, told.infants, told.weeks),
        carrying=Carrying(birth.event_on + timedelta(days=1), at(admitted_on, 8, 5), hospital),
        admitted_on=admitted_on,
        event_on=admitted_on,
        discharged_on=discharged_on,
        charges=record.charges,
        diagnoses=record.diagnoses,
        procedures=record.procedures,
        settled_at=at(discharged_on, 15, rng.randrange(60)),
        planted=(pattern.id,),
        again=True,
    )
