"""Every bad input at every field of every route: refused or taken, never broken by, never echoed.

In process, over real PostgreSQL. A route's refused shots all use one key; its valid request at the
end, under that very key, shows that no key was consumed and that nothing stood in the way.
"""

from __future__ import annotations

import base64
import hmac
import io
import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
import structlog

from deploy.topics import topics
from deploy.verify.topic_log import LocalLog
from shared.plumbing.auth import Tokens
from tests.contracts.described import Field, Unmapped, fields, kind_of, routes
from tests.contracts.shots import (
    Line,
    bodies,
    for_field,
    headers,
    in_address,
    in_body,
    unknown_queries,
)
from tests.support.agency import until
from tests.support.peopled import A, Asked, Peopled
from tests.support.running import KEY

# Each hears the one after it: told of in this order, nobody's rows grow while they are counted.
SERVICES = ("audit", "settlement", "enrollment")
_FOR_ITS_FORM = ("1-malformed", "3003-id-number-invalid", "3004-name-invalid")
# What they say of the caller counts for nothing: without a token they are sent, and opened nothing.
_CLAIMS = ("X-Forwarded-For", "X-User-Id", "X-Role", "X-HTTP-Method-Override", "traceparent",
           "X-Request-Id", "Range")  # fmt: skip
SHOT_HEADERS = {"Idempotency-Key", "Authorization", *_CLAIMS}
SHOT_BY_NAME = {"PTH-013", "HDR-044"}
"""Made on the spot: an address in capitals, and heads that are too large."""
_MOVED_BY_WORKERS = {"sealed_block", "consumer_offset", "relay_fence", "topic_position"}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, as it would be written."""
    written = io.StringIO()
    before, handler = structlog.get_config(), logging.StreamHandler(written)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=written))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    structlog.configure(**before)


_UNTOLD = "select count(*) from outbox where position is null"


class Range:
    """Where the shots at one route land, and what is seen of them."""

    def __init__(self, here: Peopled, service: str, route: str, logged: io.StringIO) -> None:
        self.here, self.service, self.route, self.logged = here, service, route, logged
        self.method, self.address = route.split(" ")
        self.app = here.whole.services[service].app
        self.kinds = self.app.state.problem_kinds
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://agency",
        )
        self.key = uuid4().hex
        self.faults: list[str] = []
        self.fired: Counter[str] = Counter()

    async def load(self) -> None:
        """Make the valid request and count the rows."""
        self.asked: Asked = await self.here.valid(self.route, A)
        self.token = ""
        if self.asked.who:
            role = self.asked.who
            self.token = (await self.here.caller(self.service, role, A)).token
        self.before = await self.count()

    async def _nothing_is_told(self) -> bool:
        """Whether every event was heard, and none that its hearing told is on its way."""
        return await self._under_way() == 0 == await self._under_way()

    async def _under_way(self) -> int:
        log = LocalLog(self.here.owners)
        lags = [await log.lag(topic, group) for topic in topics() for group in topic.groups]
        untold = [await owner.fetchval(_UNTOLD) for owner in self.here.owners.values()]
        return sum(lags) + sum(untold)

    async def count(self) -> dict[str, int]:
        """Rows of every table that only requests and events change."""
        owner = self.here.owners[self.service]
        await until(self._nothing_is_told)
        tables = await owner.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p') and not relispartition"
        )
        names = sorted({row["relname"] for row in tables} - _MOVED_BY_WORKERS)
        counts = ", ".join(f'(select count(*) from "{n}") as "{n}"' for n in names)  # noqa: S608
        row = await owner.fetchrow(f"select {counts}")
        assert row is not None
        return dict(row)

    async def send(
        self, *, path: dict[str, str] | None = None, query: str | None = None,
        content: bytes | None = None, more: dict[str, str] | None = None, address: str = "",
    ) -> httpx.Response:  # fmt: skip
        """The valid request with some of it replaced."""
        url = (address or self.address).format(**(self.asked.path | (path or {})))
        asked = urlencode(self.asked.query) if query is None else query
        head = {"idempotency-key": self.key, "authorization": f"Bearer {self.token}"}
        if self.method == "POST":
            head["content-type"] = "application/json"
            if content is None and self.asked.body is not None:
                content = json.dumps(self.asked.body).encode()
        head |= more or {}
        sent = {name: value for name, value in head.items() if value != "<none>"}
        return await self.http.request(
            self.method, url + (f"?{asked}" if asked else ""), content=content, headers=sent
        )

    async def judge(self, what: str, expect: str, answer: httpx.Response, bad: str = "") -> None:
        """Note what is wrong with an answer; where it was taken, load again."""
        self.fired[expect] += 1
        status = answer.status_code
        wrong = []
        if status >= 500:
            wrong.append("broken")
        if status < 400 and expect in ("reject", "deny"):
            wrong.append("taken")
        if expect == "deny" and status not in (401, 403, 404):
            wrong.append("not denied")
        code = ""
        if status >= 400:
            code = self._refusal(answer, wrong, bad)
        if expect == "accept" and code in _FOR_ITS_FORM:
            wrong.append("refused")
        written = self.logged.getvalue()
        if written and len(bad) >= 6 and bad in written:
            wrong.append("logged")
        self.logged.seek(0)
        self.logged.truncate()
        if wrong:
            self.faults.append(f"{what}: {' '.join(wrong)} ({status} {code})")
        if status < 400 and self.method == "POST":
            self.key = uuid4().hex
            await self.load()

    def _refusal(self, answer: httpx.Response, wrong: list[str], bad: str) -> str:
        if answer.headers["content-type"] != "application/problem+json":
            wrong.append("not a problem")
            return ""
        body = answer.json()
        kind = self.kinds.get(body["code"])
        if kind is None or kind.status != answer.status_code or kind.title != body["title"]:
            wrong.append("unknown code")
        ours = ("title", "title_zh", "detail", "type", "code", "trace_id")
        said = json.dumps({k: v for k, v in body.items() if k not in ours}, ensure_ascii=False)
        said += str(answer.headers)
        if len(bad) >= 4 and (bad in said or json.dumps(bad)[1:-1] in said):
            wrong.append("echoed")
        return str(body["code"])

    async def unchanged(self, what: str) -> None:
        """Nothing was stored by what was refused."""
        now = await self.count()
        if now != self.before:
            grown = {k: (self.before[k], now[k]) for k in now if now[k] != self.before[k]}
            self.faults.append(f"{what}: stored {grown}")
            self.before = now

    async def taken(self) -> None:
        """The valid request, under the key of all that was refused."""
        answer = await self.send()
        if answer.status_code not in (200, 201):
            self.faults.append(f"{self.route} is not taken: {answer.status_code} {answer.text}")


async def shoot_field(at: Range, field: Field, all_kinds: bool) -> None:
    """All lines for a field, in its place."""
    for line in for_field(field, all_kinds=all_kinds):
        what = f"{field} {line.id}"
        bad = line.plain or ""
        if field.where == "body":
            content = in_body(at.asked.body, field.at, line.json)
            await at.judge(what, line.expect, await at.send(content=content), bad)
            continue
        text, name = in_address(line), str(field.at[-1])
        if text is None:
            continue
        if field.where == "path":
            await at.judge(what, line.expect, await at.send(path={name: text}), bad)
        else:
            rest = {k: v for k, v in at.asked.query.items() if k != name}
            query = "&".join(filter(None, (urlencode(rest), f"{name}={text}")))
            await at.judge(what, line.expect, await at.send(query=query), bad)
    await at.unchanged(str(field))


async def shoot_whole(at: Range, description: dict[str, Any], needs_key: bool) -> None:
    """What is aimed at no field: bodies, queries, addresses, headers."""
    operation = dict(routes(description))[at.route]
    if operation.get("requestBody", {}).get("required"):
        for line, content, kind in bodies():
            answer = await at.send(content=content, more=kind)
            await at.judge(f"{at.route} {line.id}", line.expect, answer)
    for name, query in unknown_queries():
        asked = "&".join(filter(None, (urlencode(at.asked.query), query)))
        answer = await at.send(query=asked)
        await at.judge(f"{at.route} {name}", "reject", answer, query.split("=")[1])
    prefix, _, rest = at.address.partition("/v1/")
    upper = f"{prefix}/v1/{rest.split('/')[0].upper()}"
    await at.judge(f"{at.route} PTH-013", "reject", await at.send(address=upper))
    if needs_key:
        for line in headers("Idempotency-Key"):
            value = "<none>" if line.plain is None else line.plain
            answer = await at.send(more={"idempotency-key": value})
            await at.judge(f"{at.route} {line.id}", line.expect, answer, line.plain or "")
    for name in _CLAIMS:
        for line in headers(name):
            more = {name: line.plain or "", "authorization": "<none>"}
            expect = "deny" if at.asked.who else "either"
            await at.judge(f"{at.route} {line.id}", expect, await at.send(more=more))
    padded = {f"x-pad-{n}": "p" * 8000 for n in range(100)}
    await at.judge(f"{at.route} HDR-044", "reject", await at.send(more=padded))
    await at.unchanged(f"{at.route} as a whole")


async def shoot_forged(at: Range, forged: dict[str, str]) -> None:
    """Callers who are not who they say."""
    for name, authorization in forged.items():
        answer = await at.send(more={"authorization": authorization})
        await at.judge(f"{at.route} {name}", "deny", answer, authorization[8:])
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            at.faults.append(f"{at.route} {name}: {answer.status_code} and not 401")
    await at.unchanged(f"{at.route} forged")


def forged_tokens(service: str, clock: Any) -> dict[str, str]:
    """What the lines of the header `Authorization` describe, made for a service."""
    from joserfc import jwt
    from joserfc.jwk import OKPKey

    key = OKPKey.import_key(KEY)
    other = OKPKey.generate_key("Ed25519")
    now = int(clock.now().timestamp())
    claims = {
        "iss": f"/{service}", "aud": service, "sub": "x", "iat": now, "exp": now + 600,
        "role": "clerk", "pool": A.pool, "institution_code": "",
    }  # fmt: skip

    def signed(by: Any = key, head: Any = None, **more: Any) -> str:
        header = {"alg": "EdDSA"} | (head or {})
        return "Bearer " + jwt.encode(header, claims | more, by, algorithms=["EdDSA"])

    def confused() -> str:
        """The library refuses to sign so: by hand."""
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = hmac.digest(key.as_pem(private=False), text, "sha256")
        return f"Bearer {text.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    assert Tokens(service, KEY, clock).read(signed()[7:]).client_id == "x"
    stored = {line.id: line.plain or "" for line in headers("Authorization")}
    made = {
        "HDR-015": confused(),
        "HDR-017": signed(nbf=now + 3600),
        "HDR-018": signed(aud="somebody"),
        "HDR-019": signed(iss="evil"),
        "HDR-020": signed(other, head={"jku": "http://127.0.0.1:9/"}),
        "HDR-021": signed(other, head={"kid": "../../dev/null"}),
        "none": "<none>",
        "expired": signed(exp=now - 1),
    }
    assert made.keys() >= {name for name, text in stored.items() if "<" in text}
    return stored | made


@pytest.mark.parametrize("service", SERVICES)
async def test_bad_inputs_are_refused_and_leave_no_trace(
    here: Peopled, service: str, logged: io.StringIO
) -> None:
    description = here.whole.services[service].app.openapi()
    of_route: dict[str, list[Field]] = {route: [] for route, _ in routes(description)}
    for field in fields(description):
        of_route[field.route].append(field)
    faults: list[str] = []
    fired: Counter[str] = Counter()
    seen: set[str] = set()
    forged = forged_tokens(service, here.whole.clock)
    for route, its_fields in of_route.items():
        at = Range(here, service, route, logged)
        await at.load()
        for field in its_fields:
            if field.where != "header":
                first = field.where == "body" and field.kind not in seen
                seen.add(field.kind)
                await shoot_field(at, field, all_kinds=first)
        needs_key = any((field.where, field.kind) == ("header", "key") for field in its_fields)
        await shoot_whole(at, description, needs_key)
        if not route.endswith("/token"):
            await shoot_forged(at, forged)
        await at.taken()
        await at.http.aclose()
        faults += at.faults
        fired += at.fired
    print("\n", service, sum(fired.values()), "shots", dict(fired))  # noqa: T201
    assert not faults, "\n".join(faults)
    assert fired["reject"] > 100


def test_a_field_that_nobody_mapped_is_found() -> None:
    with pytest.raises(Unmapped):
        kind_of("remark", {"type": "string"})
    with pytest.raises(Unmapped):  # and so is one that would have us call somebody
        kind_of("callback", {"type": "string", "format": "uri"})
    asked = {"name": "q", "in": "query", "schema": {"type": "string"}}
    with pytest.raises(Unmapped):
        list(fields({"paths": {"/s/v1/x": {"get": {"parameters": [asked]}}}}))


def test_every_line_has_its_place() -> None:
    """No line is left out in silence; signed bodies are a gateway's, and not of these routes."""
    from tests.contracts.shots import _OWN, LINES

    def placed(line: Line) -> bool:
        return line.kind in {"body", "query", "path", "header"}.union(*_OWN.values())

    assert [line.id for line in LINES if not placed(line)] == []
    named = {(line.raw or {})["header"] for line in LINES if line.kind == "header"}
    assert named - SHOT_HEADERS == {"X-Signature", "X-Timestamp", "X-Pad"}
