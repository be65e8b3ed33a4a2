"""A new pool compiles as written, and each of its examples does once it is uncommented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.policy.cells import CELLS, Sets
from shared.policy.document import Document
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
    assert checked.output.startswith(f"{CODE} 示例市: ")


def test_it_compiles_with_all_examples(started: Path) -> None:
    for path in started.glob("*.toml"):
        path.write_text(uncommented(path.read_text(encoding="utf-8")), encoding="utf-8")
    checked = run("check", started.parent)
    assert checked.exit_code == 0, checked.output
    assert f"{len(CELLS)} of {len(CELLS)} cells" in checked.output


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
