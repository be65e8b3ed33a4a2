"""What CONTRIBUTING shows of the source stands there: its code word for word, its files by name."""

from __future__ import annotations

import re

from tests.support.source import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ACTION = "services/settlement/actions/fix_allowance.py"


def code_of(page: str) -> list[str]:
    """The Python that a page shows."""
    return re.findall(r"```python\n(.*?)```", page, re.S)


def files_of(page: str) -> list[str]:
    """Files that a page names with their folders."""
    return re.findall(r"`((?:services|tests|shared|deploy)/[\w/.]+\.\w+)`", page)


def test_the_action_that_it_walks_through_is_written_so() -> None:
    (shown,) = code_of(PAGE)
    assert shown in (ROOT / ACTION).read_text(encoding="utf-8")


def test_every_file_that_it_names_is_there() -> None:
    named = files_of(PAGE)
    assert ACTION in named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_what_is_not_there_is_seen() -> None:
    assert files_of("see `tests/house/test_gone.py` for") == ["tests/house/test_gone.py"]
    assert code_of("```python\nx = 1\n```") == ["x = 1\n"]
