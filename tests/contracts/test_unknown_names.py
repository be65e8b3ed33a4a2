"""A misspelt name in a body: told by its place and by what is known there, never by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contracts.described import routes
from tests.support.peopled import A, Peopled
from tests.support.source import SERVICES

MISSPELT = {"Zimmer-7391": {"Zimmer-7391": 1}, "Zimmer-7392": None}
_CODE = "extra_forbidden"


def misspelt(body: Any) -> Any:
    """The same body, with two unknown names in each of its objects."""
    if isinstance(body, dict):
        return {name: misspelt(value) for name, value in body.items()} | MISSPELT
    return [misspelt(value) for value in body] if isinstance(body, list) else body


def objects(body: Any, at: str = "", *, in_list: bool = False) -> Iterator[tuple[str, set[str]]]:
    """The place of each object of a body, and the names that it holds. Of a list within a list it
    is the first, which is told alone (test_long_lists)."""
    if isinstance(body, dict):
        yield at, set(body)
        inner = list(body.items())
    else:
        inner = list(enumerate(body))[: 1 if in_list else None]
    for name, value in inner:
        if isinstance(value, dict | list):
            within = in_list or isinstance(body, list)
            yield from objects(value, f"{at}/{name}", in_list=within)


async def refused(here: Peopled, service: str, route: str) -> dict[str, set[str]]:
    """The names that are known at each place where a route's valid body was misspelt; what else is
    wrong with the answer fails here."""
    asked = await here.valid(route, A)
    method, address = route.split(" ")
    who = await here.caller(service, asked.who, A) if asked.who else None
    body = asked.body or {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(here.whole.services[service].app), base_url="http://agency"
    ) as http:
        answer = await http.request(
            method,
            address.format(**asked.path),
            params=asked.query,
            json=misspelt(body),
            headers={"idempotency-key": "k", "authorization": f"Bearer {who.token if who else ''}"},
        )
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed"), route
    assert "Zimmer" not in answer.text + str(answer.headers), route
    told = [error for error in answer.json()["errors"] if error["code"] == _CODE]
    assert [error["unknown"] for error in told] == [2] * len(told), route
    assert all("known" in error["title"] and "known" in error["title_zh"] for error in told)
    known = {error["pointer"]: set(error["known"]) for error in told}
    assert len(known) == len(told), f"{route}: a place is told twice"
    sent = dict(objects(body))
    assert known.keys() == sent.keys(), route
    assert all(sent[place] <= known[place] for place in sent), route
    return known


@pytest.mark.parametrize("service", SERVICES)
async def test_each_body_of_each_service_tells_of_them_in_one_way(
    here: Peopled, service: str
) -> None:
    described = here.whole.services[service].app.openapi()
    asked = [route for route, operation in routes(described) if "requestBody" in operation]
    assert len(asked) > 5
    for route in asked:
        await refused(here, service, route)


async def test_a_hundred_places_are_told_and_no_more(here: Peopled) -> None:
    hospital = await here.caller("settlement", "hospital", A)
    line = dict.fromkeys((f"Zimmer-{n}" for n in range(150)), 1)
    answer = await hospital.post("/settlements:batch", {"cases": [{"lines": [line] * 150}] * 20})
    told = answer.json()["errors"]
    assert len(told) == 100
    unknown = [error["unknown"] for error in told if error["code"] == _CODE]
    assert unknown == [150] * len(unknown)
    assert unknown


async def test_the_names_known_are_those_of_the_form_that_was_sent(here: Peopled) -> None:
    known = await refused(here, "settlement", "POST /settlement/v1/settlements:batch")
    described = here.whole.services["settlement"].app.openapi()["components"]["schemas"]
    for place, form in (
        ("", "BatchBody"),
        ("/cases/0", "CaseBody"),
        ("/cases/0/lines/0", "LineBody"),
        ("/cases/0/outcome", "DeliveryOutcome"),
    ):
        assert known[place] == set(described[form]["properties"]), json.dumps(sorted(known[place]))


async def test_a_word_that_is_none_of_those_listed_is_told_which_are(here: Peopled) -> None:
    hospital = await here.caller("settlement", "hospital", A)
    answer = await hospital.post("/stays", {"benefit": "Zimmer-7391"})
    (told,) = [error for error in answer.json()["errors"] if error["pointer"] == "/benefit"]
    listed = here.whole.services["settlement"].app.openapi()["components"]["schemas"]
    assert told["known"] == listed["OpenStayBody"]["properties"]["benefit"]["enum"]
    assert "Zimmer" not in answer.text
