"""Prenatal checks by each way of paying, at the borders of windows and limits: on the pool that has
them all. Each sum was done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.settlement.domain.case import Case, Dates
from services.settlement.domain.checks import head_slice, unit_of
from services.settlement.domain.cost import Cost
from services.settlement.domain.member import Member
from services.settlement.domain.prenatal import HeadSlice, Prenatal, UnitUse
from services.settlement.domain.pricing import Priced, price
from shared.money import Money
from shared.period import Month
from shared.policy.book import Book
from shared.policy.compiler import compile_book
from shared.policy.prenatal import PerCapita, Unit
from shared.policy.shapes import MemberKind
from tests.policy.cases import TODAY
from tests.policy.new_pool import FIRST, LATER, SHEET
from tests.policy.test_compiler import write
from tests.policy.test_new_pool import answer, bill, held, member

STAGED, ONE_LIMIT, FIXED, PER_UNIT, PER_CAPITA = (
    "employee", "flexible", "spouse_unemployed", "unemployment_benefit", "retiree",
)  # fmt: skip


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder: Path = tmp_path_factory.mktemp("policy")
    return compile_book([write(folder, SHEET, first=FIRST, later=LATER)])


def used(amount: str, unit: str = "pregnancy") -> dict[str, Any]:
    return {"used": {unit: amount}}


@pytest.mark.parametrize(
    ("kind", "check", "cost", "expected"),
    [
        # Stages: 400 before week 14, 600 more before week 29, then 800 more.
        (STAGED, {"week": 0}, bill("2000.00"), {"fund": "400.00", "other_fund": "1600.00"}),
        (STAGED, {"week": 14}, bill("2000.00"), {"fund": "1000.00", "other_fund": "1000.00"}),
        (STAGED, {"week": 28}, bill("2000.00"), {"fund": "1000.00"}),
        (STAGED, {"week": 29}, bill("2000.00"), {"fund": "1800.00", "other_fund": "200.00"}),
        (STAGED, {"unit": "B"}, bill("2000.00"), {"fund": "1000.00"}),
        (STAGED, {"unit": "B", "week": 5}, bill("2000.00"), {"fund": "1000.00"}),
        (STAGED, {"unit": "Z"}, bill("2000.00"), {"refused": "unit_unknown"}),
        (STAGED, {}, bill("2000.00"), {"refused": "week_not_stated"}),
        (STAGED, {"postnatal": True}, bill("2000.00"), {"fund": "1800.00"}),
        (STAGED, {"week": 20}, {}, {"fund": "1000.00", "total": "1000.00"}),
        (STAGED, {"week": 20, **used("300.00")}, {}, {"fund": "700.00", "total": "700.00"}),
        (STAGED, {"week": 20, **used("1000.00")}, bill("1.00"), {"other_fund": "1.00"}),
        (STAGED, {"week": 5, **used("1000.00")}, bill("1.00"), {"fund": "0.00"}),
        # Units: A before week 21, B from then on and for a high risk before; apart from each other.
        (PER_UNIT, {"week": 20}, bill("900.00"), {"fund": "500.00", "member": "400.00"}),
        (PER_UNIT, {"week": 20, **used("450.00", "A")}, bill("900.00"), {"fund": "50.00"}),
        (PER_UNIT, {"week": 21, **used("450.00", "A")}, bill("900.00"), {"fund": "800.00"}),
        (PER_UNIT, {"week": 21, "high_risk": True}, bill("900.00"), {"fund": "800.00"}),
        (PER_UNIT, {"week": 20, "high_risk": True}, bill("900.00"), {"fund": "800.00"}),
        (PER_UNIT, {"week": 20}, bill("600.00", "500.00"), {"fund": "500.00", "member": "100.00"}),
        (PER_UNIT, {"week": 20}, {}, {"fund": "500.00"}),
        (PER_UNIT, {"unit": "A", "postnatal": True}, bill("900.00"), {"fund": "500.00"}),
        (PER_UNIT, {"unit": "C"}, {}, {"refused": "unit_unknown"}),
        (PER_UNIT, {}, {}, {"refused": "week_not_stated"}),
        # One limit of 1500, 350 of it for the first visit.
        (ONE_LIMIT, {}, bill("1500.01"), {"fund": "1500.00", "member": "0.01"}),
        (ONE_LIMIT, {}, bill("1500.00"), {"fund": "1500.00", "member": "0.00"}),
        (ONE_LIMIT, {}, {}, {"fund": "1500.00"}),
        (ONE_LIMIT, {"first_visit": True}, {}, {"fund": "350.00"}),
        (ONE_LIMIT, used("1300.00"), {}, {"fund": "200.00", "steps": ["limit_left"]}),
        (ONE_LIMIT, used("1600.00"), bill("1.00"), {"fund": "0.00", "member": "1.00"}),
        # A sum of 600, also above the bill, once.
        (FIXED, {}, {}, {"fund": "600.00"}),
        (FIXED, used("200.00"), {}, {"fund": "400.00", "steps": ["limit_left"]}),
        (FIXED, used("200.00"), bill("100.00"), {"fund": "400.00", "total": "400.00"}),
        (FIXED, used("700.00"), bill("100.00"), {"fund": "0.00", "member": "100.00"}),
        (FIXED, {}, bill("600.00"), {"fund": "600.00", "total": "600.00", "member": "0.00"}),
        (FIXED, {}, bill("700.00"), {"fund": "600.00", "member": "100.00"}),
        # A head of 1000 for 40 weeks.
        (PER_CAPITA, {"head": True}, bill("400.00", "350.00"),
         {"fund": "1000.00", "member": "50.00", "institution": "-650.00"}),
        (PER_CAPITA, {}, {}, {"fund": "1000.00", "steps": ["head"]}),
        (PER_CAPITA, {"head": {"from_week": 13, "until_week": 40}}, {},
         {"fund": "675.00", "steps": ["head_slice"]}),
        (PER_CAPITA, {"head": {"from_week": 39, "until_week": 45}}, {}, {"fund": "25.00"}),
        (PER_CAPITA, used("900.00", "head"), bill("50.00"),
         {"fund": "100.00", "institution": "-50.00"}),
        (PER_CAPITA, used("1100.00", "head"), bill("50.00"),
         {"fund": "0.00", "institution": "50.00"}),
    ],
)  # fmt: skip
def test_a_check(
    new: Book, kind: str, check: dict[str, Any], cost: dict[str, Any], expected: dict[str, Any]
) -> None:
    held(answer(new, "prenatal", member=member(kind), prenatal=check, **cost), **expected)


HEAD = PerCapita(method="per_capita", transfer="pro_rata_weeks", includes_postnatal=True)


@pytest.mark.parametrize(
    ("slice_", "weeks", "expected"),
    [
        (HeadSlice(), 40, 1000),
        (HeadSlice(from_week=13), 40, 1000),  # an end that is not known is none
        (HeadSlice(until_week=13), 40, 1000),
        (HeadSlice(0, 13), 40, 325),
        (HeadSlice(-2, 13), 40, 325),
        (HeadSlice(40, 45), 40, 0),
        (HeadSlice(0, 1), 3, 333),
        (HeadSlice(1, 2), 3, 334),  # 666.67 half up, less 333
        (HeadSlice(2, 3), 3, 333),
        (HeadSlice(0, 1), 16, 63),  # 62.5
    ],
)
def test_a_slice_of_a_head(slice_: HeadSlice, weeks: int, expected: int) -> None:
    method = HEAD.model_copy(update={"weeks": weeks})
    assert head_slice(Money(1000), Prenatal(head=slice_), method) == Money(expected)


def test_a_high_risk_that_no_unit_awaits_changes_nothing() -> None:
    early = Unit(id="A", below_week=21, limit=Money(1))  # type: ignore[arg-type]
    late = Unit(id="B", from_week=21, limit=Money(1))  # type: ignore[arg-type]
    assert unit_of(Prenatal(week=5, high_risk=True), (early, late)) == early
    risky = late.model_copy(update={"high_risk_earlier": True})
    assert unit_of(Prenatal(week=5, high_risk=True), (early, risky)) == risky
    assert unit_of(Prenatal(week=5), (early, risky)) == early


@pytest.mark.parametrize(
    ("kind", "check", "left", "unit"),
    [
        (STAGED, Prenatal(week=20, used={"pregnancy": Money(1)}), 99999, ("pregnancy", 100000)),
        (PER_UNIT, Prenatal(week=21, used={"B": Money(1)}), 79999, ("B", 80000)),
        (ONE_LIMIT, Prenatal(used={"pregnancy": Money(1)}), 149999, ("pregnancy", 150000)),
        (FIXED, Prenatal(used={"pregnancy": Money(1)}), 59999, ("pregnancy", 60000)),
        (PER_CAPITA, Prenatal(used={"head": Money(1)}), 99999, ("head", 100000)),
    ],
)
@pytest.mark.parametrize("in_scope", [None, 200000])
def test_a_check_uses_a_limit_of_the_pregnancy(
    new: Book, kind: str, check: Prenatal, left: int, unit: tuple[str, int], in_scope: int | None
) -> None:
    cost = None if in_scope is None else Cost(Money(in_scope), Money(in_scope))
    paid = Member(MemberKind(kind), 24, Month(2023, 6))
    of = Case("990000", paid, check, Dates.all_on(date(2023, 6, 10)), TODAY, cost=cost)
    found = price(of, new)
    assert isinstance(found, Priced)
    assert found.units == (UnitUse(unit[0], Money(left), Money(unit[1])),)
    assert found.fund == Money(left)
