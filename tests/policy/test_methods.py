"""What no shipped pool uses today but a document may say tomorrow: shown on a pool made here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cost import Cost
from services.settlement.domain.institution import Institution
from services.settlement.domain.member import Member
from services.settlement.domain.shares import banded_shares
from services.settlement.domain.steps import StepKind
from shared.money import NOTHING, Money, RoundingMode
from shared.period import Month
from shared.policy.book import Book
from shared.policy.compiler import compile_book
from shared.policy.payments import Band
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import MemberKind, Rounding
from tests.policy.cases import case, priced, yuan
from tests.policy.test_compiler import write

TRIAL = "990000"
ON = date(2024, 3, 1)
RULES = """
pool = "990000"
id = "first"
title = "第一号文件"
checked_on = 2026-11-21
grade = "A"
source = { id = "s", citation = "全文" }

[[clause]]
article = "一"
gist = "职工"
from = 2020-01-01
kinds = ["employee"]
sets.delivery = { method = "METHOD" }
sets.waiting = { months = 0, medical_if_short = "paid" }
sets.insurance_type = "510"
sets.expenditure_item = "maternity"

[[clause]]
article = "二"
gist = "共同参数"
from = 2020-01-01
sets.interruption = { stops = "allowance", grace_months = 1 }
sets.deciding_date = "discharged"
sets.rounding = { place = "once", step = "1.00", mode = "up" }
sets.catalogue = "class_b_first_copay_class_c_self_paid"
sets.quota_includes_member_share = false
sets.applied_at = "desk"

[[clause]]
article = "三"
gist = "个人分担"
from = 2020-01-01
"""
TEN_PERCENT = "[{ share = 0.10 }]"
FIFTH = '[{ up_to = "1000.00", share = 0.0 }, { up_to = "2000.00", share = 0.2 }, { share = 0.3 }]'


def shares(bands: str) -> str:
    levels = ""
    for level in (1, 2, 3):
        levels += f"[clause.sets.member_share.level_{level}]\n"
        levels += f"vaginal = {bands}\nassisted = {bands}\ncesarean = {bands}\n"
    return levels


QUOTA = """
[[clause]]
article = "四"
gist = "定额"
from = 2024-01-01
[clause.sets.settlement_quota]
level_1 = { vaginal = "1.00", assisted = "2.00", cesarean = "3000.00" }
level_2 = { vaginal = "1.00", assisted = "2.00", cesarean = "4000.00" }
level_3 = { vaginal = "1.00", assisted = "2.00", cesarean = "5000.00" }
"""
SHEET = (
    'pool = "990000"\nname = "试点"\nfirst_date = 2020-01-01\nbegins_later = ["settlement_quota"]\n'
)


def book_with(folder: Path, method: str, bands: str = FIFTH) -> Book:
    text = RULES.replace("METHOD", method) + shares(bands) + QUOTA
    return compile_book([write(folder, SHEET, first=text)])


def bill(in_scope: str, outside: str = "0.00") -> Case:
    cost = Cost(yuan(in_scope) + yuan(outside), yuan(in_scope), yuan(outside))
    return case(TRIAL, ON, cost=cost)


def test_banded_leaves_the_fund_what_the_bands_leave(tmp_path: Path) -> None:
    answer = priced(bill("2500.00", "40.00"), book_with(tmp_path, "banded"))
    # 20 % of 1,000 and 30 % of 500, and what is outside the scope.
    assert answer.member == yuan("390.00")
    assert answer.fund == yuan("2150.00")
    assert answer.institution == NOTHING


def test_full_pays_all_that_is_in_scope(tmp_path: Path) -> None:
    answer = priced(bill("2500.00", "40.00"), book_with(tmp_path, "full"))
    assert (answer.fund, answer.member) == (yuan("2500.00"), yuan("40.00"))


def test_a_quota_beside_the_share_is_paid_whole(tmp_path: Path) -> None:
    answer = priced(bill("2500.00", "40.00"), book_with(tmp_path, "quota"))
    assert (answer.fund, answer.member) == (yuan("5000.00"), yuan("390.00"))
    assert answer.institution == yuan("2540.00") - yuan("5390.00")
    kinds = {step.kind for step in answer.steps}
    assert {StepKind.QUOTA_BESIDE_SHARE, StepKind.APPLIED_AT_DESK} <= kinds


def test_each_level_has_its_own_quota(tmp_path: Path) -> None:
    book = book_with(tmp_path, "quota")
    paid = [
        priced(replace(bill("2500.00"), institution=Institution(level)), book).fund
        for level in (1, 2, 3)
    ]
    assert paid == [yuan("3000.00"), yuan("4000.00"), yuan("5000.00")]


def test_the_pools_own_date_decides(tmp_path: Path) -> None:
    book = book_with(tmp_path, "quota")
    event, discharged = date(2023, 12, 31), date(2024, 1, 2)
    dates = Dates(admitted=event, event=event, discharged=discharged, settled=discharged)
    answer = priced(replace(bill("2500.00"), dates=dates), book)
    assert answer.decided_on == discharged
    assert answer.fund == yuan("5000.00")  # the quota begins with 2024
    not_yet = priced(replace(bill("2500.00"), dates=Dates.all_on(event)), book)
    assert StepKind.NO_QUOTA_KNOWN in {step.kind for step in not_yet.steps}


def test_an_interruption_may_spare_medical_costs_and_have_a_grace(tmp_path: Path) -> None:
    book = book_with(tmp_path, "full")

    def kinds(paid_until: Month) -> set[StepKind]:
        member = Member(MemberKind.EMPLOYEE, 36, paid_until)
        return {step.kind for step in priced(replace(bill("1.00"), member=member), book).steps}

    assert StepKind.CONTRIBUTIONS_CURRENT in kinds(Month(2024, 2))
    assert StepKind.INTERRUPTION_SPARES_MEDICAL in kinds(Month(2024, 1))


CITED = Citation("一", "d", "t", "A", "")


@pytest.mark.parametrize(
    ("place", "step", "mode", "expected"),
    [
        # 10 % of 1.05 and 20 % of 1.04: 10.5 fen and 20.8 fen, 31.3 together.
        ("each_band", "0.01", RoundingMode.HALF_UP, 11 + 21),
        ("each_band", "0.01", RoundingMode.DOWN, 10 + 20),
        ("once", "0.01", RoundingMode.HALF_UP, 31),
        ("once", "0.01", RoundingMode.UP, 32),
        ("once", "0.10", RoundingMode.HALF_UP, 30),
    ],
)
def test_where_a_share_is_rounded_is_policy(
    place: str, step: str, mode: RoundingMode, expected: int
) -> None:
    bands = (
        Band(up_to=Money(105), share=Decimal("0.1")),  # type: ignore[arg-type]
        Band(share=Decimal("0.2")),
    )
    rounding = Rounding(place=place, step=yuan(step), mode=mode)  # type: ignore[arg-type]
    found = banded_shares(Money(209), bands, CITED, Sourced(rounding, ON, CITED, "r"))
    assert found.amount == Money(expected)
    # what the bands came to, each rounded, is corrected in a step of its own
    bands_apart = Money.total(step.amount or NOTHING for step in found.steps[:2])
    corrected = [] if bands_apart == found.amount else [found.amount]
    assert [step.amount for step in found.steps[2:]] == corrected


def test_a_share_never_exceeds_the_cost(tmp_path: Path) -> None:
    answer = priced(bill("0.50"), book_with(tmp_path, "banded", TEN_PERCENT))
    assert (answer.member, answer.fund) == (yuan("0.50"), NOTHING)  # 5 fen, rounded up to a yuan
