"""How a person's history reads on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from services.settlement.domain.member import Member
from services.settlement.domain.person import (
    PersonState,
    Spell,
    member_of,
    months_paid_by,
    spell_on,
)
from shared.period import Month
from shared.policy.shapes import MemberKind

HERE, THERE = "111111", "222222"


def _person(*spells: Spell, paid: tuple[tuple[Month, Month], ...] = ()) -> PersonState:
    return PersonState("p" * 32, 1, spells, paid, datetime(2024, 1, 1, tzinfo=UTC))


def _spell(pool: str, kind: MemberKind, start: date, end: date | None = None) -> Spell:
    return Spell(pool, pool, kind, start, end)


def test_who_moved_to_another_pool_is_not_of_this_one_though_her_months_run_on() -> None:
    moved = date(2024, 2, 1)
    person = _person(
        _spell(HERE, MemberKind.EMPLOYEE, date(2022, 1, 1), moved),
        _spell(THERE, MemberKind.EMPLOYEE, moved),
        paid=((Month(2022, 1), Month(2024, 6)),),
    )
    assert spell_on(person, HERE, date(2024, 6, 3)) is None
    before = spell_on(person, HERE, date(2024, 1, 31))
    assert before is not None
    assert before.pool_code == HERE
    there = spell_on(person, THERE, moved)
    assert there is not None
    assert there.pool_code == THERE


def test_after_the_last_spell_she_is_still_the_kind_of_member_that_she_was() -> None:
    person = _person(_spell(HERE, MemberKind.EMPLOYEE, date(2022, 1, 1), date(2024, 2, 1)))
    spell = spell_on(person, HERE, date(2024, 3, 1))
    assert spell is not None
    assert spell.kind is MemberKind.EMPLOYEE


def test_who_had_retired_on_the_day_owes_nothing_also_when_the_spell_ended_since() -> None:
    ended = date(2024, 6, 1)
    spell = _spell(HERE, MemberKind.EARLY_RETIREE, date(2015, 1, 1), ended)
    person = _person(spell)
    assert member_of(person, spell, date(2024, 5, 31)) == Member(MemberKind.EARLY_RETIREE)
    assert member_of(person, spell, ended).months_paid == 0


def test_months_count_from_the_run_that_had_begun_by_the_day() -> None:
    spell = _spell(HERE, MemberKind.EMPLOYEE, date(2022, 1, 1))
    runs = ((Month(2022, 1), Month(2022, 6)), (Month(2023, 1), Month(2024, 3)))
    person = _person(spell, paid=runs)
    late = member_of(person, spell, date(2024, 3, 21))
    assert (late.months_paid, late.paid_until) == (15, Month(2024, 3))
    early = member_of(person, spell, date(2022, 9, 1))
    assert (early.months_paid, early.paid_until) == (6, Month(2022, 6))


def test_months_paid_by_a_month_end_where_a_month_was_not_paid() -> None:
    runs = ((Month(2022, 1), Month(2022, 6)), (Month(2023, 1), Month(2023, 3)),
            (Month(2023, 4), Month(2024, 3)))  # fmt: skip
    person = _person(paid=runs)
    expected = {
        Month(2021, 12): 0, Month(2022, 1): 1, Month(2022, 6): 6, Month(2022, 7): 0,
        Month(2022, 12): 0, Month(2023, 1): 1, Month(2023, 4): 4, Month(2024, 3): 15,
        Month(2024, 4): 0,
    }  # fmt: skip
    assert {month: months_paid_by(person, month) for month in expected} == expected
    assert months_paid_by(_person(), Month(2024, 3)) == 0
