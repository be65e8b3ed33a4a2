"""The reviewers' page in a real browser: sign in, the queue by money, one flag, both languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from playwright.async_api import Page, expect

from services.audit.actions.pick_claims import pick_drawn
from services.audit.domain.series import Contributor
from services.audit.scoring.live_scores import SHARE_DRAWN
from shared.money import Money
from shared.plumbing.auth import add_client
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, Audit
from tests.audit.events import HOSPITAL, NOW, OTHER_HOSPITAL, POOL, Telling, parts
from tests.audit.test_by_two import post
from tests.audit.test_picks import WHY, a_score
from tests.audit.test_series_flags import FOUND, found
from tests.support.browser import browsing


@pytest.fixture
async def address(audit: Audit) -> AsyncIterator[str]:
    """The audit service alone, where a browser can ask it."""
    server = uvicorn.Server(
        uvicorn.Config(audit.app, port=0, log_level="warning", lifespan="off", access_log=False)
    )
    served = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await served


async def credential(audit: Audit, client_id: str, role: str) -> str:
    """The secret of a new client."""
    return await add_client(
        audit.owner, client_id=client_id, role=role, pool_code=POOL, institution_code="", at=NOW
    )


async def births_told_twice(audit: Audit, *funds: str) -> None:
    """For each amount a birth that a second hospital claims again, at that much of the fund."""
    for number, fund in enumerate(funds):
        person = f"mother-{number}"
        first = Telling(person, "2026-02-01", settled_at=NOW - timedelta(hours=2))
        again = Telling(
            person, "2026-02-03", OTHER_HOSPITAL, settled_at=NOW, parts=parts("9000.00", fund)
        )
        await audit.hear(first.settled(), again.settled())


async def signed_in(page: Page, address: str, client_id: str, secret: str) -> None:
    await page.goto(f"{address}/console")
    await page.fill("[name=client_id]", client_id)
    await page.fill("[name=client_secret]", secret)
    await page.click("#sign-in button")


async def test_a_reviewer_reads_the_queue_by_money_and_one_flag(audit: Audit, address: str) -> None:
    await births_told_twice(audit, "900.00", "7000.00", "4500.00")
    secret = await credential(audit, "reviewer-1", "reviewer")
    async with browsing() as page:
        asked: list[str] = []
        broken: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda said: said.type == "error" and broken.append(said.text))
        await signed_in(page, address, "reviewer-1", secret)
        amounts = page.locator("#flags .money")
        await expect(amounts).to_have_text(["7,000.00", "4,500.00", "900.00"])
        await expect(page.locator("#sums")).to_contain_text("12,400.00")
        await page.locator("#flags button").nth(1).click()
        flag = page.locator("#flag")
        await expect(flag.locator("h2")).to_contain_text("4,500.00")
        await expect(flag.locator("#evidence")).to_contain_text("疑为同一次分娩重复申报")
        await expect(flag.locator("#evidence")).to_contain_text("国务院令第735号")
        await expect(flag.locator("#history tbody tr")).to_have_count(1)
        await expect(flag.locator("#at-stake")).to_have_count(0)  # settlement was not asked
        await expect(flag.locator("#chart")).to_contain_text("同类结算单只有 5 份")
        await page.click("#language")
        await expect(flag.locator("#evidence")).to_contain_text("State Council Decree No. 735")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        assert broken == []
        assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {
            urlsplit(address).netloc
        }
        kept = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert kept == [0, 0, ""]


async def test_a_claim_stands_among_its_peers(audit: Audit, address: str) -> None:
    """Nine births of the year before; the flagged one is dearer than all, and one that came later
    or is of another mode is no peer."""
    bills = ["5000.00", "5200.00", "5400.00", "5600.00", "5800.00", "6000.00", "6200.00", "6400.00"]
    await audit.hear(
        *(
            Telling(
                f"peer-{n}", "2026-01-10", settled_at=NOW, parts=parts(bill, "100.00")
            ).settled()
            for n, bill in enumerate(bills)
        ),
        Telling("late", "2026-02-20", parts=parts("1.00", "1.00")).settled(),
        Telling("visit", "2026-01-10", benefit="prenatal", parts=parts("2.00", "1.00")).settled(),
    )
    await births_told_twice(audit, "7000.00")
    (flag,) = await audit.flags()
    shown = (await audit.client("r1").get(f"/claims/{flag['claim_id']}/peers")).json()
    assert (shown["n"], shown["below"], shown["enough"]) == (9, 8, True)
    assert (shown["least"], shown["median"], shown["most"]) == ("5000.00", "5800.00", "9000.00")
    assert (shown["since"], shown["until"]) == ("2025-02-04", "2026-02-03")
    secret = await credential(audit, "reviewer-2", "reviewer")
    async with browsing("en") as page:
        await signed_in(page, address, "reviewer-2", secret)
        await page.click("#flags button")
        chart = page.locator("#chart")
        await expect(chart.locator("figcaption")).to_contain_text("8 of 9 lie below this one")
        await expect(chart.locator("svg")).to_contain_text("this one 9,000.00")
        await page.click("#chart summary")
        await expect(chart.locator("tr", has_text="median")).to_contain_text("5,800.00")


async def test_who_may_not_sees_nothing(audit: Audit, address: str) -> None:
    await births_told_twice(audit, "7000.00")
    clerk = await credential(audit, "clerk-1", "clerk")
    async with browsing() as page:
        await signed_in(page, address, "clerk-1", "another-secret")
        await expect(page.locator("#notice")).to_have_text("登录未成功：编号与密钥不符。")
        await signed_in(page, address, "clerk-1", clerk)
        await expect(page.locator("#notice")).to_have_text("该账号不是审核人员。")
        await expect(page.locator("#work")).to_be_hidden()
        await expect(page.locator("#flags li")).to_have_count(0)


async def test_a_text_of_somebody_elses_is_text_and_no_page(audit: Audit, address: str) -> None:
    await births_told_twice(audit, "7000.00")
    (flag,) = await audit.flags()
    written = "<img src=x onerror=document.title='taken'>"
    answer = await audit.first(flag["flag_id"], reason=written)
    assert answer.status_code == 200, answer.text
    secret = await credential(audit, "reviewer-3", "reviewer")
    async with browsing() as page:
        await signed_in(page, address, "reviewer-3", secret)
        await page.select_option("#state", "notified")
        await page.click("#flags button")
        await expect(page.locator("#history")).to_contain_text(written)
        assert await page.title() == "医保智能监控"


async def test_the_page_may_ask_nobody_else(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        page = await http.get("/console")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "://" not in page.text
        for name in ("console.js", "chart.js", "words.js", "console.css"):
            assert (await http.get(f"/console/{name}")).status_code == 200
        assert (await http.get("/console/")).text == page.text
        assert (await http.get("/console/page.py")).status_code == 404


async def test_a_hospitals_months_are_drawn_beside_what_was_expected(
    audit: Audit, address: str
) -> None:
    dearest = Contributor("0197f6a2-0000-7000-8000-000000000001", Money(4_321_00))
    named = replace(FOUND, contributors=(dearest,))
    for finding in (named, replace(FOUND, month="2026-02", actual=Money(95_000_000))):
        assert await found(audit, finding) is not None
    secret = await credential(audit, "reviewer-4", "reviewer")
    async with browsing("en") as page:
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        await signed_in(page, address, "reviewer-4", secret)
        await page.click("#flags button")
        await expect(page.locator("#flag h2")).to_contain_text(HOSPITAL)
        await expect(page.locator("#evidence")).to_contain_text(FOUND.reason.en)
        await expect(page.locator("#evidence")).to_contain_text("Claims that contribute most")
        of_it = page.locator("#evidence tbody tr")
        await expect(of_it).to_have_count(1)
        await expect(of_it).to_contain_text(dearest.claim_id)
        await expect(of_it).to_contain_text("4,321.00")
        await expect(page.locator("#chart svg rect")).to_have_count(2)
        await page.click("#chart summary")
        await expect(page.locator("#chart tr", has_text="2026-02")).to_contain_text("950,000.00")
        assert broken == []


async def test_a_pick_says_what_took_it_in(audit: Audit, address: str) -> None:
    """Red while a pick looks like a rule's flag: its family by a code, and no word of why."""
    of_lot, picked = Telling("mother-1"), Telling("mother-2", parts=parts("9000.00", "6000.00"))
    await audit.hear(of_lot.settled(), picked.settled())
    score = a_score(of_lot.claim_id, drawn=True)
    async with transaction(audit.pool, [AGENCY]) as tx:
        assert await pick_drawn(tx, score, SHARE_DRAWN, "watch:1", LIBRARY.time_limits, NOW)
    assert (await post(audit, f"/claims/{picked.claim_id}/pick", WHY)).status_code == 201
    secret = await credential(audit, "reviewer-5", "reviewer")
    async with browsing() as page:
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        await signed_in(page, address, "reviewer-5", secret)
        of_what = page.locator("#flags .what")
        await expect(of_what).to_have_text(["人工挑选", "抽签选入"])
        why = page.locator("#flag #pick")
        await page.locator("#flags button").nth(0).click()
        await expect(why).to_contain_text(WHY["reason"])
        await expect(why).to_contain_text("r1")
        await page.locator("#flags button").nth(1).click()
        await expect(why).to_contain_text("2000 份中抽 1 份")
        await expect(why).to_contain_text(score.reason.zh)
        await page.click("#language")
        await expect(of_what).to_have_text(["picked by a reviewer", "drawn by lot"])
        await expect(page.locator("#flag h2")).to_contain_text("drawn by lot")
        await expect(why).to_contain_text("1 of 2000 claims")
        await expect(why).to_contain_text(score.reason.en)
        await expect(why).not_to_contain_text("undefined")
        assert broken == []
