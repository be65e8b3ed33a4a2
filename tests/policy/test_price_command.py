"""The command `price`: one answer a line, whatever the line holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.settlement.api.price_command import price_command
from tests.policy.cases import TODAY
from tests.policy.test_compiler import HEAD, write

CASE: dict[str, Any] = {
    "id": "c1",
    "pool": "320100",
    "benefit": "delivery",
    "on": "2024-03-25",
    "known_on": "2026-11-21",
    "member": {"kind": "employee", "months_paid": 24, "paid_until": "2024-03"},
    "institution": {"level": 3},
    "delivery": {
        "mode": "cesarean",
        "infants": 1,
        "weeks": 39,
        "complications": [],
        "extras": [],
    },
    "cost": {"total": "9500.00", "in_scope": "9000.00"},
}


def answers(*lines: str, policy_dirs: tuple[Path, ...] = ()) -> list[dict[str, Any]]:
    return [json.loads(line) for line in price_command(lines, policy_dirs, TODAY)]


def answer(**changed: Any) -> dict[str, Any]:
    [only] = answers(json.dumps({**CASE, **changed}))
    return only


def test_the_answer_has_the_agreed_names() -> None:
    given = answer()
    assert given["fund"] == "4475.00"
    assert given["member"] == given["member_cash"] == "925.00"
    assert given["member_account"] == given["other_fund"] == "0.00"
    assert given["institution"] == "4100.00"
    assert given["desk"] == {"fund": "8575.00", "member": "925.00"}
    names = {"what", "amount", "article", "document", "grade", "label"}
    assert all(names <= set(step) for step in given["steps"])
    assert len(given["book"]) == 64


def test_lines_with_classes_make_the_cost() -> None:
    lines = [
        {"amount": "8000.00", "class": "A"},
        {"amount": "1200.00", "class": "B", "first_copay": "200.00"},
        {"amount": "300.00", "class": "C"},
    ]
    assert answer(cost={"total": "9500.00", "lines": lines})["fund"] == "4475.00"
    assert answer(cost={"total": "9500.01", "lines": lines})["refused"]["code"] == 2010


def test_a_kind_alone_is_priced_and_says_what_it_took_for_granted() -> None:
    given = answer(member={"kind": "employee"})
    assert given["fund"] == "4475.00"
    assert {"contributions_not_stated", "waiting_not_stated"} <= {
        step["what"] for step in given["steps"]
    }


def test_the_shortest_lawful_case() -> None:
    shortest = {
        "id": "s",
        "pool": "653000",
        "benefit": "delivery",
        "on": "2024-02-01",
        "member": {"kind": "employee"},
        "delivery": {"mode": "cesarean", "infants": 2},
    }
    [given] = answers(json.dumps(shortest))
    assert given["fund"] == given["total"] == "8500.00"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"secret": 1}, ""),
        ({"member": {"kind": "employee", "secret": 1}}, "/member"),
        ({"member": {"kind": "emperor"}}, "/member/kind"),
        ({"member": {"kind": "employee", "months_paid": True}}, "/member/months_paid"),
        ({"member": {"kind": "employee", "paid_until": "2024-13"}}, "/member/paid_until"),
        ({"pool": 320100}, "/pool"),
        ({"pool": "３２０１００"}, "/pool"),
        ({"on": "2024-02-30"}, "/on"),
        ({"on": "20240325"}, "/on"),
        ({"benefit": "lottery"}, "/benefit"),
        ({"delivery": {"mode": "cesarean", "infants": 0}}, "/delivery/infants"),
        ({"institution": {"level": 4}}, "/institution/level"),
        ({"cost": {"total": 9500, "in_scope": "9000.00"}}, "/cost/total"),
        ({"cost": {"total": "9500.0", "in_scope": "9000.00"}}, "/cost/total"),
        ({"cost": {"total": "-1.00", "in_scope": "9000.00"}}, "/cost/total"),
        ({"cost": {"total": "8000.00", "in_scope": "9000.00"}}, "/cost"),
        ({"cost": {"total": "8000.00"}}, "/cost"),
        ({"id": "a\u0000b"}, "/id"),
    ],
)
def test_a_malformed_case_is_refused_at_its_place(changed: dict[str, Any], pointer: str) -> None:
    refusal = answer(**changed)["refused"]
    assert refusal["code"] == 2010
    assert pointer in {error["pointer"] for error in refusal["errors"]}
    assert "secret" not in json.dumps(refusal)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '"c1"',
        '{"id": "c1", "id": "c2"}',
        '{"id": NaN}',
        "[" * 100_000,
        '{"id": "\\ud800"}',
        '{"id": ' + "9" * 5_000 + "}",
    ],
)
def test_a_line_that_is_no_case_is_refused_not_raised(line: str) -> None:
    bad, good = answers(line, json.dumps(CASE))
    assert bad["refused"]["code"] == 2010
    assert good["fund"] == "4475.00"


def test_a_name_written_twice_is_refused() -> None:
    twice = json.dumps(CASE).replace('"on": ', '"on": "2024-03-24", "on": ')
    assert answers(twice)[0]["refused"]["code"] == 2010


def test_a_benefit_without_its_block_is_malformed() -> None:
    refused = answer(benefit="allowance")["refused"]
    assert refused["code"] == 2010
    assert refused["errors"] == [{"pointer": "/allowance", "code": "missing"}]


def test_unknown_names_are_one_fault_a_place_with_those_that_are_known() -> None:
    refused = answer(cost={"total": "1.00", "lines": [{"amount": "1.00", "klass": "A", "no": 1}]})
    (error,) = (e for e in refused["refused"]["errors"] if e["code"] == "extra_forbidden")
    known = ["amount", "class", "over_limit", "first_copay", "bed_days"]
    assert error == {
        "pointer": "/cost/lines/0", "code": "extra_forbidden", "unknown": 2, "known": known,
    }  # fmt: skip


def test_blocks_of_other_benefits_are_ignored() -> None:
    assert answer(prenatal={"anything": 1}) == answer()


def test_refusals_name_code_titles_and_article() -> None:
    interrupted = answer(on="2024-04-01")["refused"]
    assert interrupted["code"] == 2001
    assert interrupted["title"]
    assert interrupted["title_zh"]
    assert interrupted["article"] == "缴费"


def test_blank_lines_are_skipped() -> None:
    assert len(answers("", "  \n", json.dumps(CASE))) == 1


def test_a_new_pool_is_added_by_data_alone(tmp_path: Path) -> None:
    sheet = (
        'pool = "990000"\nname = "试点"\nfirst_date = 2020-01-01\n[[inherits]]\npool = "000000"\n'
        'cells = ["deciding_date", "rounding", "catalogue", "insurance_type",'
        ' "expenditure_item", "interruption"]\n'
    )
    clauses = """
[[clause]]
article = "三"
gist = "限额"
from = 2020-01-01
kinds = ["employee"]
sets.waiting = { months = 0, medical_if_short = "paid" }
[clause.sets.delivery]
method = "cap"
extra_infant = "0.00"
amounts.level_1 = { vaginal = "1000.00", assisted = "1000.00", cesarean = "1000.00" }
amounts.level_2 = { vaginal = "2000.00", assisted = "2000.00", cesarean = "2000.00" }
amounts.level_3 = { vaginal = "3000.00", assisted = "3000.00", cesarean = "3000.00" }
"""
    folder = write(tmp_path, sheet, first=HEAD + clauses)
    [given] = answers(json.dumps({**CASE, "pool": "990000"}), policy_dirs=(folder,))
    assert (given["fund"], given["member"]) == ("3000.00", "6500.00")
    cheap = {**CASE, "pool": "990000", "cost": {"total": "900.00", "in_scope": "800.00"}}
    [given] = answers(json.dumps(cheap), policy_dirs=(folder,))
    assert (given["fund"], given["member"]) == ("800.00", "100.00")
