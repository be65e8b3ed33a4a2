"""The demo's plan: the same twice, lawful persons and days, each irregularity where it is said."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from deploy.local.demo import births as full
from deploy.local.demo.care import Care
from deploy.local.demo.plan import MONTHS, epoch, plan, rounds
from deploy.local.demo.plan import share as share_of
from deploy.local.demo.town import read_town
from services.enrollment.domain.id_number import IdNumber, Sex, read_id_number
from shared.period import Month
from shared.plumbing.clock import business_day

TODAY = date(2026, 3, 31)
COUNT = 9000
TOWN = read_town()
CARES = plan(TOWN, COUNT, TODAY)
MOVED = {fund.pool_code for fund in TOWN.funds if not fund.births}
BIRTHS = [care for care in CARES if care.birth and care.hospital.pool_code not in MOVED]
FIRST = Month.of(TODAY).plus(-MONTHS)


def of(institution_code: str, since: int, until: int) -> list[Care]:
    """A hospital's first claims in some months of the demo."""
    return [
        birth
        for birth in BIRTHS
        if birth.hospital.institution_code == institution_code
        and since <= FIRST.until(Month.of(birth.event_on)) < until
        and not birth.again
    ]


def share(births: list[Care], holds: list[bool]) -> int:
    """How many of a hundred."""
    assert births
    return 100 * sum(holds) // len(births)


def planted(kind: str, care: Care) -> bool:
    """Whether a care is part of a planted pattern."""
    return any(one.kind == kind and one.id in care.planted for one in TOWN.irregularities)


def billed(care: Care, item_code: str) -> int:
    """How many of an item are on the bill."""
    return sum(one.quantity for one in care.charges if one.item_code == item_code)


def _mode(care: Care) -> str:
    return care.birth.mode if care.birth else ""


def test_the_same_day_gives_the_same_plan() -> None:
    assert plan(TOWN, 300, TODAY) == plan(TOWN, 300, TODAY)
    assert plan(TOWN, 300, TODAY) != plan(TOWN, 300, date(2026, 5, 31))


def test_every_mother_is_another_person_with_a_valid_number() -> None:
    assert len({birth.mother.id_number for birth in BIRTHS}) == COUNT
    mothers = {care.mother for care in CARES}
    assert len({mother.id_number for mother in mothers}) == len(mothers)
    men = {care.mother.id_number for care in CARES if planted("male-delivery", care)}
    for mother in mothers:
        number = read_id_number(mother.id_number, TODAY)
        assert isinstance(number, IdNumber)
        assert number.sex is (Sex.MALE if mother.id_number in men else Sex.FEMALE)
        assert number.born_on < mother.insured_since


def test_days_follow_one_another_and_end_before_today() -> None:
    for care in CARES:
        assert epoch(TODAY) <= care.mother.registered_at < care.settled_at
        assert care.admitted_on <= care.event_on <= care.discharged_on < TODAY
        assert care.discharged_on == business_day(care.settled_at)
        if care.carrying is not None:
            assert care.carrying.since <= business_day(care.carrying.noted_at) <= care.admitted_on
        ends = [care.settled_at, care.reversed_at, care.settled_again_at]
        days = [moment for moment in ends if moment is not None]
        assert days == sorted(days)
        assert business_day(days[-1]) < TODAY


def test_each_is_booked_before_it_is_settled_and_no_month_twice() -> None:
    booked: dict[str, list[Month]] = defaultdict(list)
    until: dict[str, datetime] = {}
    for each in rounds(CARES):
        for booking in each.bookings:
            number = booking.mother.id_number
            booked[number] += booking.months
            until[number] = booking.at
        for care in each.cares:
            months = booked[care.mother.id_number]
            assert months == [months[0].plus(n) for n in range(len(months))]
            assert months[-1] == Month.of(care.event_on)
            assert until[care.mother.id_number] < care.settled_at
            assert care.settled_at - until[care.mother.id_number] < timedelta(days=45)
    assert sum(len(each.cares) for each in rounds(CARES)) == len(CARES)


def test_two_processes_share_the_work_and_no_person() -> None:
    shares = [share_of(CARES, part, 2) for part in range(2)]
    assert sum(map(len, shares)) == len(CARES)
    assert min(map(len, shares)) > len(CARES) * 45 // 100
    persons = [{care.mother.id_number for care in cares} for cares in shares]
    assert not persons[0] & persons[1]


def test_all_months_have_births() -> None:
    assert {FIRST.until(Month.of(birth.event_on)) for birth in BIRTHS} == set(range(MONTHS + 1))


def test_what_is_planted_is_there_and_nowhere_before() -> None:
    by_kind = {one.kind: one for one in TOWN.irregularities}
    climb = by_kind["cesarean-climb"].institution_code
    early, late = of(climb, 0, 9), of(climb, 21, 25)
    operated = [[_mode(b) == "cesarean" for b in those] for those in (early, late)]
    assert share(late, operated[1]) > share(early, operated[0]) + 20

    coded = by_kind["up-coding"]
    without = [
        _mode(birth) == "cesarean" and all(c.item_code != "cesarean-section" for c in birth.charges)
        for birth in BIRTHS
    ]
    for birth, odd in zip(BIRTHS, without, strict=True):
        assert odd == (coded.id in birth.planted)
    assert any(without)

    short = by_kind["short-stay"]
    stays = of(short.institution_code, short.start, short.until)
    assert share(stays, [(b.discharged_on - b.event_on).days <= 1 for b in stays]) > 50

    rooms = by_kind["extra-charges"]
    charged = of(rooms.institution_code, rooms.start, rooms.until)
    singles = [any(c.item_code == "ward-single" for c in b.charges) for b in charged]
    assert share(charged, singles) > 70


def test_bills_are_odd_where_that_is_planted_and_nowhere_else() -> None:
    odd = dict.fromkeys(("doubled-item", "no-anaesthesia", "bed-days"), 0)
    for birth in (care for care in CARES if care.birth):
        operated, nights = (
            billed(birth, "cesarean-section"),
            birth.discharged_on - birth.admitted_on,
        )
        found = {
            "doubled-item": operated + billed(birth, "delivery-care") != 1,
            "no-anaesthesia": bool(operated) and not billed(birth, "anaesthesia"),
            "bed-days": billed(birth, "bed-day") > max(1, nights.days) + 1,
        }
        assert found == {kind: planted(kind, birth) for kind in found}
        for kind in found:
            odd[kind] += found[kind]
    assert min(odd.values()) > 10, odd


def test_prices_drift_month_upon_month() -> None:
    (drift,) = (one for one in TOWN.irregularities if one.kind == "price-drift")

    def beds(month: int) -> set[int]:
        births = of(drift.institution_code, month, month + 1)
        return {c.price_fen for b in births for c in b.charges if c.item_code == "bed-day"}

    assert beds(0) == beds(drift.start - 1) == {8_500}
    assert beds(drift.start) == {8_755}
    assert beds(drift.start + 11) == {12_118}  # 1.03 ** 12


def test_split_stays_touch_at_one_hospital() -> None:
    rests = [care for care in CARES if planted("split-stay", care)]
    assert len(rests) > 10
    births = {birth.mother.id_number: birth for birth in BIRTHS}
    for rest in rests:
        birth = births[rest.mother.id_number]
        assert birth.hospital == rest.hospital
        assert 0 <= (rest.admitted_on - birth.discharged_on).days <= 1


def test_codes_fit_what_was_claimed() -> None:
    for care in CARES:
        assert care.diagnoses
        if care.birth:
            assert ("74.1x01" in care.procedures) == (_mode(care) == "cesarean")


def test_a_doubled_birth_is_another_hospitals_within_the_same_month() -> None:
    of_mother = defaultdict(list)
    for birth in BIRTHS:
        of_mother[birth.mother.id_number].append(birth)
    doubled = [those for those in of_mother.values() if len(those) > 1]
    assert len(doubled) == sum(
        max(1, one.count * COUNT // full.BIRTHS)
        for one in TOWN.irregularities
        if one.kind == "duplicate-claim"
    )
    for first, second in doubled:
        assert not first.again
        assert second.again
        assert second.planted
        assert first.hospital.institution_code != second.hospital.institution_code
        assert 0 < (second.event_on - first.event_on).days <= 30
        assert Month.of(first.event_on) == Month.of(second.event_on)
