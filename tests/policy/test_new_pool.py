"""A pool that no file of the project knows, made of forms that no shipped pool has together: it
is priced by the command as it stands. Each sum was done by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.settlement.api.price_command import price_command, priced_line
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance
from tests.policy.cases import TODAY
from tests.policy.new_pool import FIRST, LATER, SHEET
from tests.policy.test_compiler import write

Answer = dict[str, Any]
MEMBER = {"kind": "employee", "months_paid": 24, "paid_until": "2023-06"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("policy"), SHEET, first=FIRST, later=LATER)


@pytest.fixture(scope="module")
def new(folder: Path) -> Book:
    """The book that `price --policy` makes of that folder."""
    folders = (BUILT_IN, folder)
    return compile_book(folders, demo_allowance(folders))


def member(kind: str = "employee", **facts: Any) -> dict[str, Any]:
    return {**MEMBER, "kind": kind, **facts}


def in_september(gap_from: str) -> dict[str, Any]:
    """Paid up in September 2023, after a gap to July that was made up."""
    return member(paid_until="2023-09", made_up={"first": gap_from, "last": "2023-07"})


def bill(total: str, in_scope: str | None = None) -> dict[str, Any]:
    return {"cost": {"total": total, "in_scope": in_scope or total}}


def case(benefit: str, **facts: Any) -> str:
    stated = {
        "id": "n",
        "pool": "990000",
        "benefit": benefit,
        "on": "2023-06-10",
        "member": MEMBER,
        "institution": {"level": 3},
        **facts,
    }
    return json.dumps(stated)


def answer(new: Book, benefit: str, **facts: Any) -> Answer:
    return priced_line(case(benefit, **facts), new, TODAY)


def held(given: Answer, **expected: Any) -> None:
    if "refused" in given:
        assert expected == {"refused": given["refused"]["slug"]}, given
        return
    steps = {step["what"] for step in given["steps"]}
    assert set(expected.pop("steps", ())) <= steps
    assert {name: given.get(name) for name in expected} == expected
    if "fund" in given:
        parts = [given[name] for name in ("fund", "member", "institution", "other_fund")]
        assert sum(_fen(part) for part in parts) == _fen(given["total"])


def _fen(amount: str) -> int:
    return int(amount.replace(".", ""))


BIRTH = {"mode": "cesarean"}


def test_the_command_prices_it_without_a_line_of_code(folder: Path) -> None:
    [line] = price_command([case("delivery", delivery=BIRTH)], [folder], TODAY)
    assert json.loads(line)["fund"] == "8433.00"  # 900 points at 9.37


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # 900 points at 9.37, the final value of 2023; shares of 8800.33 in scope, each band down
        # to the fen: 150.00 + 280.03; beside them the hospital has its points whole.
        (
            bill("9000.33", "8800.33"),
            {"fund": "8433.00", "member": "630.03", "institution": "-62.70"},
        ),
        # Before that value was published: 900 x 9.00, prepaid.
        ({"known_on": "2024-02-19"}, {"fund": "8100.00"}),
        ({"known_on": "2024-02-20"}, {"fund": "8433.00"}),
        ({"delivery": {"mode": "assisted"}}, {"fund": "5814.08"}),  # 620.5 x 9.37 = 5814.085, down
        ({"delivery": {**BIRTH, "extras": ["anaesthesia"]}}, {"fund": "8933.00"}),
        # The day of discharge decides: the old value until 2022-12-31.
        ({"dates": {"discharged": "2022-12-31"}, "member": member(paid_until="2022-12")},
         {"fund": "8100.00"}),
        ({"dates": {"discharged": "2023-01-01"}, "member": member(paid_until="2023-01")},
         {"fund": "8433.00"}),
        # 2.5 x 8433 = 21082.50: not above it, and a fen above it.
        (bill("21082.50"), {"fund": "8433.00", "member": "1658.25", "institution": "10991.25"}),
        (bill("21082.51"), {"fund": "19424.26", "member": "1658.25", "institution": "0.00"}),
        # A condition with a cap of its own; another that is paid by item: 150 + 400 is hers.
        (
            {"delivery": {**BIRTH, "complications": ["placenta_praevia"]}, **bill("18000.00")},
            {"fund": "15000.00", "member": "3000.00", "institution": "0.00"},
        ),
        (
            {"delivery": {**BIRTH, "complications": ["eclampsia"]}, **bill("10000.00")},
            {"fund": "9450.00", "member": "550.00", "institution": "0.00"},
        ),
        # Mode-neutral by level, beside 5 % at level 2; twins add 15 % of 3500 at level 1.
        (
            {"member": member("flexible"), "institution": {"level": 2},
             "delivery": {"mode": "vaginal"}, **bill("4000.00", "3900.00")},
            {"fund": "4200.00", "member": "295.00", "institution": "-495.00",
             "steps": ["quota_beside_share", "applied_at_desk"]},
        ),
        ({"member": member("flexible"), "institution": {"level": 2}}, {"fund": "4200.00"}),
        (
            {"member": member("flexible"), "institution": {"level": 1},
             "delivery": {**BIRTH, "infants": 2}},
            {"fund": "4025.00"},
        ),
        # Half of 4001.01, down to the fen, also above the bill of 1500.
        (
            {"member": member("spouse_unemployed"), **bill("1500.00")},
            {"fund": "2000.50", "total": "2000.50", "member": "0.00"},
        ),
        (
            {"member": member("unemployment_benefit"), **bill("5000.00", "4800.00")},
            {"fund": "0.00", "other_fund": "4800.00", "member": "200.00"},
        ),
        ({"member": member("retiree"), **bill("7000.00")}, {"fund": "6750.00", "member": "250.00"}),
        (
            {"member": member("early_retiree"), **bill("7000.00", "6500.00")},
            {"fund": "6500.00", "member": "500.00"},
        ),
    ],
)  # fmt: skip
def test_a_birth(new: Book, facts: dict[str, Any], expected: dict[str, Any]) -> None:
    held(answer(new, "delivery", **{"delivery": BIRTH, **facts}), **expected)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"member": member(months_paid=12)}, {"fund": "8433.00"}),
        ({"member": member(months_paid=11)}, {"refused": "waiting_period_not_met"}),
        # A gap of 3 months on moving here: no waiting; of 4: 6 months.
        ({"member": member(months_paid=1, transfer_gap_months=3)}, {"fund": "8433.00"}),
        ({"member": member(months_paid=6, transfer_gap_months=4)}, {"fund": "8433.00"}),
        (
            {"member": member(months_paid=5, transfer_gap_months=4)},
            {"refused": "waiting_period_not_met"},
        ),
        # Ten days into June the payment of June may not be booked yet.
        ({"member": member(paid_until="2023-05")}, {"steps": ["not_booked_yet"]}),
        ({"member": member(paid_until="2023-05"), "on": "2023-06-11"}, {"refused": "interrupted"}),
        # Half a year, made up: the employer bears the gap, afterwards all is as before.
        (
            {"member": member(made_up={"first": "2023-02", "last": "2023-07"})},
            {"refused": "gap_on_employer"},
        ),
        (
            {"on": "2023-09-01", "member": in_september("2023-02")},
            {"fund": "8433.00"},
        ),
        # Seven months are not mended: two paid months since.
        (
            {"member": member(made_up={"first": "2023-01", "last": "2023-07"})},
            {"refused": "interrupted"},
        ),
        (
            {"on": "2023-09-01", "member": in_september("2023-01")},
            {"refused": "waiting_period_not_met"},
        ),
        ({"circumstances": ["not_designated"]}, {"refused": "excluded"}),
        ({"circumstances": ["not_designated", "emergency"]}, {"fund": "8433.00"}),
        (
            {"circumstances": ["third_party_does_not_pay"]},
            {"fund": "8433.00", "steps": ["fund_pays_first"]},
        ),
        ({"county": "990001"}, {"fund": "8433.00"}),
        ({"county": "990009"}, {"refused": "county_not_of_pool"}),
        ({"on": "2021-12-31"}, {"refused": "no_rule_on_date"}),
    ],
)  # fmt: skip
def test_who_is_entitled(new: Book, facts: dict[str, Any], expected: dict[str, Any]) -> None:
    held(answer(new, "delivery", **{"delivery": BIRTH, **facts}), **expected)


@pytest.mark.parametrize(
    ("kind", "check", "cost", "expected"),
    [
        # Stages of 400 and 600 are open in week 20: 1000 - 300 used; what is above is handed over.
        ("employee", {"week": 20, "used": {"pregnancy": "300.00"}}, bill("1000.00", "900.00"),
         {"fund": "700.00", "other_fund": "200.00", "member": "100.00"}),
        ("employee", {"week": 13}, bill("500.00"), {"fund": "400.00", "other_fund": "100.00"}),
        # One limit of 1500, 350 of it for the first visit.
        ("flexible", {"first_visit": True}, bill("500.00"), {"fund": "350.00", "member": "150.00"}),
        ("flexible", {"used": {"pregnancy": "1300.00"}}, bill("400.00"),
         {"fund": "200.00", "member": "200.00"}),
        # A head of 1000 for 40 weeks: 13 of them.
        ("retiree", {"head": {"from_week": 0, "until_week": 13}}, bill("400.00"),
         {"fund": "325.00", "institution": "75.00", "member": "0.00"}),
        ("retiree", {"head": True, "postnatal": True}, bill("400.00"), {"refused": "not_covered"}),
        # A fixed sum, also above the bill.
        ("spouse_unemployed", {}, bill("100.00"), {"fund": "600.00", "total": "600.00"}),
        ("unemployment_benefit", {"week": 21}, bill("900.00"),
         {"fund": "800.00", "member": "100.00"}),
        ("unemployment_benefit", {"week": 5, "high_risk": True}, bill("900.00"),
         {"fund": "800.00", "member": "100.00"}),
    ],
)  # fmt: skip
def test_a_check(
    new: Book, kind: str, check: Answer, cost: Answer, expected: dict[str, Any]
) -> None:
    held(answer(new, "prenatal", member=member(kind), prenatal=check, **cost), **expected)


OUT = {"setting": "outpatient"}


@pytest.mark.parametrize(
    ("benefit", "block", "facts", "expected"),
    [
        ("loss", {"weeks": 15, **OUT}, bill("800.00"), {"fund": "700.00", "member": "100.00"}),
        ("loss", {"weeks": 15}, {}, {"fund": "937.00"}),  # 100 points
        ("loss", {"weeks": 16, **OUT}, bill("1500.00"), {"fund": "1300.00", "member": "200.00"}),
        ("loss", {"weeks": 6}, {"circumstances": ["ectopic"], **bill("900.00")},
         {"fund": "0.00", "other_fund": "900.00"}),
        ("family_planning", {"procedure": "iud_insert"}, bill("300.00", "280.00"),
         {"fund": "280.00", "member": "20.00"}),
        ("family_planning", {"procedure": "vasectomy"}, bill("300.00"),
         {"fund": "0.00", "other_fund": "300.00"}),
        ("complication", {"when": "after_birth", "months_after": 3}, bill("3500.00"),
         {"fund": "3000.00", "member": "500.00"}),
        ("complication", {"when": "after_birth", "months_after": 4}, bill("3500.00"),
         {"fund": "0.00", "other_fund": "3500.00"}),
        # 155230 x 2 % = 3104.60, up to the yuan.
        ("nutrition", {"birth_on": "2023-06-10", "annual_wage": "155230.00"}, {},
         {"fund": "3105.00"}),
        # 60 % of 8000 is the least base: 4800 at 7.8 % and at 2 %.
        ("contribution", {"wage": "3000.00", "month": "2023-06"},
         {"member": member(employer="enterprise")},
         {"employer": "374.40", "individual": "96.00"}),
        ("contribution", {"wage": "3000.00", "month": "2023-06"},
         {"member": member(employer="public_institution")}, {"refused": "not_covered"}),
        ("late_fee", {"arrears": "1000.00", "days": 3}, {}, {"total": "1.50"}),
    ],
)  # fmt: skip
def test_the_other_benefits(
    new: Book, benefit: str, block: Answer, facts: Answer, expected: dict[str, Any]
) -> None:
    held(answer(new, benefit, **{benefit: block, **facts}), **expected)


def test_a_bed_above_the_cap_is_hers(new: Book) -> None:
    # Three days at 60 under a cap of 40: 60 of 180 leave the scope.
    lines = [
        {"amount": "4820.00", "class": "A"},
        {"amount": "180.00", "class": "A", "bed_days": 3},
    ]
    facts = {"delivery": BIRTH, "member": member("early_retiree"), "cost": {"lines": lines}}
    held(answer(new, "delivery", **facts), fund="4940.00", member="60.00")


@pytest.mark.parametrize(
    ("claim", "facts", "expected"),
    [
        # 7357.48 x 12 / 365 = 241.889..., down to 241.88 a day; x 98 = 23704.24, to the yuan.
        ({}, {}, {"total": "23704.00", "days": 98, "payee": "person", "steps": ["instalments"]}),
        # The longest supplement counts alone: 30 for the birth, not 15 for the twin too.
        ({"mode": "cesarean", "infants": 2}, {}, {"total": "30961.00", "days": 128}),
        ({"mode": "assisted"}, {}, {"days": 98}),
        ({"infants": 4}, {}, {"total": "34589.00", "days": 143}),
        ({"base_monthly": "3000.00"}, {}, {"total": "15464.00"}),  # 4800: 157.80 x 98
        ({"base_monthly": "30000.00"}, {}, {"total": "77326.00"}),  # 24000: 789.04 x 98
        # 8 of 12 months: 23704 x 8 / 12 = 15802.67, to the yuan.
        ({}, {"member": member(months_paid=8)}, {"total": "15803.00", "deferred": None}),
        ({}, {"member": member(employer="public_institution")},
         {"refused": "no_allowance_from_this_employer"}),
        ({}, {"member": member(employer="enterprise")}, {"total": "23704.00"}),
        ({"event": "family_planning", "procedure": "iud_insert"}, {}, {"total": "484.00"}),
        ({"event": "family_planning", "procedure": "vasectomy"}, {}, {"refused": "days_not_known"}),
        ({"event": "paternity"}, {}, {"total": "3628.00", "days": 15}),
        # From 2024 128 days, also for who is on leave then: 98 days from 2023-09-25 end that day.
        ({}, {"on": "2023-09-25", "member": member(paid_until="2023-09")}, {"days": 98}),
        ({}, {"on": "2023-09-26", "member": member(paid_until="2023-09")},
         {"days": 128, "steps": ["still_on_leave"]}),
    ],
)  # fmt: skip
def test_an_allowance(new: Book, claim: Answer, facts: Answer, expected: dict[str, Any]) -> None:
    stated = {"event": "birth", "mode": "vaginal", "base_monthly": "7357.48", **claim}
    held(answer(new, "allowance", **{"allowance": stated, **facts}), **expected)


def test_an_allowance_says_when_it_is_due_and_what_the_employer_adds(new: Book) -> None:
    claim = {"event": "birth", "base_monthly": "7357.48", "wage_monthly": "9000.00"}
    steps = {s["what"]: s for s in answer(new, "allowance", allowance=claim)["steps"]}
    assert steps["employer_tops_up"]["amount"] == "5696.00"  # 9000 x 98 / 30 - 23704
    assert steps["due_in_month"]["values"] == {"month": "2023-11"}  # the fifth month after
    # 23704.00 in three parts
    assert steps["instalments"]["values"] == {"count": "3", "first": "7901.34"}
