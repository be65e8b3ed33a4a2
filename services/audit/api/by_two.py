"""Answering what one person asks for and a second one confirms."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from services.audit.actions.keep_by_two import Change, Shelf, ask, change
from services.audit.api.kept import Shape, kept
from services.audit.domain.by_two import ByTwo
from services.audit.domain.refusals import Refusal
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.database import Connection
from shared.plumbing.edge import desk

T = TypeVar("T", bound=ByTwo)


def shape_of(one: ByTwo) -> dict[str, Any]:
    """What all of them show."""
    return {
        "id": str(one.id),
        "state": one.state,
        "reason": one.reason,
        "by": one.by,
        "asked_at": to_wire(one.asked_at),
        "approved_by": one.approved_by,
        "ended_by": one.ended_by,
        "replaced_by": None if one.replaced_by is None else str(one.replaced_by),
    }


async def asked(
    request: Request, who: Caller, shelf: Shelf[T], new: T | Refusal, shape: Shape[T]
) -> Response:
    """Answer that it was asked for, under its key."""

    async def act(tx: Connection) -> T | Refusal | None:
        return await ask(tx, desk(request).clock, shelf, new, request.state.trace_id)

    return await kept(request, who, f"ask-{shelf.noun}", act, shape, 201)


async def changed(
    request: Request, who: Caller, shelf: Shelf[T], id: UUID, step: Change[T], action: str,
    shape: Shape[T],
) -> Response:  # fmt: skip
    """Answer that it was approved or ended, under its key."""

    async def act(tx: Connection) -> T | Refusal | None:
        return await change(
            tx, desk(request).clock, shelf, step, action,
            pool_code=who.pool_code, id=id, by=who.client_id, request_id=request.state.trace_id,
        )  # fmt: skip

    return await kept(request, who, f"{shelf.noun}-{action}", act, shape, 200)
