"""Answering what people ask the agency's rules and limits to be: a page of it, an act on one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Request
from starlette.responses import Response

from services.audit.api.refusals import problem_of
from services.audit.domain.refusals import Refusal
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.edge import Wire, desk, once_per_key
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer

T = TypeVar("T")
Page = Callable[[Connection, str, UUID | None, int], Awaitable[Sequence[T]]]
Shape = Callable[[T], dict[str, Any]]


class NoBody(Wire):
    """Nothing is to be said beside the address."""


async def page_of(
    request: Request, who: Caller, read: Page[T], shape: Shape[T], name: str,
    after: UUID | None, limit: int, id_name: str = "id",
) -> dict[str, Any]:  # fmt: skip
    """A page of the caller's pool under `name`, in the order asked for; `next` is the `after` of
    the next page."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        found = [shape(one) for one in await read(tx, who.pool_code, after, limit)]
    return {name: found, "next": found[-1][id_name] if len(found) == limit else None}


async def kept(
    request: Request,
    who: Caller,
    operation: str,
    act: Callable[[Connection], Awaitable[T | Refusal | None]],
    shape: Shape[T],
    status: int,
    id_name: str = "id",
) -> Response:
    """Answer an act under its key. Raises Problem where there is no such thing, or a rule
    refused."""

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        one = await act(tx)
        if one is None:
            raise Problem(NOT_FOUND)
        if isinstance(one, Refusal):
            raise problem_of(one)
        shown = shape(one)
        return UUID(shown[id_name]), Answer(status, orjson.dumps(shown))

    return await once_per_key(request, who, operation, [AGENCY], effect)
