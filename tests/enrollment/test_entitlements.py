"""The hot question of enrollment has a route of its own, which answers as the framework's does."""

from __future__ import annotations

import httpx
from starlette.types import Receive, Scope, Send

from services.enrollment.api.entitlements import HotEntitlement
from tests.enrollment.conftest import Enrollment
from tests.support.running import without_bare_route

DAY = "2024-06-01"
BENEFIT = "benefit=delivery"


async def test_the_bare_route_and_the_framework_answer_alike(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    for month in ("2024-01", "2024-02", "2024-05"):
        paid = {"person_ref": ref, "month": month, "base": "6000.00"}
        assert (await enrollment.post("/contributions", paid)).status_code == 201
    framework = httpx.AsyncClient(
        transport=httpx.ASGITransport(without_bare_route(enrollment.transport.app)),
        base_url="http://enrollment",
    )
    place = f"/enrollment/v1/persons/{ref}/entitlement"
    statuses = set()
    for who in ("hospital", "settlement", "kizilsu-clerk", "kizilsu-finance", "nanjing-clerk",
                "no-pool-clerk"):  # fmt: skip
        await enrollment.get(f"/persons/{ref}", who=who)
        bearer = {"authorization": f"Bearer {enrollment.tokens[who]}"}
        for query in (
            f"?on={DAY}", f"?on={DAY}&{BENEFIT}", f"?{BENEFIT}&on={DAY}", "?on=2024-03-31",
            "?on=2022-12-31", "", "?on=", "?on=2024-02-30", "?on=1899-01-01", "?on=2024-6-1",
            f"?on={DAY}&on={DAY}", f"?on={DAY}&benefit=", f"?on={DAY}&benefit=twins",
            f"?on={DAY}&o=1", f"?on={DAY}&", f"?on={DAY}%20",
        ):  # fmt: skip
            one = await enrollment.http.get(place + query, headers=bearer)
            two = await framework.get(place + query, headers=bearer)
            assert alike(one, two), (who, query, one.text, two.text)
            statuses.add(one.status_code)
    for headers in (
        {}, {"authorization": "Basic x"}, {"authorization": "Bearer x"},
        bearer | {"x-much": "m" * 40_000},
    ):  # fmt: skip
        one = await enrollment.http.get(f"{place}?on={DAY}", headers=headers)
        two = await framework.get(f"{place}?on={DAY}", headers=headers)
        assert alike(one, two), (list(headers), one.text, two.text)
        statuses.add(one.status_code)
    nobody = place.replace(ref, "0" * 32)
    bearer["authorization"] = f"Bearer {enrollment.tokens['hospital']}"
    one = await enrollment.http.get(f"{nobody}?on={DAY}", headers=bearer)
    assert alike(one, await framework.get(f"{nobody}?on={DAY}", headers=bearer))
    await framework.aclose()
    assert statuses == {200, 400, 401, 403, 404, 431}


def alike(one: httpx.Response, two: httpx.Response) -> bool:
    """Whether two answers differ in nothing but the request's own id."""
    if one.status_code == 200:
        return one.content == two.content and one.headers == two.headers
    bodies = [answer.json() for answer in (one, two)]
    for body in bodies:
        assert len(body.pop("trace_id")) == 32
    return bodies[0] == bodies[1] and one.status_code == two.status_code


async def test_only_what_is_plainly_written_takes_the_bare_route(enrollment: Enrollment) -> None:
    await enrollment.employer()
    passed_on: list[bytes] = []

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        passed_on.append(scope["query_string"])

    async def heard(_: object) -> None:
        return None

    plain = [b"on=2024-06-01", b"on=2024-06-01&benefit=delivery"]
    other = [b"benefit=delivery&on=2024-06-01", b"on=2024-06-31", b"on=2024-06-01&benefit=twins",
             b"on=2024-06-01&x=1", b""]  # fmt: skip
    for query in (*plain, *other):
        scope = {
            "type": "http", "method": "GET", "path": "/enrollment/v1/persons/0/entitlement",
            "query_string": query, "headers": [], "app": enrollment.transport.app,
        }  # fmt: skip
        await HotEntitlement(framework)(scope, heard, heard)  # type: ignore[arg-type]
    assert passed_on == other
