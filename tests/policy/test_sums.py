"""Sums that are paid to a person, and what is owed to the fund, where they are seldom seen: on
variants of the pool that has every cell. Each sum was done by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.settlement.domain.allowance import AllowanceClaim
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cash import due_by
from services.settlement.domain.member import Member
from services.settlement.domain.pricing import Entitled, entitled
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import StepKind
from shared.period import Month
from shared.policy.book import Book
from shared.policy.compiler import compile_book
from shared.policy.leave import AllowanceDue
from shared.policy.shapes import DeliveryMode, MemberKind
from tests.policy.cases import TODAY
from tests.policy.new_pool import FIRST, LATER, SHEET
from tests.policy.test_compiler import write
from tests.policy.test_new_pool import answer, bill, held, member

Made = Callable[..., Book]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The book of the new pool in which each text was replaced by another."""

    def make(*replaced: tuple[str, str]) -> Book:
        text = FIRST
        for old, new in replaced:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return compile_book([write(tmp_path, SHEET, first=text, later=LATER)])

    return make


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


def on_june(claim: AllowanceClaim, **changed: Any) -> Case:
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


def contribution(wage: str, **facts: Any) -> dict[str, Any]:
    return {"contribution": {"wage": wage, "month": "2023-06"}, **facts}


@pytest.mark.parametrize(
    ("wage", "employer", "steps"),
    [
        ("4799.99", "374.40", ["base_raised"]),
        ("4800.00", "374.40", []),
        ("24000.00", "1872.00", []),
        ("24000.01", "1872.00", ["base_lowered"]),
    ],
)
def test_a_base_says_where_it_was_moved(
    made: Made, wage: str, employer: str, steps: list[str]
) -> None:
    found = answer(made(), "contribution", **contribution(wage))
    assert found["employer"] == employer
    assert [s["what"] for s in found["steps"] if s["what"].startswith("base")] == steps


def test_without_bounds_the_wage_is_the_base(made: Made) -> None:
    book = made(("sets.base_bounds = { floor = 0.6, ceiling = 3.0 }\n", ""))
    held(answer(book, "contribution", **contribution("100.00")), employer="7.80", total="9.80")


def test_who_owes_nothing_is_told_so(made: Made) -> None:
    book, retired = made(), {"member": member("retiree")}
    found = answer(book, "contribution", **contribution("1.00"), **retired)
    held(found, refused="not_covered")
    assert found["refused"]["values"] == {"rule": "employer_rate"}


def test_a_fee_for_being_late_is_the_employers(made: Made) -> None:
    book, fee = made(), {"late_fee": {"arrears": "1000.19", "days": 3}}
    # 1000.19 x 0.05 % x 3 = 1.500285, down
    held(answer(book, "late_fee", **fee), total="1.50", employer="1.50", individual="0.00")
    found = answer(book, "late_fee", **fee, on="2021-12-31")
    held(found, refused="no_rule_on_date")
    assert found["refused"]["values"] == {"rule": "late_fee"}


def test_medical_insurance_is_handed_a_bill_and_no_standard(made: Made) -> None:
    loss = {"loss": {"weeks": 6}, "circumstances": ["ectopic"]}
    found = answer(made(), "loss", **loss)
    held(found, refused="cost_not_stated")
    assert found["refused"]["article"] == "一"


def test_a_bed_within_the_cap_changes_nothing(made: Made) -> None:
    lines = [{"amount": "120.00", "class": "A", "bed_days": 3}]  # 40 a day
    facts = {"delivery": {"mode": "cesarean"}, "member": member("early_retiree")}
    found = answer(made(), "delivery", **facts, cost={"lines": lines})
    held(found, fund="120.00", member="0.00")
    assert "bed_cap" not in {step["what"] for step in found["steps"]}


def test_an_extra_by_level_needs_the_level(made: Made) -> None:
    by_level = ", ".join(f'level_{n} = {{ all = "{n}00.00" }}' for n in (1, 2, 3))
    book = made(('adds = { all = "500.00" }', f"adds = {{ {by_level} }}"))
    birth = {"delivery": {"mode": "cesarean", "extras": ["anaesthesia"]}}
    held(answer(book, "delivery", **birth), fund="8733.00")  # 900 x 9.37, and 300
    held(answer(book, "delivery", **birth, institution={}), refused="level_not_stated")


def test_a_standard_of_the_loss_is_paid_up_to_the_bill(made: Made) -> None:
    out = {"weeks": 15, "setting": "outpatient"}
    cost = bill("800.00", "650.00")
    held(answer(made(), "loss", loss=out, **cost), fund="650.00", member="150.00")
