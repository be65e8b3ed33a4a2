"""Bodies and addresses as we take them, checked before any route sees them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.plumbing.auth import BadToken
from shared.plumbing.edge import caller
from shared.plumbing.problem_answers import as_problem, problem_response
from shared.plumbing.problems import (
    HEADERS_TOO_LARGE,
    MALFORMED,
    TOO_LARGE,
    WRONG_MEDIA,
    Fault,
    Problem,
)  # fmt: skip
from shared.plumbing.strict_json import NotStrict, clean_text, parse
from shared.plumbing.tracing import trace_id_of

_BODY_MOST = 256 * 1024
_BATCHES = {
    "/lines": 1024 * 1024,
    "/prices": 1024 * 1024,
    "/settlements:batch": 8 * 1024 * 1024,
    # Twenty cases of 500 orders each, an order in at most 183 bytes.
    "/checks": 2 * 1024 * 1024,
    "/checks:for-hospital": 2 * 1024 * 1024,
}
"""How large a body may be where the end of the address says that it holds many rows."""
_HEADERS_MOST = 32 * 1024


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
            check_head(scope)
            if scope["method"] in ("POST", "PUT", "PATCH"):
                await self._ask_who_calls(scope)
                body = await _read_body(scope, receive)
                scope["state"]["body"] = _parsed(body)
                receive = _once(body)
        except (Problem, BadToken) as error:
            await problem_response(as_problem(error), trace_id)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    async def _ask_who_calls(scope: Scope) -> None:
        """Nobody's body is read before the caller is known; the route asks for the role."""
        if "/v1/" in scope["path"] and not scope["path"].endswith("/v1/token"):
            await caller(Request(scope))

    @staticmethod
    def trace(scope: Scope) -> str:
        """Give a request its trace id: the caller's own (W3C traceparent), else a new one."""
        state = scope.setdefault("state", {})
        trace_id: str = state.get("trace_id") or trace_id_of(scope) or uuid4().hex
        state["trace_id"] = trace_id
        return trace_id


async def read_strict_body(scope: Scope, receive: Receive) -> Any:
    """A request's body, parsed; for routes outside the framework. Raises Problem."""
    check_head(scope)
    return _parsed(await _read_body(scope, receive))


def _parsed(body: bytes) -> Any:
    try:
        return parse(body) if body else {}
    except NotStrict as error:
        raise Problem(MALFORMED, [Fault("", error.code)]) from error


def check_head(scope: Scope) -> None:
    """Hold the headers' size and the address's text to what we take. Raises Problem."""
    if sum(len(name) + len(value) for name, value in scope["headers"]) > _HEADERS_MOST:
        raise Problem(HEADERS_TOO_LARGE)
    for raw in (scope.get("raw_path") or b"", scope.get("query_string") or b""):
        try:
            clean_text(unquote_to_bytes(raw).decode("utf-8"))
        except (UnicodeDecodeError, NotStrict) as error:
            raise Problem(MALFORMED, [Fault("", "not-strict-text")]) from error


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    headers = dict(scope["headers"])
    limit = _BATCHES.get("/" + scope["path"].rpartition("/")[2], _BODY_MOST)
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
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Problem(WRONG_MEDIA)
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
