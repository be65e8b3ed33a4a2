"""What is amiss in a request is told at its place, beside all else, so that it can be mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from typing import Any

import httpx
import pytest

from shared.plumbing.amiss import FORMS
from tests.contracts.described import routes
from tests.support.agency import until
from tests.support.peopled import A, Asked, Peopled
from tests.support.source import SERVICES

MARK = "here-stands-what-is-wrong"
HUGE = "9" * 400
WRONG = ("1.5", "-2E3", "1e400", "NaN")


async def sent(
    here: Peopled, service: str, route: str, asked: Asked, content: str = "", **query: str
) -> httpx.Response:
    """What a route answers to its valid request, but for the body's text and parts of the query."""
    method, address = route.split(" ")
    who = await here.caller(service, asked.who, A) if asked.who else None
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    if who is not None:
        headers["authorization"] = f"Bearer {who.token}"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(here.whole.services[service].app), base_url="http://agency"
    ) as http:
        return await http.request(
            method, address.format(**asked.path), params=asked.query | query, content=content,
            headers=headers,
        )  # fmt: skip


def leaves(body: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each text, number and truth of a body."""
    inner = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in inner:
        if isinstance(value, dict | list):
            yield from leaves(value, (*at, name))
        else:
            yield (*at, name)


def value_at(body: Any, at: tuple[str | int, ...]) -> Any:
    """What stands at a place."""
    return reduce(getitem, at, body)


def with_text(body: Any, at: tuple[str | int, ...], text: str) -> str:
    """The body's JSON with that text at one place."""
    changed = json.loads(json.dumps(body))
    place = changed
    for step in at[:-1]:
        place = place[step]
    place[at[-1]] = MARK
    return json.dumps(changed).replace(f'"{MARK}"', text)


def told(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    """The faults of an answer by their places."""
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed"), answer.text
    return {error["pointer"]: error for error in answer.json()["errors"]}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_number_that_is_no_whole_one_is_told_at_its_place(
    here: Peopled, service: str
) -> None:
    described = here.whole.services[service].app.openapi()
    with_body = [route for route, operation in routes(described) if "requestBody" in operation]
    assert len(with_body) > 5
    tried = 0
    for route in with_body:
        asked = await here.valid(route, A)
        for at in leaves(asked.body or {}):
            pointer = "".join(f"/{step}" for step in at)
            texts = [*WRONG] if tried % 10 == 0 else ["1.5"]
            if isinstance(whole := value_at(asked.body, at), int):
                texts.append(f"{int(whole)}.0")  # as good as what is taken, but no whole number
            for text in texts:
                answer = await sent(here, service, route, asked, with_text(asked.body, at, text))
                assert told(answer)[pointer]["code"] == "a-fraction", (route, pointer, text)
            tried += 1
    assert tried > 20


async def test_it_hides_nothing_else_in_the_body(here: Peopled) -> None:
    asked = await here.valid("POST /settlement/v1/stays/{stay_id}/lines", A)
    line = asked.body["lines"][0]
    amiss = json.dumps({"lines": [line | {"price": 80.5, "line_number": 0, "qantity": "1"}]})
    answer = await sent(
        here, "settlement", "POST /settlement/v1/stays/{stay_id}/lines", asked, amiss
    )
    codes = {pointer: error["code"] for pointer, error in told(answer).items()}
    assert codes == {
        "/lines/0/price": "a-fraction",
        "/lines/0/line_number": "greater_than_equal",
        "/lines/0": "extra_forbidden",
    }
    assert "80.5" not in answer.text


async def test_the_bare_route_tells_of_it_as_the_others(here: Peopled) -> None:
    asked = await here.valid("POST /settlement/v1/stays/{stay_id}/settle", A)
    route = "POST /settlement/v1/stays/{stay_id}/settle"
    answer = await sent(here, "settlement", route, asked, '{"total": 80.50, "ttoal": 1}')
    codes = {pointer: error["code"] for pointer, error in told(answer).items()}
    assert codes == {"/total": "a-fraction", "": "extra_forbidden"}


async def test_a_number_that_is_too_large_is_told_at_its_place(here: Peopled) -> None:
    asked = await here.valid("POST /settlement/v1/stays/{stay_id}/lines", A)
    route = "POST /settlement/v1/stays/{stay_id}/lines"
    for place, code in (("line_number", "less_than_equal"), ("price", "string_type")):
        body = with_text(asked.body, ("lines", 0, place), HUGE)
        answer = await sent(here, "settlement", route, asked, body)
        assert told(answer)[f"/lines/0/{place}"]["code"] == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"stay_number": "1", "stay_number": "2"}', "doubled-name"),
        ('{"a":' * 17 + "1" + "}" * 17, "too-deep"),
        ('{"stay_number": "\\u0000"}', "not-strict-text"),
        ('{"stay_number": ', "not-strict-json"),
    ],
)
async def test_what_cannot_be_read_is_told_by_why(here: Peopled, body: str, code: str) -> None:
    asked = Asked("hospital")
    answer = await sent(here, "settlement", "POST /settlement/v1/stays", asked, body)
    assert told(answer)[""]["code"] == code


def words_of(parameter: dict[str, Any]) -> list[str]:
    """The words that a parameter takes, where it takes listed ones alone."""
    schema = parameter["schema"]
    forms = [schema, *schema.get("anyOf", ())]
    return next((form["enum"] for form in forms if "enum" in form), [])


@pytest.mark.parametrize("service", SERVICES)
async def test_a_filter_that_is_no_word_of_its_list_is_refused_by_the_list(
    here: Peopled, service: str
) -> None:
    described = here.whole.services[service].app.openapi()
    filters = [
        (route, parameter["name"], words)
        for route, operation in routes(described)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and (words := words_of(parameter))
    ]
    assert {"topic", "type"} <= {name for _, name, _ in filters}
    for route, name, words in filters:
        asked = await here.valid(route, A)
        for misspelt in (f"{words[0]}x", "Zimmer"):
            answer = await sent(here, service, route, asked, **{name: misspelt})
            (error,) = told(answer).values()
            assert (error["pointer"], set(error["known"])) == (f"/{name}", set(words)), route
            assert "取值" in error["title_zh"]
            assert "Zimmer" not in answer.text


async def test_a_type_of_another_topic_is_refused_by_those_of_this_one(here: Peopled) -> None:
    route = "GET /settlement/v1/events"
    asked = await here.valid(route, A)
    answer = await sent(here, "settlement", route, asked, type="settlement.allowance.opened")
    (error,) = told(answer).values()
    assert error["pointer"] == "/type"
    assert "settlement.claim.settled" in error["known"]
    assert not any("allowance" in word for word in error["known"])


async def test_a_type_left_out_asks_for_all(here: Peopled) -> None:
    await here.registered(A)
    route = "GET /enrollment/v1/events"
    asked = await here.valid(route, A)
    told_type = asked.query.pop("type")

    async def passed_on() -> bool:
        return bool((await sent(here, "enrollment", route, asked)).json())

    await until(passed_on)
    of_one = await sent(here, "enrollment", route, asked, type=told_type, limit="1")
    of_all = await sent(here, "enrollment", route, asked, limit="1")
    assert of_all.content == of_one.content  # the topic has no other
    assert (await sent(here, "enrollment", route, asked, type="")).status_code == 400


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern that a part of a description holds a text to; listed words are told."""
    if isinstance(schema, list):
        for one in schema:
            yield from patterns(one)
    if isinstance(schema, dict) and "enum" not in schema:
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for one in schema.values():
            yield from patterns(one)


def taken(description: dict[str, Any]) -> Iterator[str]:
    """The patterns of whatever a service takes."""
    known, waiting = set[str](), [
        part
        for _, operation in routes(description)
        for part in (
            [one for one in operation.get("parameters", ()) if one["in"] != "header"],
            operation.get("requestBody", {}),
        )
    ]  # fmt: skip
    while waiting:
        part = waiting.pop()
        yield from patterns(part)
        for name, form in description["components"]["schemas"].items():
            if name not in known and f'"#/components/schemas/{name}"' in json.dumps(part):
                known.add(name)
                waiting.append(form)


def test_every_form_of_a_text_has_words_and_every_words_a_form(here: Peopled) -> None:
    asked = {
        pattern
        for service in here.whole.services.values()
        for pattern in taken(service.app.openapi())
    }
    assert asked == set(FORMS)


def test_words_of_a_form_are_no_pattern() -> None:
    for words in FORMS.values():
        assert not any(mark in said for said in words for mark in ("[", "]", "{", "\\", "^", "$"))
        assert words.en.isascii()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh)


async def test_which_form_is_not_met_is_said_in_both_languages(here: Peopled) -> None:
    asked = await here.valid("POST /enrollment/v1/persons:find", A)
    route = "POST /enrollment/v1/persons:find"
    answer = await sent(here, "enrollment", route, asked, '{"id_number": "65300119900301"}')
    (error,) = told(answer).values()
    assert (error["pointer"], error["code"]) == ("/id_number", "string_pattern_mismatch")
    assert error["title"] == "a national id: 18 digits, the last may be X"
    assert error["title_zh"] == "公民身份号码：18 位数字，末位可为 X"
    assert "653001" not in answer.text
