"""Chinese is punctuated as Chinese: ，；：（）？！, never the half-width marks of Latin script."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.test_files import committed
from tests.house.test_twins import IN_BOTH, TWINS
from tests.support.source import ROOT

READ = ("services", "shared", "deploy")
"""The folders whose texts people read, wherever in them a text stands."""
AS_IT_STANDS = (
    # What a rule says is in the hash that its judgements carry for ever: one in force stays.
    "services/audit/domain/rules/",
    # The book's hash is on every settlement; articles are named as their documents name them.
    "shared/policy/pools/",
)
_CHINESE = "[\u4e00-\u9fff]"
# Beside a Chinese character, or beside the place of a value in a Chinese text.
_HALF_WIDTH = re.compile(r"[\u3000-\u303f\u4e00-\u9fff}][,;:()?!]|[,;:()?!] ?[\u4e00-\u9fff{]")
_NOT_PROSE = re.compile(r"^```.*?^```|`[^`\n]+`|\]\([^)\n]+\)", re.M | re.S)


def half_width(text: str) -> list[str]:
    """The half-width marks of a text's Chinese, each with what stands around it; code and addresses
    have their own."""
    prose = _NOT_PROSE.sub(" ", text)
    return [
        line[max(0, m.start() - 8) : m.end() + 8]
        for line in prose.splitlines()
        if re.search(_CHINESE, line)
        for m in _HALF_WIDTH.finditer(line)
    ]


def texts(value: Any) -> Iterator[str]:
    """All texts of a TOML file's values."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


def of_python(source: str) -> Iterator[str]:
    """The texts of a module, a value within one as {}; what documents the code is not shown."""
    within: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant()):
                within.add(id(node.value))
            case ast.JoinedStr():
                within |= {id(part) for part in node.values}
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "{}"
                    for part in node.values
                )
            case ast.Constant(value=str() as text) if id(node) not in within:
                yield text


_QUOTED = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|>[^<]*<""")


def shown(path: Path) -> Iterator[str]:
    """The texts of a file that people read."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from of_python(text)
    elif path.suffix == ".toml" and path.parent.name != "starting":  # those are filled in first
        yield from texts(tomllib.loads(text))
    else:
        yield from (found[1:-1] for found in _QUOTED.findall(text))


def of_words() -> list[Path]:
    """Every file in which a Chinese text stands that people read."""
    return [
        path
        for path in committed()
        if (name := str(path.relative_to(ROOT))).startswith(READ)
        and path.suffix in (".toml", ".py", ".js", ".html")
        and not name.startswith(AS_IT_STANDS)
        and re.search(_CHINESE, path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    "text",
    [
        "已变化,请",
        "状态:已",
        "退费; 且",
        "标识(UUID)",
        "JSON,或",
        "例)为",
        "{n}(同",
        "多{n},",
        "行吗?",
        "《法》(一",
    ],
)
def test_a_half_width_mark_is_seen(text: str) -> None:
    assert half_width("前文。" + text)


@pytest.mark.parametrize(
    "text",
    [
        "已变化，请",
        "at 10:30, or (not)",
        "`a,中`，其他",
        "见[文档](a.md)。",
        "20,000 行",
        "```\n中,文\n```",
    ],
)
def test_what_is_right_is_not(text: str) -> None:
    assert not half_width(text)


@pytest.mark.parametrize("path", of_words(), ids=lambda path: str(path.relative_to(ROOT)))
def test_words_in_chinese_are_punctuated_so(path: Path) -> None:
    assert not [found for text in shown(path) for found in half_width(text)]


PAGES = [*TWINS, *(ROOT / "docs" / page for page in IN_BOTH if page != "README.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_in_chinese_are_punctuated_so(page: Path) -> None:
    assert not half_width(page.read_text(encoding="utf-8"))


def test_texts_are_found_in_every_kind_of_file(tmp_path: Path) -> None:
    for name, source, found in (
        ("a.py", 'x = f"甲{y},乙"\nz = "丙:丁"\n', 2),
        ("a.py", '"""Of 结算单 (a receipt)."""\ndef f():\n    """经办,"""\n', 0),
        ("a.toml", 'a = ["甲,乙"]\nb = { c = "丙;丁" }\n', 2),
        ("a.js", "x = '甲,乙' + `丙${y}:丁`; // 甲,乙\n", 2),
        ("a.html", "<p>甲,乙</p>\n", 1),
    ):
        file = tmp_path / name
        file.write_text(source, encoding="utf-8")
        assert sum(bool(half_width(text)) for text in shown(file)) == found, name


def test_all_that_speaks_to_people_is_looked_at() -> None:
    names = {str(path.relative_to(ROOT)) for path in of_words()}
    assert {
        "shared/plumbing/problems.py", "shared/plumbing/faults.toml", "shared/plumbing/forms.toml",
        "services/settlement/api/words/zh.toml", "services/settlement/nhsa/words.toml",
        "services/audit/console/words.js", "services/audit/console/page.html",
        "services/audit/scoring/words/series.toml", "deploy/local/front_words.toml",
        "shared/policy/starting/document.toml", "deploy/his/day.py",
    } <= names  # fmt: skip
