"""What all HTTP edges share: the desk, who calls, and keyed requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
from fastapi import Header, Query, Request
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller, Tokens
from shared.plumbing.clock import Clock
from shared.plumbing.closed import Closed
from shared.plumbing.database import Connection, Pool, transaction
from shared.plumbing.group import TwinRunning
from shared.plumbing.problems import (
    FORBIDDEN,
    KEY_MISSING,
    MALFORMED,
    NO_TOKEN,
    Fault,
    Problem,
    WordsAt,
)  # fmt: skip
from shared.plumbing.repeats import Answer, Ask, Overtaken, body_hash, keep, recall

_TRIES = 5
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

T = TypeVar("T")


class Wire(Closed):
    """A body as it crosses the edge: closed, and strict about types."""


UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What no text for people holds, as a set of a pattern: controls, ends of lines, and what turns the
direction of writing."""
Line = Annotated[str, Field(pattern=f"^[^{UNSEEN}]*[^\\s{UNSEEN}][^{UNSEEN}]*$")]
"""One line for people with something in it; nothing that breaks lines or turns their direction,
by which a review page would show another text than the one that was written."""


def among(words: Collection[str], default: Any = ...) -> Any:
    """A query parameter that is one of these words: one misspelt is refused."""
    return Query(
        default,
        pattern=f"^({'|'.join(map(re.escape, sorted(words)))})$",
        json_schema_extra={"enum": sorted(words)},
    )


def _whole(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise amiss("not-a-whole-number")
    return value


_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number in an address: no sign, no space, no point, no other script's digits."""


class Desk:
    """What every route of a service needs at hand; opened by the service's lifespan."""

    def __init__(
        self, service: str, pool: Pool, tokens: Tokens, clock: Clock, hash_key: bytes
    ) -> None:
        self.service = service
        self.pool = pool
        self.tokens = tokens
        self.clock = clock
        self.hash_key = hash_key


def desk(request: Request) -> Desk:
    """The service's desk, opened by its lifespan."""
    found: Desk = request.app.state.desk
    return found


def bearer(authorization: str) -> str:
    """The token of an Authorization header. Raises Problem."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(NO_TOKEN)
    return token


async def caller(request: Request) -> Caller:
    """Who calls, by the bearer token. Async, as the framework runs what is not in a thread."""
    token = bearer(request.headers.get("authorization", ""))
    return desk(request).tokens.read(token)


def only(*roles: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, if of one of these roles. It has none of its own: each costs the
    framework a twentieth of what an empty request does."""

    async def allowed(request: Request) -> Caller:
        who = await caller(request)
        if who.role not in roles:
            raise Problem(FORBIDDEN)
        return who

    return allowed


Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="1 to 255 visible ASCII characters; required"),
]
"""Declares the header for the description; `key_of` reads it and refuses in our own words."""


async def only_known_names(request: Request) -> None:
    """Refuse a query that names what the route does not ask for, or names it twice.

    A misspelt filter would show more than was asked; and who reads the other of two values that
    were sent sees another request than we do.
    """
    if not request.scope["query_string"]:
        return
    asked = _query_of(request)
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) != len(names) or not asked.keys() >= set(names):
        raise Problem(MALFORMED, [Fault("", "query-name", known=list(asked))])


def words_of_query(request: Request) -> WordsAt:
    """What a query may say where it is one of listed words, by the place of the parameter."""
    return {
        ("query", name): schema["enum"]
        for name, schema in _query_of(request).items()
        if "enum" in schema
    }


def _query_of(request: Request) -> dict[str, dict[str, Any]]:
    """The schema of each parameter that the route's query may have."""
    described = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    return {
        parameter["name"]: parameter["schema"]
        for parameter in described.get(request.method.lower(), {}).get("parameters", ())
        if parameter["in"] == "query"
    }


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
        operation, key_of(request), body_hash([place, request.state.body], desk(request).hash_key),
    )  # fmt: skip


Effect = Callable[[Connection], Awaitable[tuple[UUID | None, Answer]]]
"""Does what a request asks inside its transaction: the object it is kept with (None where the
effect kept the answer itself), and the answer. What it raises to refuse keeps nothing."""


async def once_per_key(
    request: Request, who: Caller, operation: str, walls: Sequence[str], effect: Effect
) -> Response:
    """Answer a keyed request by `done_once`."""
    return reply(await done_once(desk(request), ask_of(request, who, operation), walls, effect))


async def done_once(here: Desk, ask: Ask, walls: Sequence[str], effect: Effect) -> Answer:
    """The answer to an ask: the effect and its answer are kept in one transaction, once.

    Asked again with the same body, the same bytes are given. `walls`: whose rows the effect may
    touch. The act runs as a task of the app, so that a hang-up cannot tear a transaction that
    may already be committing. Raises DifferentBody, and TwinRunning when others keep winning.
    """

    async def once() -> Answer:
        try:
            async with transaction(here.pool, walls) as tx:
                known = await recall(tx, ask)
                if known is not None:
                    return known
                object_id, answer = await effect(tx)
                if object_id is not None:
                    await keep(tx, ask, answer, object_id, here.clock.now())
                return answer
        except Problem:
            # What stood in the way may be this very request, sent twice: then its answer is
            # there now. The refused act is rolled back, so this looks in a transaction of its own.
            async with transaction(here.pool, walls) as tx:
                known = await recall(tx, ask)
            if known is None:
                raise
            return known

    return await unbroken(_once_more(once))


async def _once_more(act: Callable[[], Awaitable[Answer]]) -> Answer:
    """When a twin or a rival was faster, act again: that finds the twin's answer."""
    for _ in range(_TRIES):
        try:
            return await act()
        except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError, Overtaken):
            continue
    raise TwinRunning


def reply(answer: Answer) -> Response:
    """An answer's very bytes."""
    return Response(answer.body, answer.status, media_type="application/json")


_RUNNING: set[asyncio.Task[Any]] = set()


async def unbroken(act: Coroutine[Any, Any, T]) -> T:
    """Run an act as a task of the app: a client's hang-up ends the waiting, not the act."""
    task = asyncio.create_task(act)
    _RUNNING.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # a caller that hung up leaves nobody to hear it
