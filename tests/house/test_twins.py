"""A page in two languages says the same in both: same commands, links and blocks to paste."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.source import ROOT

TWINS = [
    ROOT / "README.zh.md",
    *sorted((ROOT / "docs").glob("*.zh.md")),
    *sorted((ROOT / "docs").glob("*.en.md")),
]


_LINK = r"\]\(([^)]+)\)"
_SIDE = re.compile(r"\.(zh|en)\.md$")


def original_of(twin: Path) -> Path:
    """The page whose twin in the other language this is."""
    return twin.with_name(_SIDE.sub(".md", twin.name))


def said(page: Path) -> dict[str, set[str]]:
    """What must not differ: names in code, links (but those from twin to twin), blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    name = original_of(page).name
    between = {name, name.replace(".md", ".zh.md"), name.replace(".md", ".en.md")}
    return {
        "code": set(re.findall(r"`([^`\n]+)`", prose)),
        "links": {_SIDE.sub(".md", link) for link in set(re.findall(_LINK, prose)) - between},
        "blocks": set(blocks),
    }


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.name)
def test_both_languages_say_the_same(twin: Path) -> None:
    assert said(twin) == said(original_of(twin))


def test_a_difference_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("`make run` [x](x.md)\n```bash\nls\n```\n", encoding="utf-8")
    (tmp_path / "a.zh.md").write_text("`make ran` [x](y.md)\n```bash\nps\n```\n", encoding="utf-8")
    ours, theirs = said(tmp_path / "a.md"), said(tmp_path / "a.zh.md")
    assert all(ours[kind] != theirs[kind] for kind in ("code", "links", "blocks"))


def pages() -> list[Path]:
    """Every page for people."""
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]
