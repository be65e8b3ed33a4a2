"""The front page in a real browser: live figures, both languages, and no request to elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.front_page import _words, reader_of
from deploy.local.front_picture import LATEST
from tests.demo.conftest import House
from tests.demo.test_kinds import MEDICAL
from tests.support.browser import asked_for, visit


def shown(page: str, name: str) -> str:
    """The figure under a name."""
    found = re.search(rf'id="{name}"[^>]*>([^<]*)<', page)
    assert found, page[-3000:]
    return found[1]


async def test_it_shows_what_the_databases_hold_and_asks_nobody_else(
    house: House, tmp_path: Path
) -> None:
    address = f"{house.record['url']}/"
    page = visit(address, tmp_path, milliseconds=8000)
    standing = await house.column("settlement", "select 1 from claim where state = 'settled'")
    flags = await house.column("audit", "select at_risk_fen from flag where state = 'open'")
    this_month = await house.column(
        "settlement",
        "select coalesce(sum(fund_fen), 0)::bigint from"
        " (select fund_fen, account_month from settlement"
        " union all select fund_fen, account_month from adjustment) posted"
        " where account_month = date_trunc('month', now() at time zone 'Asia/Shanghai')::date",
    )
    assert shown(page, "settled") == f"{len(standing):,}"
    for name, table, state in (
        ("reversed", "claim", "reversed"),
        ("opened", "entitlement", "opened"),
        ("deferred", "entitlement", "deferred"),
        ("proposed", "adjustment", "proposed"),
    ):
        rows = await house.column("settlement", f"select 1 from {table} where state = '{state}'")  # noqa: S608
        assert rows
        assert shown(page, name) == f"{len(rows):,}"
    assert shown(page, "open_flags") == str(len(flags))
    assert shown(page, "at_risk") == f"{sum(flags) // 100:,}.{sum(flags) % 100:02d}"
    assert shown(page, "fund_month") == f"{this_month[0] // 100:,}.{this_month[0] % 100:02d}"
    assert page.count("<rect") > 24
    assert 'lang="en"' in page
    assert "Why this amount?" in page
    assert page.count('class="service ready"') == 3

    words = _words()["en"]
    entries = re.findall(r'<li data-benefit="(\w+)">.*?<span class="meta">([^<]*)</span>', page)
    assert Counter(benefit for benefit, _ in entries) == dict.fromkeys(MEDICAL, LATEST)
    for benefit, entry in entries:
        _, what, *how = entry.split(" · ")
        assert re.fullmatch(rf"{words[benefit]} \d{{4}}-\d\d-\d\d", what)
        # Of a birth, and of nothing else, it is said how it was.
        assert bool(how) == (benefit == "delivery")

    asked = asked_for(tmp_path, address)
    assert {urlsplit(address).hostname for address in asked} == {"127.0.0.1"}
    assert len(asked) >= 2, "the page did not refresh itself"


def test_every_link_leads_somewhere_on_this_host(house: House) -> None:
    with httpx.Client(base_url=house.record["url"], timeout=30) as http:
        page = http.get("/", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
        assert 'lang="zh-CN"' in page.text
        assert "虚构" in page.text
        links = set(re.findall(r'(?:href|src)="([^"]+)"', page.text)) - {"data:,"}
        assert {"/settlement/openapi.json", "/docs/walk-through.md", "/console"} <= links
        for link in links:
            assert link.startswith("/"), link
            assert http.get(link).status_code == 200, link
        assert 'href="/docs/his-guide.zh.md">十分钟完成第一笔结算</a>' in page.text
        for nowhere in (
            "/docs/../pyproject.toml",
            "/docs/%2e%2e/pyproject.toml",
            "/docs/",
            "/docs/x.md",
        ):
            assert http.get(nowhere).status_code == 404, nowhere


def test_every_document_is_a_page_whose_links_lead_on(house: House) -> None:
    """From the front page on, whatever can be reached by links: rendered, and on this host."""
    with httpx.Client(base_url=house.record["url"], timeout=30) as http:
        front = http.get("/?lang=en")
        policy = front.headers["content-security-policy"]
        waiting = set(re.findall(r'href="(/docs/[^"#]+)', front.text))
        assert "/docs/review.md?lang=en" in waiting
        seen: dict[str, str] = {}
        plots: set[str] = set()
        while waiting:
            address = waiting.pop()
            answer = http.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["content-security-policy"] == policy
            seen[address] = answer.text
            if answer.headers["content-type"].startswith("text/html"):
                assert not re.search(r"<script|style=|\n\||^# ", answer.text), address
                plots |= set(re.findall(r'<img src="([^"]+)"', answer.text))
                inside = re.findall(r'(?:href|src)="([^"]+)"', answer.text.split("<body>")[1])
                assert all(re.match("/|#|https?://", link) for link in inside), address
                here = {link.partition("#")[0] for link in inside if link.startswith("/docs/")}
                waiting |= here - seen.keys() - plots
        assert len(plots) >= 3
        for plot in plots:
            answer = http.get(plot)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    reached = {address.partition("?")[0].removeprefix("/docs/") for address in seen}
    assert {"asyncapi.yaml", "examples/claims.csv", "http/settlement.http"} <= reached
    assert any(address.startswith("decisions/") for address in reached)
    guide = seen["/docs/his-guide.md?lang=en"]
    assert '<a href="/docs/his-guide.zh.md?lang=en">中文</a>' in guide
    assert "<title>The first settled claim in ten minutes</title>" in guide


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "zh"),
        ("", "fr, en-GB;q=0.7", "en"),
        ("", "zh-TW,en", "zh"),
        ("lang=en", "zh-CN", "en"),
        ("lang=xx", "en", "en"),
    ],
)
def test_the_language_is_the_readers(query: str, accepted: str, language: str) -> None:
    reader = reader_of(query, accepted)
    assert reader.language == language
    assert reader.chosen == (query in ("lang=en", "lang=zh"))


def test_both_languages_have_the_same_words() -> None:
    assert _words()["zh"].keys() == _words()["en"].keys()
