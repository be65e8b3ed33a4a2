"""Refusals lead somewhere: their pages, unknown addresses, and who is refused first."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deploy.local.front import Front
from tests.house.test_routes import app_of
from tests.support.source import SERVICES


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Front:
    folder = tmp_path_factory.mktemp("front")
    return Front({service: app_of(service, folder) for service in SERVICES})


def at(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://agency")


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is this refusal and no other."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["type"]) == (code, f"/problems/{code}")


async def test_every_refusal_has_a_page_at_its_type(front: Front) -> None:
    async with at(front) as client:
        for app in front.apps.values():
            for code, kind in app.state.problem_kinds.items():
                answer = await client.get(f"/problems/{code}")
                assert answer.status_code == 200, code
                assert kind.title_zh in answer.text
        assert_problem(await client.get("/problems/0-nothing"), 404, "5-not-found")


@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_serves_the_pages_of_its_own(front: Front, service: str) -> None:
    app = front.apps[service]
    async with at(app) as client:
        for code in app.state.problem_kinds:
            assert (await client.get(f"/problems/{code}")).status_code == 200
        assert_problem(await client.get("/problems/0-nothing"), 404, "5-not-found")


@pytest.mark.parametrize("path", ["/nobody", "/nobody/v1/stays", "/%2e%2e/etc", "/favicon.ico"])
async def test_unknown_roots_are_problems(front: Front, path: str) -> None:
    for app in (front, *front.apps.values()):
        async with at(app) as client:
            assert_problem(await client.get(path), 404, "5-not-found")


@pytest.mark.parametrize("service", SERVICES)
async def test_no_address_redirects_and_405_names_the_methods(front: Front, service: str) -> None:
    async with at(front.apps[service]) as client:
        assert_problem(await client.get(f"/{service}/livez/"), 404, "5-not-found")
        answer = await client.delete(f"/{service}/livez")
        assert_problem(answer, 405, "6-method-not-allowed")
        assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("place", ["/stays", "/stays/00000000-0000-7000-8000-000000000000/settle"])
async def test_the_caller_is_asked_before_the_body(front: Front, place: str) -> None:
    """On the bare route as on the framework's."""
    async with at(front) as client:
        for body, kind in ((b"<a/>", "application/xml"), (b"{", "application/json")):
            answer = await client.post(
                f"/settlement/v1{place}", content=body, headers={"content-type": kind}
            )
            assert_problem(answer, 401, "3-unauthenticated")
