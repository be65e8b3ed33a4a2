"""Chinese is punctuated as Chinese: ，；：（）？！, never the half-width marks of Latin script."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.plumbing.problems import PLUMBING_KINDS
from tests.house.test_twins import TWINS
from tests.support.source import ROOT

# What a rule says is in the hash that its judgements carry for ever: one in force is not reworded.
_IN_FORCE = ROOT / "services" / "audit" / "domain" / "rules"
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


def words() -> list[Path]:
    """Files of words, and of data that holds words."""
    found = [
        *(ROOT / "services").rglob("*.toml"),
        *(ROOT / "shared" / "policy" / "words").glob("*.toml"),
        ROOT / "shared" / "plumbing" / "faults.toml",
        ROOT / "deploy" / "files_words.toml",
        ROOT / "deploy" / "local" / "front_words.toml",
    ]
    return sorted(path for path in found if path.parent != _IN_FORCE)


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


@pytest.mark.parametrize("path", words(), ids=lambda path: str(path.relative_to(ROOT)))
def test_words_in_chinese_are_punctuated_so(path: Path) -> None:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    assert not [found for text in texts(told) for found in half_width(text)]


@pytest.mark.parametrize("page", TWINS, ids=lambda path: path.name)
def test_pages_in_chinese_are_punctuated_so(page: Path) -> None:
    assert not half_width(page.read_text(encoding="utf-8"))


def test_refusals_of_every_service_are_punctuated_so() -> None:
    assert not [found for kind in PLUMBING_KINDS for found in half_width(kind.title_zh)]
