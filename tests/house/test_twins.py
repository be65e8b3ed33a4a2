"""A page in two languages says the same in both: same commands, links and blocks to paste.

`NAME.md` is English and `NAME.zh.md` Chinese, everywhere.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.verify.invariants import INVARIANTS
from tests.support.source import ROOT

TWINS = [ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.zh.md"))]
IN_BOTH = ("refusals.md", "files.md", "README.md")
"""Pages that say each thing in both languages, or in both of their names."""


_LINK = r"\]\(([^)]+)\)"
_SIDE = re.compile(r"\.zh\.md$")


def original_of(twin: Path) -> Path:
    """The page whose twin in the other language this is."""
    return twin.with_name(_SIDE.sub(".md", twin.name))


def said(page: Path) -> dict[str, set[str]]:
    """What must not differ: names in code, links (but those from twin to twin), blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    name = original_of(page).name
    between = {name, name.replace(".md", ".zh.md")}
    return {
        "code": set(re.findall(r"`([^`\n]+)`", prose)),
        "links": {_SIDE.sub(".md", link) for link in set(re.findall(_LINK, prose)) - between},
        "blocks": set(blocks),
    }


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.name)
def test_both_languages_say_the_same(twin: Path) -> None:
    assert said(twin) == said(original_of(twin))


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.name)
def test_twins_name_each_other_at_their_head(twin: Path) -> None:
    for page, other in ((twin, original_of(twin)), (original_of(twin), twin)):
        assert f"({other.name})" in page.read_text(encoding="utf-8")[:400]


def test_a_difference_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("`make run` [x](x.md)\n```bash\nls\n```\n", encoding="utf-8")
    (tmp_path / "a.zh.md").write_text("`make ran` [x](y.md)\n```bash\nps\n```\n", encoding="utf-8")
    ours, theirs = said(tmp_path / "a.md"), said(tmp_path / "a.zh.md")
    assert all(ours[kind] != theirs[kind] for kind in ("code", "links", "blocks"))


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_what_is_not_offered_yet_is_what_verify_cannot_ask(name: str) -> None:
    (said,) = [
        part for part in (ROOT / name).read_text(encoding="utf-8").split("\n\n") if "`n/a`" in part
    ]
    named = set(re.findall(r"[A-Z]\d\d", said))
    assert named == {one.id for one in INVARIANTS if one.not_yet}


def test_no_two_pages_register_the_same_person() -> None:
    """Whoever follows one page after the other meets nobody whom she registered already."""
    by: dict[str, set[str]] = {}
    for file in [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".http")]:
        for number in re.findall(r"\b\d{17}[\dX]\b", file.read_text(encoding="utf-8")):
            by.setdefault(number, set()).add(file.name.replace(".zh.md", ".md"))
    assert by
    assert not {number: names for number, names in by.items() if len(names) > 1}


def pages() -> list[Path]:
    """Every page for people."""
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_the_name_of_a_page_says_its_language(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    chinese, latin = (len(re.findall(some, text)) for some in ("[\u4e00-\u9fff]", "[A-Za-z]{2,}"))
    assert not page.name.endswith(".en.md")
    if page.name not in IN_BOTH:
        assert (chinese > latin) == page.name.endswith(".zh.md"), (chinese, latin)


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]
