"""Sums that are paid to a person, and what is owed to the fund, where they are seldom seen: on
variants of the pool that has every cell. Each sum was done by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.settlement.domain.allowance import AllowanceClaim
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cash import due_by
from services.settlement.domain.claimed import Claimed
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.member import Member
from services.settlement.domain.pricing import ENGINE, Entitled, Priced, entitled, price
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import StepKind
from shared.money import NOTHING, Money
from shared.period import Month
from shared.policy.leave import AllowanceDue
from shared.policy.shapes import (
    Benefit,
    DeliveryMode,
    ExpenditureItem,
    InsuranceType,
    MemberKind,
)
from tests.policy.cases import TODAY
from tests.policy.conftest import Made
from tests.policy.test_new_pool import answer, held, member

SHARE = 'share_of_annual_wage = 0.02\nrounding = { step = "1.00", mode = "up" }'
EIGHT = {"member": member(months_paid=8)}


def subsidy(**claim: Any) -> dict[str, Any]:
    return {"nutrition": {"birth_on": "2023-06-10", **claim}}


def test_a_share_of_a_wage_that_is_not_stated(made: Made) -> None:
    held(answer(made(), "nutrition", **subsidy()), refused="wage_not_stated")


def test_a_subsidy_is_cut_where_the_waiting_is_short(made: Made) -> None:
    wage = subsidy(annual_wage="155230.00")
    # 3105 x 8 / 12 = 2070, and with 7 months 1811.25, up to the yuan
    held(answer(made(), "nutrition", **wage, **EIGHT), total="2070.00", steps=["pro_rata"])


def test_a_cut_subsidy_goes_up_to_the_step_of_its_rule(made: Made) -> None:
    seven = {"member": member(months_paid=7)}
    found = answer(made(), "nutrition", **subsidy(annual_wage="155230.00"), **seven)
    held(found, total="1812.00", deferred=None)


def test_a_cut_amount_is_rounded_half_up_to_the_fen(made: Made) -> None:
    book = made((SHARE, 'amount = "1000.01"'))
    held(answer(book, "nutrition", **subsidy()), total="1000.01", steps=["subsidy_amount"])
    # 1000.01 x 8 / 12 = 666.6733, x 7 / 12 = 583.339
    held(answer(book, "nutrition", **subsidy(), **EIGHT), total="666.67")
    seven = {"member": member(months_paid=7)}
    held(answer(book, "nutrition", **subsidy(), **seven), total="583.34")


def test_who_has_not_paid_or_lost_the_child_early_has_no_subsidy(made: Made) -> None:
    book = made((SHARE, 'amount = "1000.00"\nloss_from_week = 28'))
    behind = {"member": member(paid_until="2023-05"), "on": "2023-06-20"}
    held(answer(book, "nutrition", **subsidy(birth_on="2023-06-20"), **behind),
         refused="interrupted")  # fmt: skip
    held(answer(book, "nutrition", nutrition={"loss_weeks": 27}), refused="not_covered")
    held(answer(book, "nutrition", nutrition={"loss_weeks": 28}), total="1000.00")


def test_a_loss_has_a_subsidy_only_where_the_rule_names_a_week(made: Made) -> None:
    book = made((SHARE, 'amount = "1000.00"'))
    held(answer(book, "nutrition", nutrition={"loss_weeks": 50}), refused="not_covered")


CLAIM: dict[str, Any] = {"event": "birth", "mode": "vaginal", "base_monthly": "7357.48"}


@pytest.mark.parametrize(
    ("wage", "tops_up"),
    # 23704.00 for 98 days are 7256.33 for 30; to the yuan, half up
    [("7256.00", None), ("7257.00", "2.00"), ("7256.48", "1.00"), ("7256.47", None)],
)
def test_the_employer_adds_only_what_the_wage_exceeds(
    made: Made, wage: str, tops_up: str | None
) -> None:
    found = answer(made(), "allowance", allowance={**CLAIM, "wage_monthly": wage})
    added = [step["amount"] for step in found["steps"] if step["what"] == "employer_tops_up"]
    assert added == ([] if tops_up is None else [tops_up])
    assert found["total"] == "23704.00"


def test_supplements_of_no_days_are_known_and_not_shown(made: Made) -> None:
    book = made(("dystocia = 30\ndystocia_modes", "dystocia = 0\ndystocia_modes"),
                ("extra_infant = 15\nstacking", "extra_infant = 0\nstacking"))  # fmt: skip
    found = answer(book, "allowance", allowance={**CLAIM, "mode": "cesarean", "infants": 2})
    held(found, days=98)
    assert [s["what"] for s in found["steps"] if s["what"].startswith("leave")] == ["leave"]


@pytest.mark.parametrize("line", ["dystocia = 30\n", "extra_infant = 15\n"])
def test_a_supplement_that_no_document_tells_is_not_guessed(made: Made, line: str) -> None:
    book = made((line + ("dystocia_modes" if "dyst" in line else "stacking"),
                 "dystocia_modes" if "dyst" in line else "stacking"))  # fmt: skip
    claim = {**CLAIM, "mode": "cesarean", "infants": 2}
    found = answer(book, "allowance", allowance=claim)
    held(found, refused="days_not_known")
    assert (found["refused"]["article"], found["refused"]["document"]) == ("一", "first")
    plain = answer(book, "allowance", allowance={**CLAIM, "mode": "vaginal"})
    held(plain, days=98)


def test_of_equal_supplements_one_counts(made: Made) -> None:
    book = made(("dystocia = 30\ndystocia_modes", "dystocia = 15\ndystocia_modes"))
    found = answer(book, "allowance", allowance={**CLAIM, "mode": "cesarean", "infants": 2})
    held(found, days=113, steps=["leave_dystocia"])


def test_a_later_length_that_is_no_longer_changes_nothing(made: Made) -> None:
    # 128 days from 2024 on; 98 + 30 of today reach into it, and are as long
    on = {"on": "2023-12-01", "member": member(paid_until="2023-12")}
    found = answer(made(("birth = 98", "birth = 128")), "allowance", allowance=CLAIM, **on)
    held(found, days=128)
    assert "still_on_leave" not in {step["what"] for step in found["steps"]}


def on_june(claim: Claimed, **changed: Any) -> Case:
    paid = Member(MemberKind.EMPLOYEE, 24, Month(2023, 6))
    facts: dict[str, Any] = {
        "pool": "990000", "member": paid, "claimed": claim,
        "dates": Dates.all_on(date(2023, 6, 10)), "known_on": TODAY, **changed,
    }  # fmt: skip
    return Case(**facts)


def test_days_are_known_before_the_wages(made: Made) -> None:
    claim = AllowanceClaim("birth", DeliveryMode.CESAREAN)
    found = entitled(on_june(claim), claim, made())
    assert isinstance(found, Entitled)
    assert (found.days, found.payee, found.until) == (128, "person", None)
    assert [step.kind for step in found.steps] == [
        StepKind.DATE_DECIDES, StepKind.SETTLED_UNDER, StepKind.CHARGED_TO,
        StepKind.CONTRIBUTIONS_CURRENT, StepKind.WAITING_MET, StepKind.LEAVE,
        StepKind.LEAVE_DYSTOCIA, StepKind.PAID_TO, StepKind.DUE_IN_MONTH,
    ]  # fmt: skip
    assert [rate_id.split("@")[0] for rate_id in found.rate_ids] == [
        f"990000/{cell}" for cell in (
            "allowance.employee", "insurance_type.employee", "expenditure_item.employee",
            "leave_days", "interruption", "cash_waiting.employee",
        )
    ]  # fmt: skip


def test_a_sum_without_its_base_is_refused_by_the_rule_of_the_allowance(made: Made) -> None:
    found = answer(made(), "allowance", allowance={"event": "birth"})
    held(found, refused="base_not_stated")
    assert found["refused"]["article"] == "一"


@pytest.mark.parametrize(
    ("claim", "changed", "refusal"),
    [
        (AllowanceClaim("birth"), {"county": "990009"}, Refusal.COUNTY_NOT_OF_POOL),
        (AllowanceClaim("birth"), {"pool": "999999"}, Refusal.POOL_UNKNOWN),
        (AllowanceClaim("family_planning"), {}, Refusal.DAYS_NOT_KNOWN),
        (
            AllowanceClaim("birth"),
            {"member": Member(MemberKind.EMPLOYEE, 24, Month(2023, 4))},
            Refusal.INTERRUPTED,
        ),
        (
            AllowanceClaim("birth"),
            {"member": Member(MemberKind.FLEXIBLE, 24, Month(2023, 6))},
            Refusal.NOT_COVERED,
        ),
    ],
)
def test_who_is_not_entitled(
    made: Made, claim: AllowanceClaim, changed: dict[str, Any], refusal: Refusal
) -> None:
    found = entitled(on_june(claim, **changed), claim, made())
    assert isinstance(found, Refused)
    assert found.refusal is refusal


@pytest.mark.parametrize(
    ("claimed", "days", "last"),
    [
        ("2024-03-01", 1, "2024-03-04"),  # a Friday
        ("2024-03-01", 5, "2024-03-08"),
        ("2024-03-01", 6, "2024-03-11"),
        ("2024-03-02", 1, "2024-03-04"),
        ("2024-03-03", 10, "2024-03-15"),
    ],
)
def test_working_days_leave_saturday_and_sunday_out(claimed: str, days: int, last: str) -> None:
    terms, day = AllowanceDue(working_days=days), date.fromisoformat(claimed)
    assert due_by(terms, AllowanceClaim("birth"), day, day) == date.fromisoformat(last)


def test_a_month_of_payment_is_counted_from_the_event() -> None:
    terms = AllowanceDue(months_after_birth=5, months_after_surgery=3)
    event, claimed = date(2023, 10, 31), date(2024, 3, 1)
    assert due_by(terms, AllowanceClaim("birth"), event, claimed) == date(2024, 3, 1)
    assert due_by(terms, AllowanceClaim("loss"), event, claimed) == date(2024, 3, 1)
    surgery = AllowanceClaim("family_planning")
    assert due_by(terms, surgery, event, claimed) == date(2024, 1, 1)


OWN = 'of = "own", period = "last_12_months"'


def test_the_pools_own_average_is_the_base_where_no_other_is_stated(made: Made) -> None:
    book = made((OWN, 'of = "pool", period = "preceding_calendar_year"'))
    # 8000 x 12 / 365 = 263.0136, down; x 98 = 25774.98, to the yuan
    found = answer(book, "allowance", allowance={"event": "birth"})
    held(found, total="25775.00", steps=["base_of_pool"])
    assert "990000/average_wage@2022-01-01#first" in found["rate_ids"]
    held(answer(book, "allowance", allowance=CLAIM), total="23704.00", steps=["base_stated"])


def test_without_the_pools_average_there_is_no_base(made: Made) -> None:
    book = made(
        (OWN, 'of = "pool", period = "preceding_calendar_year"'),
        ('sets.average_wage = "8000.00"\n', ""),
        ("floor = 0.6\nceiling = 3.0\n", ""),
    )
    held(answer(book, "allowance", allowance={"event": "birth"}), refused="base_not_stated")
    held(answer(book, "allowance", allowance=CLAIM), total="23704.00")


def test_an_answer_names_its_book_day_and_account(made: Made) -> None:
    book = made()
    claim = AllowanceClaim("birth", base_monthly=Money(735748))
    birth = Delivery(DeliveryMode.CESAREAN)
    for claimed, benefit in ((claim, Benefit.ALLOWANCE), (birth, Benefit.DELIVERY)):
        found = price(on_june(claimed), book)
        assert isinstance(found, Priced)
        assert (found.book_hash, found.engine, found.decided_on, found.benefit) == (
            book.hash, ENGINE, date(2023, 6, 10), benefit,
        )  # fmt: skip
        assert (found.insurance_type, found.expenditure_item) == (
            InsuranceType.MATERNITY, ExpenditureItem.MATERNITY,
        )  # fmt: skip
        assert (found.units, found.member_account, found.member_cash) == ((), NOTHING, NOTHING)
    days = [price(on_june(claimed), book) for claimed in (claim, birth)]
    assert [(each.days, each.payee) for each in days if isinstance(each, Priced)] == [
        (98, "person"), (0, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "total"),
    # 98 days are 3 months, 15 are a half and count as one, 2 are none; to the yuan
    [
        ({}, "22072.00"),
        ({"event": "paternity"}, "7357.00"),
        ({"event": "family_planning", "procedure": "iud_insert"}, "0.00"),
    ],
)
def test_whole_months_are_rounded_to_the_step_too(
    made: Made, claim: dict[str, Any], total: str
) -> None:
    book = made(('divisor = "12_months_over_365_days"', 'divisor = "months"'))
    held(answer(book, "allowance", allowance={**CLAIM, **claim}), total=total)
