"""The routes that every service has: health, metrics, tokens, and the event feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import asyncpg
import orjson
from fastapi import Depends, FastAPI, Query, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from shared.contracts.register import CONTRACTS
from shared.plumbing.auth import TOKEN_SECONDS, Caller, check_client
from shared.plumbing.edge import Whole, Wire, among, desk, only
from shared.plumbing.problem_pages import problem_page
from shared.plumbing.problems import (
    BAD_CREDENTIAL,
    MALFORMED,
    NOT_FOUND,
    PAGES,
    Fault,
    Kind,
    Problem,
)


class TokenAsk(Wire):
    """A client's credential."""

    client_id: str = Field(min_length=1, max_length=100)
    client_secret: str = Field(min_length=1, max_length=200)


class Token(Wire):
    """A bearer token, good for `expires_in` seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class Health(Wire):
    """How the process is: `alive`, `ready` or `not ready`."""

    status: str


def add_health(app: FastAPI, service: str) -> None:
    @app.get(f"/{service}/livez", tags=["health"], response_model=Health)
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get(
        f"/{service}/readyz",
        tags=["health"],
        response_model=Health,
        responses={503: {"model": Health}},
    )
    async def readyz(request: Request) -> Response:
        """The service can work: started, migrated, database reachable."""
        ready = bool(request.app.state.ready)
        if ready:
            try:
                await desk(request).pool.fetchval("select 1 from relay_fence")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                ready = False
        body = {"status": "ready" if ready else "not ready"}
        return Response(orjson.dumps(body), 200 if ready else 503, media_type="application/json")

    @app.get(f"/{service}/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def add_token(app: FastAPI, service: str) -> None:
    @app.post(f"/{service}/v1/token", tags=["token"], response_model=Token)
    async def token(request: Request, body: TokenAsk) -> dict[str, str | int]:
        """A bearer token for a client's credential, good for ten minutes."""
        here = desk(request)
        who = await check_client(here.pool, body.client_id, body.client_secret)
        if who is None:
            raise Problem(BAD_CREDENTIAL)
        return {
            "access_token": here.tokens.issue(who),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }


def add_problem_pages(app: FastAPI, kinds: Mapping[str, Kind]) -> None:
    @app.get(PAGES + "/{code}", include_in_schema=False)
    async def problem(code: str) -> HTMLResponse:
        """What a refusal means, for people; the `type` of each refusal points here."""
        if code not in kinds:
            raise Problem(NOT_FOUND)
        return HTMLResponse(problem_page(kinds[code]))


_FEED = """
select position, headers::text, data from outbox
where topic = any($1) and position > $2 and ($3::text is null or type = $3)
order by position limit $4
"""


BATCH = "application/cloudevents-batch+json"
_EVENT = {
    "type": "object",
    "description": "A CloudEvent; data by the frozen schema that dataschema names",
    "required": [
        *("specversion", "id", "source", "type", "subject", "time", "dataschema"),
        *("datacontenttype", "partitionkey", "sequence", "position", "data"),
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "dataschema": {"type": "string"},
        "datacontenttype": {"const": "application/json"},
        "partitionkey": {"type": "string", "description": "the aggregate's key"},
        "sequence": {"type": "string", "description": "1, 2, 3 ... of the aggregate"},
        "traceparent": {"type": "string", "description": "the trace that it was told in"},
        "causationid": {"type": "string", "description": "the event that this one answers"},
        "position": {"type": "string", "description": "the `after` of the next question"},
        "data": {"type": "object"},
    },
    "additionalProperties": False,
}


def add_feed(app: FastAPI, service: str) -> None:
    types: dict[str, list[str]] = {}
    for told in CONTRACTS:
        if told.topic.startswith(f"maternity.{service}."):
            types.setdefault(told.topic, []).append(told.type)

    @app.get(
        f"/{service}/v1/events",
        tags=["events"],
        response_class=Response,
        responses={200: {"content": {BATCH: {"schema": {"type": "array", "items": _EVENT}}}}},
    )
    async def events(
        request: Request,
        who: Annotated[Caller, Depends(only("service", "operator"))],
        topic: str = among(types),
        after: Annotated[Whole, Query(ge=0, le=2**53)] = 0,
        type: str | None = among({one for those in types.values() for one in those}, None),
        limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """A topic's log after a position, as a CloudEvents batch; `position` is an extension."""
        if type is not None and type not in types[topic]:
            raise Problem(MALFORMED, [Fault("/type", "enum", known=types[topic])])
        rows = await desk(request).pool.fetch(_FEED, [topic], after, type, limit)
        batch = [
            {
                name.removeprefix("ce_").replace("content-type", "datacontenttype"): value
                for name, value in orjson.loads(row["headers"]).items()
            }
            | {"position": str(row["position"]), "data": orjson.loads(row["data"])}
            for row in rows
        ]
        return Response(orjson.dumps(batch), media_type=BATCH)
