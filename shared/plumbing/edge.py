"""What all HTTP edges share: the desk, who calls, and keyed requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from shared.plumbing.auth import Caller, Tokens
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection, Pool, transaction
from shared.plumbing.group import TwinRunning
from shared.plumbing.problems import (
    FORBIDDEN,
    KEY_MISSING,
    NO_TOKEN,
    Problem,
)  # fmt: skip
from shared.plumbing.repeats import Answer, Ask, Overtaken, body_hash, keep, recall

_TRIES = 5
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class Wire(BaseModel):
    """A body as it crosses the edge: closed, and strict about types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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


async def caller(request: Request) -> Caller:
    """Who calls, by the bearer token. Async, as the framework runs what is not in a thread."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(NO_TOKEN)
    return desk(request).tokens.read(token)


def only(*roles: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: the caller, if of one of these roles."""

    async def allowed(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if who.role not in roles:
            raise Problem(FORBIDDEN)
        return who

    return allowed


Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="1 to 255 visible ASCII characters; required"),
]
"""Declares the header for the description; `key_of` reads it and refuses in our own words."""


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


Effect = Callable[[Connection], Awaitable[tuple[UUID, Answer]]]
"""Does what a request asks inside its transaction: the object it is kept with, and the answer.
Raises Problem to refuse, which keeps nothing."""


async def once_per_key(
    request: Request, who: Caller, operation: str, walls: Sequence[str], effect: Effect
) -> Response:
    """Answer a keyed request: the effect and its answer are kept in one transaction, once.

    Asked again with the same body, the same bytes are given. `walls`: whose rows the effect may
    touch. The act runs as a task of the app, so that a hang-up cannot tear a transaction that
    may already be committing. Raises DifferentBody, and TwinRunning when others keep winning.
    """
    here, ask = desk(request), ask_of(request, who, operation)

    async def once() -> Answer:
        try:
            async with transaction(here.pool, walls) as tx:
                known = await recall(tx, ask)
                if known is not None:
                    return known
                object_id, answer = await effect(tx)
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

    return reply(await _unbroken(_once_more(once)))


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


async def _unbroken(act: Coroutine[Any, Any, Answer]) -> Answer:
    """Run an act as a task of the app: a client's hang-up ends the waiting, not the act."""
    task = asyncio.create_task(act)
    _RUNNING.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # a caller that hung up leaves nobody to hear it
