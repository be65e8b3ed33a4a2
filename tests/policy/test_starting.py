"""A new pool compiles as written, and each of its examples does once it is uncommented."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.settlement.api.price_command import price_command
from shared.policy.cells import CELLS, Sets
from shared.policy.document import Document
from tests.policy.cases import TODAY
from tests.policy.drafts import run
from tests.policy.reflection import methods

CODE = "990000"


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """The folder of a pool that was just begun."""
    written = run("new-pool", CODE, "示例市", "--into", tmp_path, "--slug", "shili")
    assert written.exit_code == 0, written.output
    assert [Path(line).name for line in written.output.split()] == ["pool.toml", "shili-first.toml"]
    return tmp_path / f"{CODE}-shili"


def uncommented(text: str) -> str:
    """As the clerk is told to: the sign and the space at the line's beginning go."""
    return re.sub(r"^# ", "", text, flags=re.M)


def examples(document: Path) -> Iterator[str]:
    """The commented clauses, each as it stands."""
    for part in document.read_text(encoding="utf-8").split("# [[clause]]\n")[1:]:
        yield "# [[clause]]\n" + part.split("\n\n")[0].rstrip("\n") + "\n"


def alternatives(document: Path) -> Iterator[str]:
    """The other ways of writing that the explanations give."""
    yield from re.findall(r"^## 或：(.*)$", document.read_text(encoding="utf-8"), re.M)


def read(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def test_it_compiles_as_written(started: Path) -> None:
    checked = run("check", started.parent)
    assert checked.exit_code == 0, checked.output
    assert checked.output.startswith(f"{CODE} 示例市：已定参数")
    [unset] = re.findall("尚无规定：(.*)", checked.output)
    assert "，" in unset
    assert ", " not in unset


def test_it_compiles_with_all_examples(started: Path) -> None:
    for path in started.glob("*.toml"):
        path.write_text(uncommented(path.read_text(encoding="utf-8")), encoding="utf-8")
    checked = run("check", started.parent)
    assert checked.exit_code == 0, checked.output
    assert f"已定参数 {len(CELLS)}/{len(CELLS)}" in checked.output


def test_it_compiles_with_each_example_alone(started: Path) -> None:
    path = started / "shili-first.toml"
    whole = path.read_text(encoding="utf-8")
    found = list(examples(path))
    assert len(found) == len(CELLS)
    for example in found:
        assert whole.count(example) == 1
        path.write_text(whole.replace(example, uncommented(example)), encoding="utf-8")
        checked = run("check", started.parent)
        assert checked.exit_code == 0, checked.output


def test_every_cell_has_one_example_with_words_of_explanation(started: Path) -> None:
    text = (started / "shili-first.toml").read_text(encoding="utf-8")
    document = Document.model_validate(read(uncommented(text)))
    named = [name for clause in document.clause for name in clause.cell_names()]
    assert sorted(named) == sorted(CELLS)
    for example in examples(started / "shili-first.toml"):
        above = text[: text.index(example)].rstrip("\n").split("\n")[-1]
        assert above.startswith("## "), example


def test_every_alternative_is_lawful(started: Path) -> None:
    found = list(alternatives(started / "shili-first.toml"))
    assert len(found) > 10
    for line in found:
        assert Sets.model_validate(read(line)["sets"])


def test_every_method_is_shown(started: Path) -> None:
    path = started / "shili-first.toml"
    whole = uncommented(path.read_text(encoding="utf-8")) + "\n".join(alternatives(path))
    shown = set(re.findall(r'method = "(\w+)"', whole))
    assert {method for _, method in methods()} <= shown


CASE: dict[str, Any] = {
    "pool": CODE,
    "on": "2024-03-25",
    "known_on": "2026-11-21",
    "member": {"kind": "employee", "months_paid": 24, "paid_until": "2024-03"},
    "institution": {"level": 3},
}


def priced(folder: Path, benefit: str, in_scope: str | None, **facts: Any) -> dict[str, Any]:
    """What a case comes to by the pools of `folder`, which stand in no file of ours."""
    cost = {"cost": {"total": in_scope, "in_scope": in_scope}} if in_scope else {}
    case = CASE | {"id": benefit, "benefit": benefit, benefit: facts} | cost
    answer: dict[str, Any] = json.loads(next(price_command([json.dumps(case)], [folder], TODAY)))
    return answer


@pytest.mark.parametrize(
    ("benefit", "in_scope", "facts", "fund"),
    [
        # 4900.00 less the member's 5 % of 2500.00 and 15 % of 2000.00
        ("delivery", "9000.00", {"mode": "cesarean"}, "4475.00"),
        ("prenatal", "700.00", {"week": 12}, "600.00"),
        ("loss", "1700.00", {"weeks": 14}, "1500.00"),
        ("family_planning", "300.00", {"procedure": "iud_insert"}, "200.00"),
        # 7357.48 / 30 is 245.249...: 245.25 a day, 128 days
        ("allowance", None, {"event": "birth", "mode": "vaginal", "base_monthly": "7357.48"},
         "31392.00"),
        ("nutrition", None, {"birth_on": "2024-03-25"}, "1500.00"),
    ],
)  # fmt: skip
def test_the_examples_price_every_benefit(
    started: Path, benefit: str, in_scope: str | None, facts: dict[str, Any], fund: str
) -> None:
    path = started / "shili-first.toml"
    path.write_text(uncommented(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert priced(started.parent, benefit, in_scope, **facts)["fund"] == fund


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        ("lump_sum", ("6000.00", "0.00", "0.00", "0.00")),
        ("cap", ("2000.00", "4000.00", "0.00", "0.00")),  # half of 4000.00: its portion
        ("quota", ("3925.00", "75.00", "2000.00", "0.00")),  # 5 % above 4500.00
        ("banded", ("5700.00", "300.00", "0.00", "0.00")),
        ("full", ("6000.00", "0.00", "0.00", "0.00")),
        ("points", ("6425.00", "75.00", "-500.00", "0.00")),  # 650 points of 10.00
        ("subsidy", ("2000.00", "0.00", "0.00", "4000.00")),
        ("handed_over", ("0.00", "0.00", "0.00", "6000.00")),
    ],
)
def test_every_way_of_paying_a_delivery_is_written_not_programmed(
    started: Path, method: str, parts: tuple[str, ...]
) -> None:
    path = started / "shili-first.toml"
    [other] = [
        line
        for line in alternatives(path)
        if line.startswith(f'sets.delivery = {{ method = "{method}"')
    ]
    whole = uncommented(path.read_text(encoding="utf-8"))
    example = 'sets.delivery = { method = "quota" }\n'
    assert whole.count(example) == 1
    path.write_text(whole.replace(example, other + "\n"), encoding="utf-8")
    # Three times the least of the amounts: no more, so that no case turns to itemised payment.
    answer = priced(started.parent, "delivery", "6000.00", mode="cesarean")
    assert tuple(answer[part] for part in ("fund", "member", "institution", "other_fund")) == parts


@pytest.mark.parametrize(
    ("code", "name", "slug", "what"),
    [
        ("99000", "示例市", "shili", "six digits"),
        ("000000", "示例市", "shili", "a pool already"),
        (CODE, '示"例', "shili", "without quotes"),
        (CODE, "示例\n市", "shili", "one line"),
        (CODE, " ", "shili", "one line"),
        (CODE, "示例市", "Shi_li", "slug"),
        (CODE, "示例市", "../x", "slug"),
    ],
)
def test_what_no_pool_can_be_called_is_refused(
    tmp_path: Path, code: str, name: str, slug: str, what: str
) -> None:
    refused = run("new-pool", code, name, "--into", tmp_path, "--slug", slug)
    assert refused.exit_code == 1
    assert what in refused.output
    assert not list(tmp_path.iterdir())


def test_a_pool_is_never_written_over(started: Path) -> None:
    again = run("new-pool", CODE, "他市", "--into", started.parent, "--slug", "tashi")
    assert again.exit_code == 1
    assert "a pool already" in again.output


def test_the_code_is_the_slug_where_none_is_given(tmp_path: Path) -> None:
    assert run("new-pool", CODE, "示例市", "--into", tmp_path).exit_code == 0
    assert run("check", tmp_path).exit_code == 0
    assert (tmp_path / f"{CODE}-{CODE}" / f"{CODE}-first.toml").is_file()
