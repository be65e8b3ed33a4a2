"""Deliveries worked out by hand from the published rules, and the days on which rules change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.settlement.domain.case import Dates
from services.settlement.domain.cost import CatalogueClass, Cost, CostLine, of_lines
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import UNSTATED, Institution
from services.settlement.domain.member import Member
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.steps import StepKind
from shared.money import NOTHING, Money
from shared.period import Month
from shared.policy.book import Book
from shared.policy.shapes import DeliveryMode, ExpenditureItem, InsuranceType, MemberKind
from tests.policy.cases import KIZILSU, NANJING, TODAY, URUMQI, case, priced, refused, yuan

VAGINAL, CESAREAN = DeliveryMode.VAGINAL, DeliveryMode.CESAREAN


@pytest.mark.parametrize(
    ("on", "level", "mode", "in_scope", "member", "desk_fund"),
    [
        pytest.param("2024-03-25", 3, CESAREAN, "9000.00", "425.00", "8575.00", id="D-01"),
        pytest.param("2024-03-25", 3, VAGINAL, "5000.00", "100.00", "4900.00", id="D-02"),
        pytest.param("2024-03-25", 3, VAGINAL, "5001.00", "100.15", "4900.85", id="D-03"),
        pytest.param("2020-06-01", 3, CESAREAN, "9000.00", "875.00", "8125.00", id="D-04"),
        pytest.param("2016-06-01", 3, CESAREAN, "9000.00", "1025.00", "7975.00", id="D-05"),
        pytest.param("2016-06-01", 2, CESAREAN, "9000.00", "0.00", "9000.00", id="D-06 old"),
        pytest.param("2025-06-01", 2, CESAREAN, "9000.00", "0.00", "9000.00", id="D-06 now"),
        # The days on which the bands change, and the day before each.
        pytest.param("2017-04-30", 3, CESAREAN, "9000.00", "1025.00", "7975.00", id="before 2017"),
        pytest.param("2017-05-01", 3, CESAREAN, "9000.00", "875.00", "8125.00", id="from 2017"),
        pytest.param("2024-03-24", 3, CESAREAN, "9000.00", "875.00", "8125.00", id="before seen"),
    ],
)
def test_bands_of_the_member(
    book: Book, on: str, level: int, mode: DeliveryMode, in_scope: str, member: str, desk_fund: str
) -> None:
    of = case(
        NANJING,
        date.fromisoformat(on),
        in_scope,
        claimed=Delivery(mode),
        institution=Institution(level),
    )
    answer = priced(of, book)
    assert (answer.member, answer.desk.fund) == (yuan(member), yuan(desk_fund))


def test_after_clearing_the_hospital_bears_what_exceeds_the_quota(book: Book) -> None:
    answer = priced(case(NANJING, date(2024, 3, 25)), book)
    # Quota 4,900 for a caesarean at level 3, of which the member's share is 425.
    assert answer.fund == yuan("4475.00")
    assert answer.institution == yuan("4100.00")
    assert StepKind.HOSPITAL_BEARS in {step.kind for step in answer.steps}


def test_after_clearing_the_hospital_keeps_what_the_quota_leaves(book: Book) -> None:
    answer = priced(case(NANJING, date(2024, 3, 25), "4000.00"), book)
    assert answer.fund == yuan("4900.00")
    assert answer.institution == -yuan("900.00")
    assert answer.desk.fund == yuan("4000.00")
    assert StepKind.HOSPITAL_KEEPS in {step.kind for step in answer.steps}


def test_a_share_above_the_quota_leaves_the_fund_nothing_to_pay(book: Book) -> None:
    answer = priced(case(NANJING, date(2024, 3, 25), "60000.00"), book)
    assert answer.member == yuan("8075.00")  # 125, and 15 % of 53,000
    assert answer.fund == NOTHING
    assert answer.institution == yuan("51925.00")


def test_a_flexible_member_is_charged_to_the_medical_item(book: Book) -> None:
    paid = Member(MemberKind.FLEXIBLE, 36, Month(2024, 3))
    answer = priced(case(NANJING, date(2024, 3, 25), member=paid), book)
    assert answer.insurance_type is InsuranceType.MEDICAL
    assert answer.expenditure_item is ExpenditureItem.MEDICAL


@pytest.mark.parametrize("pool", [KIZILSU, URUMQI])
@pytest.mark.parametrize(
    ("on", "mode", "infants", "fund"),
    [
        (date(2024, 1, 1), CESAREAN, 2, "8500.00"),  # D-13
        (date(2024, 1, 1), CESAREAN, 1, "7500.00"),
        (date(2024, 1, 1), VAGINAL, 1, "4500.00"),
        (date(2023, 12, 31), CESAREAN, 1, "3500.00"),
        (date(2023, 12, 31), VAGINAL, 3, "2400.00"),
        (date(2020, 1, 1), VAGINAL, 1, "2000.00"),
    ],
)
def test_the_standard_amount(
    book: Book, pool: str, on: date, mode: DeliveryMode, infants: int, fund: str
) -> None:
    answer = priced(case(pool, on, "12000.00", claimed=Delivery(mode, infants)), book)
    assert answer.fund == yuan(fund)
    assert answer.member == yuan("12000.00") - yuan(fund)
    assert answer.institution == NOTHING


def test_half_the_standard_for_an_unemployed_spouse(book: Book) -> None:
    paid = Member(MemberKind.SPOUSE_UNEMPLOYED, 36, Month(2024, 3))
    of = case(URUMQI, date(2024, 3, 1), None, member=paid, claimed=Delivery(VAGINAL))
    assert priced(of, book).fund == yuan("2250.00")  # D-14


def test_a_standard_never_exceeds_the_bill(book: Book) -> None:
    answer = priced(case(KIZILSU, date(2024, 3, 1), "6000.00"), book)
    assert (answer.fund, answer.member) == (yuan("6000.00"), NOTHING)
    assert StepKind.LIMITED_TO_BILL in {step.kind for step in answer.steps}


def test_the_borrowed_amount_says_so_wherever_it_is_used(book: Book) -> None:
    answer = priced(case(KIZILSU, date(2024, 3, 1)), book)
    labels = {step.kind: step.citation.label for step in answer.steps}
    assert labels[StepKind.LUMP_SUM] == "reading,proxy,open"
    before = priced(case(KIZILSU, date(2023, 12, 31)), book)
    labels = {step.kind: step.citation.label for step in before.steps}
    assert labels[StepKind.LUMP_SUM] == "reading,proxy,start_unknown,open"
    in_its_own_pool = priced(case(URUMQI, date(2024, 3, 1)), book)
    labels = {step.kind: step.citation.label for step in in_its_own_pool.steps}
    assert labels[StepKind.LUMP_SUM] == "reading,open"


def test_interruption_begins_with_the_month_after_the_last_paid(book: Book) -> None:
    stopped = Member(MemberKind.EMPLOYEE, 36, Month(2024, 3))
    assert priced(case(KIZILSU, date(2024, 3, 31), member=stopped), book)
    answer = refused(case(KIZILSU, date(2024, 4, 1), member=stopped), book)
    assert answer.refusal is Refusal.INTERRUPTED
    assert answer.citation is not None
    assert answer.citation.article == "二(五)"


def test_two_members_of_one_day_are_told_apart(book: Book) -> None:
    on = date(2024, 3, 30)
    current = Member(MemberKind.EMPLOYEE, 36, Month(2024, 3))
    stopped = Member(MemberKind.EMPLOYEE, 36, Month(2024, 2))
    assert priced(case(KIZILSU, on, member=current), book)
    assert refused(case(KIZILSU, on, member=stopped), book).refusal is Refusal.INTERRUPTED


def test_waiting_period_refuses_where_the_rule_says_so(book: Book) -> None:
    on = date(2024, 3, 1)
    short = Member(MemberKind.EMPLOYEE, 9, Month(2024, 3))
    long_enough = replace(short, months_paid=10)
    assert refused(case(KIZILSU, on, member=short), book).refusal is (
        Refusal.WAITING_PERIOD_NOT_MET
    )
    assert priced(case(KIZILSU, on, member=long_enough), book)
    paid_anyway = priced(case(NANJING, on, member=short), book)
    assert StepKind.WAITING_SHORT_BUT_PAID in {step.kind for step in paid_anyway.steps}


def test_flexible_members_waited_longer_before_the_change(book: Book) -> None:
    def member(on: date) -> Member:
        return Member(MemberKind.FLEXIBLE, 23, Month.of(on))

    before, after = date(2023, 12, 31), date(2024, 1, 1)
    assert refused(case(KIZILSU, before, member=member(before)), book).refusal is (
        Refusal.WAITING_PERIOD_NOT_MET
    )
    assert priced(case(KIZILSU, after, member=member(after)), book)


def test_months_paid_after_the_birth_do_not_count(book: Book) -> None:
    on = date(2024, 3, 1)
    later = Member(MemberKind.EMPLOYEE, 12, Month(2024, 9))  # 6 of them by the birth
    assert refused(case(KIZILSU, on, member=later), book).refusal is (
        Refusal.WAITING_PERIOD_NOT_MET
    )
    too_late = Member(MemberKind.EMPLOYEE, 6, Month(2024, 9))
    assert refused(case(NANJING, on, member=too_late), book).refusal is Refusal.NOT_INSURED_THEN


def test_refusals_for_want_of_a_rule_or_a_fact(book: Book) -> None:
    on = date(2024, 3, 1)
    retired = Member(MemberKind.RETIREE, 36, Month(2024, 3))
    expected = {
        Refusal.NO_RULE_ON_DATE: case(KIZILSU, date(2019, 12, 31)),
        Refusal.POOL_UNKNOWN: case("110000", on),
        Refusal.NOT_COVERED: case(NANJING, on, member=retired),
        Refusal.LEVEL_NOT_STATED: case(NANJING, on, institution=UNSTATED),
        Refusal.COST_NOT_STATED: case(NANJING, on, None, institution=UNSTATED),
    }
    assert {refusal: refused(of, book).refusal for refusal, of in expected.items()} == {
        refusal: refusal for refusal in expected
    }


def test_the_date_that_decides_is_the_birth(book: Book) -> None:
    new_year = date(2024, 1, 1)
    dates = Dates(
        admitted=new_year - timedelta(days=2),
        event=new_year - timedelta(days=1),
        discharged=new_year + timedelta(days=3),
        settled=new_year + timedelta(days=3),
    )
    answer = priced(case(KIZILSU, new_year, "12000.00", dates=dates), book)
    assert answer.fund == yuan("3500.00")
    assert answer.decided_on == dates.event


def test_a_rule_speaks_only_once_it_is_known(book: Book) -> None:
    on = date(2024, 1, 1)
    known_in_time = priced(case(KIZILSU, on, "12000.00", known_on=date(2023, 12, 20)), book)
    not_yet_known = priced(case(KIZILSU, on, "12000.00", known_on=date(2023, 12, 19)), book)
    assert known_in_time.fund == yuan("7500.00")
    assert not_yet_known.fund == yuan("3500.00")


def test_without_a_known_quota_the_final_parts_are_those_of_the_receipt(book: Book) -> None:
    of = case(NANJING, date(2023, 6, 1), known_on=date(2023, 6, 30))  # a day before it was seen
    answer = priced(of, book)
    assert answer.institution == NOTHING
    assert answer.fund == answer.desk.fund
    assert StepKind.NO_QUOTA_KNOWN in {step.kind for step in answer.steps}


def test_what_lies_outside_the_scope_is_the_members(book: Book) -> None:
    bill = of_lines(
        [
            CostLine(yuan("4000.00"), CatalogueClass.CLASS_A, over_limit=yuan("100.00")),
            CostLine(yuan("1000.00"), CatalogueClass.CLASS_B, first_copay=yuan("200.00")),
            CostLine(yuan("300.00"), CatalogueClass.CLASS_C),
        ]
    )
    assert bill == Cost(
        yuan("5300.00"), yuan("4700.00"), yuan("300.00"), yuan("100.00"), yuan("200.00")
    )
    answer = priced(case(NANJING, TODAY, cost=bill), book)
    # 600 outside, and 5 % of the 200 above the first 4,500 of a caesarean.
    assert answer.member == yuan("610.00")


def test_the_personal_account_pays_only_what_the_case_offers(book: Book) -> None:
    without = priced(case(NANJING, TODAY), book)
    assert (without.member_account, without.member_cash) == (NOTHING, without.member)
    offered = priced(case(NANJING, TODAY, account_available=yuan("100.00")), book)
    assert offered.member_account == yuan("100.00")
    more_than_due = priced(case(NANJING, TODAY, account_available=Money(10**9)), book)
    assert more_than_due.member_cash == NOTHING
