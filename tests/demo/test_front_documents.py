"""Documents as pages: what Markdown says becomes HTML, what HTML says becomes text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local import front_documents
from deploy.local.front_documents import Reader, document_at, listed, rendered, title_of


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of documents of its own."""
    folder = tmp_path / "docs"
    (folder / "more").mkdir(parents=True)
    (tmp_path / "secret.md").write_text("# no\n", encoding="utf-8")
    (folder / "a.md").write_text(
        "# First `a` · 第一\n[中文](a.zh.md) [b](b.md#part-one) [out](../secret.md) [far](https://x.example/)\n"
        "[in](more) [file](more/c.csv) <script>alert(1)</script> [bad](javascript:alert(1))\n\n"
        "| n | sum |\n|---|--:|\n| 1 | 2 |\n\n## Part one\n", encoding="utf-8",
    )  # fmt: skip
    (folder / "a.zh.md").write_text(
        "# 第一\n[English](a.md) [乙](b.md)\n这里\n换行\n", encoding="utf-8"
    )
    (folder / "b.md").write_text("# B\n", encoding="utf-8")
    (folder / "b.zh.md").write_text("# 乙\n", encoding="utf-8")
    (folder / "more" / "c.csv").write_text("x\n", encoding="utf-8")
    (folder / "more" / "d.sh").write_text("x\n", encoding="utf-8")
    monkeypatch.setattr(front_documents, "DOCUMENTS", folder)
    return folder


def test_a_page_is_rendered_and_runs_nothing(docs: Path) -> None:
    html = rendered(docs / "a.md", Reader("en"))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    assert "style=" not in html
    assert '<td class="right">2</td>' in html
    assert '<h2 id="part-one">' in html


def test_links_lead_to_pages_of_this_host_in_the_readers_language(docs: Path) -> None:
    to = re.findall(r"<a ([^>]+)>", rendered(docs / "a.md", Reader("zh")))
    assert to == [
        'href="/docs/a.zh.md"', 'href="/docs/b.zh.md#part-one"', 'title="../secret.md"',
        'href="https://x.example/" rel="noreferrer"', 'href="/docs/more"',
        'href="/docs/more/c.csv"',
    ]  # fmt: skip
    chosen = rendered(docs / "a.zh.md", Reader("en", chosen=True))
    assert 'href="/docs/a.md?lang=en"' in chosen
    assert 'href="/docs/b.md?lang=en"' in chosen
    assert "这里换行" in chosen


def test_a_plot_is_fetched_from_this_host_and_what_is_none_is_not(docs: Path) -> None:
    (docs / "more" / "e.svg").write_text("<svg/>", encoding="utf-8")
    page = docs / "more" / "f.md"
    page.write_text("![e](e.svg) ![up](../../g.svg) ![far](https://x.example/g.svg)\n", "utf-8")
    found = re.findall(r'src="([^"]*)"', rendered(page, Reader("en")))
    assert found == ["/docs/more/e.svg", "data:,", "data:,"]


def test_a_title_is_the_readers_half_of_the_heading(docs: Path) -> None:
    assert title_of(docs / "a.md", Reader("en")) == "First a"
    assert title_of(docs / "a.md", Reader("zh")) == "第一"
    assert [page.name for page in front_documents.pages(Reader("zh"))] == ["a.zh.md", "b.zh.md"]
    assert [page.name for page in front_documents.pages(Reader("en"))] == ["a.md", "b.md"]


def test_only_documents_are_shown(docs: Path) -> None:
    assert document_at("more/c.csv") == docs / "more" / "c.csv"
    for path in (
        "",
        "..",
        "../secret.md",
        "more/d.sh",
        "more/../../secret.md",
        "/etc/hosts",
        "x.md",
    ):
        assert document_at(path) is None, path
    assert "d.sh" not in listed(docs / "more", Reader("en"))
