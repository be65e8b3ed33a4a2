"""What all HTTP edges share: strict bodies, problems, callers, health, tokens, event feed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import asyncpg
import orjson
import structlog
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.plumbing.auth import TOKEN_SECONDS, BadToken, Caller, Tokens, check_client
from shared.plumbing.clock import Clock
from shared.plumbing.database import Pool
from shared.plumbing.group import Busy, TwinRunning
from shared.plumbing.problems import (
    BROKEN,
    BUSY,
    FORBIDDEN,
    KEY_MISSING,
    MALFORMED,
    MEDIA_TYPE,
    NO_METHOD,
    NO_TOKEN,
    NOT_FOUND,
    OTHER_BODY,
    TOO_LARGE,
    TWIN,
    WRONG_MEDIA,
    Fault,
    Problem,
    problem_body,
)  # fmt: skip
from shared.plumbing.repeats import Answer, Ask, DifferentBody, body_hash
from shared.plumbing.strict_json import NotStrict, clean_text, parse

log = structlog.get_logger()

_BODY_MOST = 256 * 1024
_LINES_MOST = 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class Wire(BaseModel):
    """A body as it crosses the edge: closed, and strict about types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Desk:
    """What every route of a service needs at hand; opened by the service's lifespan."""

    def __init__(self, service: str, pool: Pool, tokens: Tokens, clock: Clock) -> None:
        self.service = service
        self.pool = pool
        self.tokens = tokens
        self.clock = clock


# ---- strict bodies


class StrictBodies:
    """Reads each body once, within its limit, and hands it on only if it is strict JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is not strict; otherwise pass the request on with `state.body` parsed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = self.trace(scope)
        try:
            _check_address(scope)
            if scope["method"] in ("POST", "PUT", "PATCH"):
                body = await _read_body(scope, receive)
                scope["state"]["body"] = _parsed(body)
                receive = _once(body)
        except Problem as problem:
            await problem_response(problem, trace_id)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def trace(scope: Scope) -> str:
        """Give a request its trace id."""
        trace_id = uuid4().hex
        scope.setdefault("state", {})["trace_id"] = trace_id
        return trace_id


async def read_strict_body(scope: Scope, receive: Receive) -> Any:
    """A request's body, parsed; for routes outside the framework. Raises Problem."""
    _check_address(scope)
    return _parsed(await _read_body(scope, receive))


def _parsed(body: bytes) -> Any:
    try:
        return parse(body) if body else {}
    except NotStrict as error:
        raise Problem(MALFORMED, [Fault("", "not-strict-json")]) from error


def _check_address(scope: Scope) -> None:
    for raw in (scope.get("raw_path") or b"", scope.get("query_string") or b""):
        try:
            clean_text(unquote_to_bytes(raw).decode("utf-8"))
        except (UnicodeDecodeError, NotStrict) as error:
            raise Problem(MALFORMED, [Fault("", "not-strict-text")]) from error


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    headers = dict(scope["headers"])
    limit = _LINES_MOST if scope["path"].endswith("/lines") else _BODY_MOST
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > limit:
        raise Problem(TOO_LARGE)
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(MALFORMED)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise Problem(TOO_LARGE)
        if not message.get("more_body"):
            break
    body = b"".join(chunks)
    if body and headers.get(b"content-type", b"").split(b";")[0].strip() != b"application/json":
        raise Problem(WRONG_MEDIA)
    return body


def _once(body: bytes) -> Receive:
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


# ---- problems


def problem_response(problem: Problem, trace_id: str) -> Response:
    """A refusal as a response."""
    headers = {}
    if problem.kind.status in (409, 429, 503) and problem.kind.retryable:
        headers["retry-after"] = str(problem.retry_after or 1)
    if problem.kind.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        problem_body(problem, trace_id), problem.kind.status, headers, media_type=MEDIA_TYPE
    )


def as_problem(error: Exception) -> Problem:
    """What the caller is told about an error; anything unforeseen is ours, and logged."""
    match error:
        case Problem():
            return error
        case BadToken():
            return Problem(NO_TOKEN)
        case DifferentBody():
            return Problem(OTHER_BODY)
        case TwinRunning():
            return Problem(TWIN)
        case Busy() | OSError() | TimeoutError() | asyncpg.InterfaceError():
            return Problem(BUSY, retry_after=1)
        case asyncpg.PostgresConnectionError() | asyncpg.QueryCanceledError():
            return Problem(BUSY, retry_after=1)
        case asyncpg.LockNotAvailableError() | asyncpg.DeadlockDetectedError():
            return Problem(BUSY, retry_after=1)
        case RequestValidationError():
            return Problem(MALFORMED, faults_of(error.errors(), skip=1))
        case HTTPException():
            kinds = {401: NO_TOKEN, 403: FORBIDDEN, 404: NOT_FOUND, 405: NO_METHOD}
            return Problem(kinds.get(error.status_code, MALFORMED))
    log.error("unforeseen", error=type(error).__name__, exc_info=error)
    return Problem(BROKEN)


def faults_of(errors: Iterable[Any], *, skip: int = 0) -> list[Fault]:
    """What pydantic found, as places and kinds; a name that is not ours is not echoed."""
    return [
        Fault(
            "".join(f"/{part}" for part in error["loc"][skip:])
            if error["type"] != "extra_forbidden"
            else "".join(f"/{part}" for part in error["loc"][skip:-1]),
            error["type"],
        )
        for error in errors
    ]


_FORESEEN: tuple[type[Exception], ...] = (
    Problem, HTTPException, RequestValidationError, BadToken, DifferentBody, TwinRunning, Busy,
    OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError,
    asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError,
)  # fmt: skip


# ---- callers


def desk(request: Request) -> Desk:
    """The service's desk, opened by its lifespan."""
    found: Desk = request.app.state.desk
    return found


def caller(request: Request) -> Caller:
    """Who calls, by the bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(NO_TOKEN)
    return desk(request).tokens.read(token)


def only(*roles: str) -> Callable[[Caller], Caller]:
    """A dependency: the caller, if of one of these roles."""

    def allowed(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if who.role not in roles:
            raise Problem(FORBIDDEN)
        return who

    return allowed


def key_of(request: Request) -> str:
    """The Idempotency-Key of a request that creates something."""
    key = request.headers.get("idempotency-key", "")
    if not key_matches(key):
        raise Problem(KEY_MISSING)
    return key


def key_matches(key: str) -> bool:
    """Whether a text can be an Idempotency-Key."""
    return _KEY.fullmatch(key) is not None


def ask_of(request: Request, who: Caller, operation: str) -> Ask:
    """The request under its key, as the store remembers it."""
    place = request.url.path
    return Ask(
        who.pool_code, who.client_id if not who.institution_code else who.institution_code,
        operation, key_of(request), body_hash([place, request.state.body]),
    )  # fmt: skip


async def once_more(act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do a keyed act; when a twin was faster, do it again, which finds the twin's answer."""
    for _ in range(3):
        try:
            return await act()
        except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError):
            continue
    raise TwinRunning


def reply(answer: Answer) -> Response:
    """An answer's very bytes."""
    return Response(answer.body, answer.status, media_type="application/json")


# ---- the app


class TokenAsk(Wire):
    """A client's credential."""

    client_id: str = Field(min_length=1, max_length=100)
    client_secret: str = Field(min_length=1, max_length=200)


def new_app(service: str, title: str, version: str, lifespan: Any) -> FastAPI:
    """A service's app with what all of them have; the service adds its own routes."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(StrictBodies)

    async def refuse(request: Request, error: Exception) -> Response:
        return problem_response(as_problem(error), request.state.trace_id)

    # What is handled only as `Exception` is raised again after the answer: name the foreseen.
    for kind in (*_FORESEEN, Exception):
        app.add_exception_handler(kind, refuse)
    app.state.ready = False
    _add_health(app, service)
    _add_token(app, service)
    _add_feed(app, service)
    return app


def _add_health(app: FastAPI, service: str) -> None:
    @app.get(f"/{service}/livez", tags=["health"])
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get(f"/{service}/readyz", tags=["health"])
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

    @app.get(f"/{service}/metrics", tags=["health"])
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _add_token(app: FastAPI, service: str) -> None:
    @app.post(f"/{service}/v1/token", tags=["token"])
    async def token(request: Request, body: TokenAsk) -> dict[str, str | int]:
        """A bearer token for a client's credential, good for ten minutes."""
        here = desk(request)
        who = await check_client(here.pool, body.client_id, body.client_secret)
        if who is None:
            raise Problem(NO_TOKEN)
        return {
            "access_token": here.tokens.issue(who),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }


_FEED = """
select position, headers::text, data from outbox
where topic = any($1) and position > $2 and ($3 = '' or type = $3) order by position limit $4
"""


def _add_feed(app: FastAPI, service: str) -> None:
    @app.get(f"/{service}/v1/events", tags=["events"])
    async def events(
        request: Request,
        who: Annotated[Caller, Depends(only("service", "operator"))],
        topic: Annotated[str, Query(max_length=100)],
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        type: Annotated[str, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """A topic's log after a position, as a CloudEvents batch; `position` is an extension."""
        rows = await desk(request).pool.fetch(_FEED, [topic], after, type, limit)
        batch = [
            {
                name.removeprefix("ce_").replace("content-type", "datacontenttype"): value
                for name, value in orjson.loads(row["headers"]).items()
            }
            | {"position": str(row["position"]), "data": orjson.loads(row["data"])}
            for row in rows
        ]
        return Response(orjson.dumps(batch), media_type="application/cloudevents-batch+json")


_RUNNING: set[asyncio.Task[Any]] = set()


async def unbroken(act: Coroutine[Any, Any, Answer]) -> Answer:
    """Run an act as a task of the app: a client's hang-up ends the waiting, not the act."""
    task = asyncio.create_task(act)
    _RUNNING.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # a caller that hung up leaves nobody to hear it
