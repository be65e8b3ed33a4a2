"""What is owed to the fund, and bills where they are seldom seen: on variants of the pool that has
every cell. Each sum was done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from services.settlement.domain.cost import Cost
from services.settlement.domain.prenatal import Prenatal, UnitUse
from services.settlement.domain.pricing import Priced, price
from shared.money import Money
from tests.policy.conftest import Made
from tests.policy.test_new_pool import answer, bill, held, member
from tests.policy.test_sums import on_june


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
    elsewhere = answer(book, "contribution", **contribution("1.00"), pool="999999")
    held(elsewhere, refused="pool_unknown")


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
    unknown = answer(book, "delivery", **birth, institution={})
    held(unknown, refused="level_not_stated")
    assert unknown["refused"]["article"] == "一"


def test_a_standard_of_the_loss_is_paid_up_to_the_bill(made: Made) -> None:
    out = {"weeks": 15, "setting": "outpatient"}
    cost = bill("800.00", "650.00")
    held(answer(made(), "loss", loss=out, **cost), fund="650.00", member="150.00")


def test_the_fund_may_pay_what_fell_due_in_a_gap(made: Made) -> None:
    gap = {"first": "2023-02", "last": "2023-07"}
    facts = {"delivery": {"mode": "cesarean"}, "member": member(made_up=gap)}
    book = made(('gap_paid_by = "employer"', 'gap_paid_by = "fund"'))
    found = answer(book, "delivery", **facts)
    held(found, fund="8433.00", steps=["gap_made_up"])
    [step] = [step for step in found["steps"] if step["what"] == "gap_made_up"]
    assert step["values"] == {"from": "2023-02", "to": "2023-07", "month": "2023-06"}


FLEXIBLE_QUOTA = 'method = "quota", extra_infant'


def test_a_share_by_level_needs_the_level_beside_a_quota_that_does_not(made: Made) -> None:
    book = made((FLEXIBLE_QUOTA, 'method = "quota", amounts = { all = "5000.00" }, extra_infant'))
    facts = {"delivery": {"mode": "cesarean"}, "member": member("flexible"), **bill("6000.00")}
    held(answer(book, "delivery", **facts), fund="5000.00", member="150.00")
    held(answer(book, "delivery", **facts, institution={}), refused="level_not_stated")
    del facts["cost"]
    found = answer(book, "delivery", **facts, institution={})
    held(found, fund="5000.00")
    [step] = [step for step in found["steps"] if step["what"] == "standard_amount"]
    assert step["values"] == {"what": "cesarean"}


def test_a_standard_by_level_needs_the_level(made: Made) -> None:
    out = {"loss": {"weeks": 15, "setting": "outpatient"}, "institution": {}}
    held(answer(made(), "loss", **out), refused="level_not_stated")


def test_an_answer_says_what_it_used_of_the_pregnancys_limits(made: Made) -> None:
    visit = Prenatal(week=20, used={"pregnancy": Money(30000)})
    book, cost = made(), Cost(Money(50000), Money(50000))
    for of, used in ((cost, 50000), (None, 70000)):
        found = price(on_june(visit, cost=of), book)
        assert isinstance(found, Priced)
        assert found.units == (UnitUse("pregnancy", Money(used), Money(100000)),)


def test_a_fen_above_the_bed_cap_is_hers(made: Made) -> None:
    lines = [{"amount": "120.01", "class": "A", "bed_days": 3}]
    facts = {"delivery": {"mode": "cesarean"}, "member": member("early_retiree")}
    found = answer(made(), "delivery", **facts, cost={"lines": lines})
    held(found, fund="120.00", member="0.01", steps=["bed_cap"])


X = 'extras = [{ name = "x", adds = { all = "50.00" } }]'
OWN = f'{{ method = "cap", amounts = {{ all = "300.00" }}, {X} }}'


def with_extras(made: Made) -> Any:
    return made(
        ('{ method = "full" }\nvasectomy', f"{OWN}\nvasectomy"),
        ('{ method = "points", points = 100.0 }', OWN),
    )


@pytest.mark.parametrize(
    ("benefit", "block"),
    [("loss", {"weeks": 15}), ("family_planning", {"procedure": "iud_insert"})],
)
def test_a_loss_and_a_surgery_have_extras_and_conditions_too(
    made: Made, benefit: str, block: dict[str, Any]
) -> None:
    book, cost = with_extras(made), bill("700.00")  # not above 2.5 x 300
    plain = answer(book, benefit, **{benefit: block}, **cost)
    held(plain, fund="300.00", member="400.00")
    extra = {benefit: {**block, "extras": ["x"]}}
    held(answer(book, benefit, **extra, **cost), fund="350.00", steps=["extra"])
    listed = {benefit: {**block, "complications": ["placenta_praevia"]}}
    held(answer(book, benefit, **listed, **cost), fund="700.00", steps=["condition_cap"])


def test_what_is_paid_by_item_needs_the_bill(made: Made) -> None:
    birth = {"delivery": {"mode": "cesarean", "complications": ["eclampsia"]}}
    held(answer(made(), "delivery", **birth), refused="cost_not_stated")
