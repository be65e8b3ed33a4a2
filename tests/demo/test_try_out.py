"""The pages of calls in a real browser: every example works as it stands, from a token to a settled
birth. Nobody types anything."""

from __future__ import annotations

import json
from typing import Any

import httpx
from playwright.async_api import Page

from deploy.local.front_examples import with_secrets
from tests.demo.conftest import House
from tests.support.browser import browsing

ENROLLED = (
    "/enrollment/v1/token",
    "/enrollment/v1/employers",
    "/enrollment/v1/persons",
    "/enrollment/v1/contributions",
)
SETTLED = (
    "/settlement/v1/token",
    "/settlement/v1/pregnancies",
    "/settlement/v1/stays",
    "/settlement/v1/stays/{stay_id}/lines",
    "/settlement/v1/stays/{stay_id}/discharge",
    "/settlement/v1/stays/{stay_id}/quote",
    "/settlement/v1/stays/{stay_id}/settle",
)


async def tried_out(page: Page, path: str) -> tuple[str, Any]:
    """The status and body of a call that was sent by three clicks."""
    block = page.locator(".opblock-post").filter(has=page.locator(f'[data-path="{path}"]'))
    await block.locator(".opblock-summary-control").first.click()
    await block.get_by_role("button", name="Try it out").click()
    await block.get_by_role("button", name="Execute").click()
    answered = block.locator(".live-responses-table")
    status = (await answered.locator(".response-col_status").nth(1).inner_text()).split()[0]
    body = await answered.locator(".highlight-code code").first.inner_text()
    return status, json.loads(body)


async def test_every_call_of_a_birth_is_tried_out_as_it_stands(house: House) -> None:
    said = {}
    async with browsing("en") as page:
        for service, calls in (("enrollment", ENROLLED), ("settlement", SETTLED)):
            await page.goto(f"{house.record['url']}/{service}/docs")
            for path in calls:
                status, said[path] = await tried_out(page, path)
                assert status in ("200", "201"), (path, status, said[path])
    quoted, settled = (
        said[f"/settlement/v1/stays/{{stay_id}}/{act}"] for act in ("quote", "settle")
    )
    assert {name: settled[name] for name in ("total", "fund", "member", "steps")} == {
        name: quoted[name] for name in ("total", "fund", "member", "steps")
    }
    kept = await house.column("settlement", "select settlement_id::text from settlement")
    assert settled["settlement_id"] in kept


def test_secrets_are_filled_in_for_this_machine_under_its_own_name_only(house: House) -> None:
    url = house.record["url"]
    secrets = {one["client_id"]: one["client_secret"] for one in house.record["credentials"]}
    here = httpx.get(f"{url}/settlement/openapi.json", timeout=30)
    assert secrets["hospital-320100-a"] in here.text
    assert here.headers["cache-control"] == "no-store"
    pointed_here = httpx.get(
        f"{url}/settlement/openapi.json", headers={"host": "elsewhere.example"}, timeout=30
    )
    assert pointed_here.status_code == 200
    assert not [secret for secret in secrets.values() if secret in pointed_here.text]


def test_only_an_example_of_a_secret_is_exchanged() -> None:
    mine = {"client_id": "a", "client_secret": "SECRET"}
    other = {"client_id": "b", "client_secret": "SECRET"}
    wrong = {"client_id": "a", "client_secret": "another"}
    assert with_secrets([mine, other, wrong], {"a": "s"}) == [
        {"client_id": "a", "client_secret": "s"}, other, wrong,
    ]  # fmt: skip
