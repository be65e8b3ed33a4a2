"""What the nouns of the core hold, and what they refuse to be: at each border, on both sides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.settlement.domain.allowance import AllowanceClaim, EmployerWage, NutritionClaim
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cash import instalments
from services.settlement.domain.complication import Complication
from services.settlement.domain.cost import CatalogueClass, Cost, CostLine, of_lines
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.loss import Loss
from services.settlement.domain.member import Member
from services.settlement.domain.prenatal import HeadSlice, Prenatal
from services.settlement.domain.steps import Step, StepKind, stored_steps
from services.settlement.domain.surgery import Surgery
from shared.money import NOTHING, Money, RoundingMode
from shared.period import Month, Period
from shared.policy.rules import Citation
from shared.policy.shapes import DecidingDate, DeliveryMode, MemberKind, Procedure

A, B, C = CatalogueClass.CLASS_A, CatalogueClass.CLASS_B, CatalogueClass.CLASS_C
UP, DOWN, HALF_UP = RoundingMode.UP, RoundingMode.DOWN, RoundingMode.HALF_UP


def fen(amount: int) -> Money:
    return Money(amount)


def delivery(infants: int = 1, weeks: int = 40) -> Delivery:
    return Delivery(DeliveryMode.VAGINAL, infants, weeks)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: delivery(infants=0), "1 to 9 infants"),
        (lambda: delivery(infants=10), "1 to 9 infants"),
        (lambda: delivery(weeks=0), "1 to 50 weeks"),
        (lambda: delivery(weeks=51), "1 to 50 weeks"),
        (lambda: Loss(0), "1 to 50 weeks"),
        (lambda: Loss(51), "1 to 50 weeks"),
        (lambda: Institution(0), "1, 2 or 3"),
        (lambda: Institution(4), "1, 2 or 3"),
        (lambda: EmployerWage(fen(1), 0), "one month"),
        (lambda: AllowanceClaim("birth", wage_sum=fen(1), heads=0), "one head"),
        (lambda: AllowanceClaim("birth", wage_sum=fen(1)), "with its heads"),
        (lambda: AllowanceClaim("birth", heads=1), "with its heads"),
        (
            lambda: AllowanceClaim("birth", base_monthly=fen(1), wage_sum=fen(1), heads=1),
            "one way",
        ),
        (
            lambda: AllowanceClaim(
                "birth", base_monthly=fen(1), employers=(EmployerWage(fen(1), 1),)
            ),
            "one way",
        ),
        (lambda: Cost(fen(10), fen(9)), "add up"),
        (lambda: Cost(fen(10), fen(11)), "add up"),
        (lambda: Cost(fen(10), fen(11), fen(-1)), "not negative"),
        (lambda: Cost(fen(10), fen(-1), fen(11)), "not negative"),
        (lambda: Cost(fen(10), fen(11), over_limit=fen(-1)), "not negative"),
        (lambda: Cost(fen(10), fen(11), first_copay=fen(-1)), "not negative"),
        (lambda: CostLine(fen(10), A, first_copay=fen(1)), "only class B"),
        (lambda: CostLine(fen(10), C, first_copay=fen(1)), "only class B"),
        (lambda: CostLine(fen(10), B, fen(6), fen(5)), "exceed"),
        (lambda: CostLine(fen(10), B, fen(-1), fen(5)), "exceed"),
        (lambda: CostLine(fen(10), B, fen(5), fen(-1)), "exceed"),
        (lambda: Money(True), "whole number"),
        (lambda: Money(Decimal(1)), "whole number"),  # type: ignore[arg-type]
        (lambda: Money.from_wire("1.5"), "two decimals"),
        (lambda: Money.from_wire("01.50"), "two decimals"),
        (lambda: Money.from_wire("-0.00"), "two decimals"),
        (lambda: Money.from_wire(150), "two decimals"),  # type: ignore[arg-type]
        (lambda: fen(100).at_rate(1, UP), "a Decimal"),  # type: ignore[arg-type]
        (lambda: fen(-1).ratio(1, 1, UP), "not negative"),
        (lambda: fen(1).ratio(-1, 1, UP), "not negative"),
        (lambda: fen(1).ratio(1, 0, UP), "not negative"),
        (lambda: fen(1).ratio(1, -1, UP), "not negative"),
        (lambda: Month(2024, 0), "1 to 12"),
        (lambda: Month(2024, 13), "1 to 12"),
        (lambda: Month.parse("2024-13"), "YYYY-MM"),
        (lambda: Month.parse("2024-3"), "YYYY-MM"),
        (lambda: Period(date(2024, 1, 2), date(2024, 1, 2)), "ends after"),
        (lambda: Period(date(2024, 1, 2), date(2024, 1, 1)), "ends after"),
    ],
)
def test_what_cannot_be(make: Callable[[], object], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: (delivery(1), delivery(9), delivery(weeks=1), delivery(weeks=50)),
        lambda: (Loss(1), Loss(50)),
        lambda: (Institution(), Institution(1), Institution(2), Institution(3)),
        lambda: EmployerWage(fen(0), 1),
        lambda: (AllowanceClaim("birth"), AllowanceClaim("birth", wage_sum=fen(0), heads=1)),
        lambda: AllowanceClaim("birth", employers=(EmployerWage(fen(1), 1),)),
        lambda: Cost(NOTHING, NOTHING),
        lambda: CostLine(fen(10), B, fen(5), fen(5)),
        lambda: (Month(2024, 1), Month(2024, 12)),
        lambda: Period(date(2024, 1, 1), date(2024, 1, 2)),
    ],
)
def test_what_lies_on_the_border_can_be(make: Callable[[], object]) -> None:
    assert make()


def test_what_a_record_does_not_state_is_the_plain_case() -> None:
    assert (delivery().infants, Delivery(DeliveryMode.VAGINAL).weeks) == (1, 40)
    assert (Delivery(DeliveryMode.VAGINAL).complications, delivery().extras) == ((), ())
    surgery = Surgery(Procedure.IUD_INSERT)
    assert (surgery.complications, surgery.extras) == ((), ())
    plain = Loss(8)
    assert (plain.complications, plain.extras) == ((), ())
    assert (plain.manner, plain.setting, plain.high_risk) == ("surgical", "inpatient", False)
    assert Complication("after_birth").months_after == 0
    claim = AllowanceClaim("birth")
    assert (claim.infants, claim.weeks, claim.within_regulation) == (1, 40, True)


def test_what_is_not_stated_is_not_known() -> None:
    claim, birth = AllowanceClaim("birth"), NutritionClaim()
    wages = (claim.base_monthly, claim.wage_sum, claim.heads, claim.wage_monthly)
    visit, member = Prenatal(), Member(MemberKind.EMPLOYEE)
    paid = (member.months_paid, member.paid_until, member.made_up, member.transfer_gap_months)
    case = Case("1", member, visit, Dates.all_on(date(2024, 3, 1)), date(2024, 3, 1))
    for unknown in (
        *wages, claim.mode, claim.procedure, birth.loss_weeks, birth.annual_wage, *paid,
        member.employer, visit.week, visit.unit, visit.head, HeadSlice().from_week,
        HeadSlice().until_week, Institution().level, case.cost, case.bed, case.county,
    ):  # fmt: skip
        assert unknown is None
    assert (visit.high_risk, visit.first_visit, visit.postnatal) == (False, False, False)
    assert (claim.employers, visit.used, case.circumstances) == ((), {}, frozenset())
    assert (case.institution, case.account_available) == (Institution(), NOTHING)


def test_each_of_four_dates_is_chosen_by_its_name() -> None:
    days = [date(2024, 3, day) for day in (1, 2, 3, 4)]
    dates = Dates(*days)
    assert [dates.chosen(which) for which in DecidingDate] == days
    assert Dates.all_on(days[0]) == Dates(days[0], days[0], days[0], days[0])


def test_lines_make_a_bill_by_their_class() -> None:
    # 100 in full; 50 less 5 first and 3 over a limit; 20 hers.
    lines = [CostLine(fen(100), A), CostLine(fen(50), B, fen(3), fen(5)), CostLine(fen(20), C)]
    assert of_lines(lines) == Cost(fen(170), fen(142), fen(20), fen(3), fen(5))
    assert of_lines([]) == Cost(NOTHING, NOTHING)


def test_a_bill_that_is_raised_has_the_rest_in_scope() -> None:
    raised = Cost(fen(100), fen(90), fen(10)).raised_to(fen(130))
    assert raised == Cost(fen(130), fen(120), fen(10))
    assert raised.outside() == fen(10)


@pytest.mark.parametrize(
    ("amount", "rate", "mode", "step", "expected"),
    [
        (101, "0.5", HALF_UP, 1, 51),
        (101, "0.5", DOWN, 1, 50),
        (101, "0.5", UP, 1, 51),
        (100, "0.5", UP, 1, 50),
        (149, "1", HALF_UP, 100, 100),
        (150, "1", HALF_UP, 100, 200),
        (101, "1", UP, 100, 200),
        (199, "1", DOWN, 100, 100),
        (-1, "0.5", HALF_UP, 1, -1),
        (-101, "0.5", HALF_UP, 1, -51),
        (-101, "0.5", DOWN, 1, -50),
        (-101, "0.5", UP, 1, -51),
        (-100, "0.5", UP, 1, -50),
        (100, "-0.5", UP, 1, -50),
    ],
)
def test_a_rate_is_rounded_to_the_step(
    amount: int, rate: str, mode: RoundingMode, step: int, expected: int
) -> None:
    assert fen(amount).at_rate(Decimal(rate), mode, step) == fen(expected)


@pytest.mark.parametrize(
    ("amount", "of", "mode", "step", "expected"),
    [
        (100, (1, 3), HALF_UP, 1, 33),
        (100, (1, 3), UP, 1, 34),
        (100, (1, 3), DOWN, 1, 33),
        (200, (1, 3), HALF_UP, 1, 67),
        (5, (1, 2), HALF_UP, 1, 3),
        (5, (1, 2), DOWN, 1, 2),
        (6, (1, 2), UP, 1, 3),
        (300, (1, 2), HALF_UP, 100, 200),
        (298, (1, 2), HALF_UP, 100, 100),
        (202, (1, 2), UP, 100, 200),
        (398, (1, 2), DOWN, 100, 100),
        (0, (0, 1), UP, 1, 0),
    ],
)
def test_a_ratio_is_exact_and_rounded_once(
    amount: int, of: tuple[int, int], mode: RoundingMode, step: int, expected: int
) -> None:
    assert fen(amount).ratio(*of, mode, step) == fen(expected)


@pytest.mark.parametrize(
    ("amount", "wire"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (100, "1.00"),
        (123456, "1234.56"),
        (-1, "-0.01"),
        (-5, "-0.05"),
        (-250, "-2.50"),
    ],
)
def test_money_is_written_in_yuan(amount: int, wire: str) -> None:
    assert fen(amount).to_wire() == wire == str(fen(amount))
    assert Money.from_wire(wire) == fen(amount)


def test_sums_of_money() -> None:
    assert fen(5) + fen(2) == fen(7)
    assert fen(5) - fen(2) == fen(3)
    assert (-fen(5), fen(5).times(3)) == (fen(-5), fen(15))
    assert (Money.total([]), Money.total([fen(1), fen(2)])) == (NOTHING, fen(3))
    assert [bool(fen(each)) for each in (-1, 0, 1, 2)] == [True, False, True, True]
    assert fen(100).at_rate(Decimal("0.13"), HALF_UP) == fen(13)  # to the fen where none is named
    assert fen(103).ratio(1, 7, HALF_UP) == fen(15)


def test_the_first_instalments_take_the_rest() -> None:
    assert instalments(fen(11), 3) == (fen(4), fen(4), fen(3))
    assert instalments(fen(12), 3) == (fen(4), fen(4), fen(4))


def test_months() -> None:
    december = Month(2023, 12)
    assert Month.parse("2023-12") == december == Month.of(date(2023, 12, 31))
    assert Month.parse("1999-01") == Month(1999, 1)
    assert [december.plus(n) for n in (1, 0, -12, 13)] == [
        Month(2024, 1), december, Month(2022, 12), Month(2025, 1),
    ]  # fmt: skip
    assert (december.until(Month(2025, 2)), Month(2025, 2).until(december)) == (14, -14)
    assert (december.first_day(), str(Month(2024, 3))) == (date(2023, 12, 1), "2024-03")
    assert Month(2023, 12) < Month(2024, 1) < Month(2024, 2)


def test_a_period_holds_its_first_day_and_not_its_last() -> None:
    first, end = date(2024, 1, 1), date(2024, 2, 1)
    closed, open_ = Period(first, end), Period(first)
    before, last = date(2023, 12, 31), date(2024, 1, 31)
    assert [day in closed for day in (before, first, last, end)] == [False, True, True, False]
    assert [day in open_ for day in (before, first, end)] == [False, True, True]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((1, 5), (5, 9), False),
        ((1, 5), (4, 9), True),
        ((1, 5), (1, 5), True),
        ((1, 9), (4, 5), True),
        ((1, None), (5, 9), True),
        ((9, None), (5, 9), False),
        ((8, None), (5, 9), True),
        ((1, None), (5, None), True),
        ((1, 5), (4, None), True),
        ((1, 5), (5, None), False),
    ],
)
def test_periods_overlap_where_they_share_a_day(
    one: tuple[int, int | None], other: tuple[int, int | None], shared: bool
) -> None:
    def period(days: tuple[int, int | None]) -> Period:
        end = None if days[1] is None else date(2024, 1, days[1])
        return Period(date(2024, 1, days[0]), end)

    assert period(one).overlaps(period(other)) is shared
    assert period(other).overlaps(period(one)) is shared


def test_steps_are_stored_as_they_are_read_again() -> None:
    cited = Citation("一", "d", "t", "A", "open")
    values: tuple[tuple[str, Any], ...] = (("month", Month(2024, 3)), ("days", 3))
    steps = [Step(StepKind.FUND_PAYS, cited, fen(150), values), Step(StepKind.NO_SHARE, cited)]
    assert stored_steps(steps) == (
        '[{"what":"fund_pays","amount":"1.50","values":{"month":"2024-03","days":"3"},'
        '"article":"一","document":"d","document_title":"t","grade":"A","label":"open"},'
        '{"what":"no_share","amount":null,"values":{},'
        '"article":"一","document":"d","document_title":"t","grade":"A","label":"open"}]'
    )
    again = Step.from_stored(steps[1].to_stored())
    assert (again.kind, again.citation, again.amount, again.values) == (
        StepKind.NO_SHARE, cited, None, (),
    )  # fmt: skip
