"""How each route of enrollment acts: by whose hand, in one transaction, once for each key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.enrollment.actions.acting import Acting
from services.enrollment.api.refusals import problem_of
from services.enrollment.domain.refusals import Refusal, Refused
from services.enrollment.store.histories import Histories
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection
from shared.plumbing.edge import once_per_key, only
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.sealed import Vault
from shared.policy.book import Book

Clerk = Annotated[Caller, Depends(only("clerk"))]
Cashier = Annotated[Caller, Depends(only("clerk", "finance"))]
Reader = Annotated[Caller, Depends(only("clerk", "finance", "service"))]
ASKERS = ("clerk", "hospital", "service")
Asker = Annotated[Caller, Depends(only(*ASKERS))]
Anyone = Annotated[
    Caller,
    Depends(only("hospital", "clerk", "finance", "reviewer", "supervisor", "operator", "service")),
]


@dataclass(frozen=True, slots=True)
class Office:
    """What enrollment's routes need beside the desk; opened by the lifespan."""

    book: Book
    vault: Vault
    histories: Histories


@dataclass(frozen=True, slots=True)
class Made:
    """What a creating act answers, and the object it is kept with."""

    object_id: UUID
    shown: BaseModel


def office(request: Request) -> Office:
    """The office that the lifespan opened."""
    found: Office = request.app.state.office
    return found


def acting(request: Request, who: Caller) -> Acting:
    """The request as an act."""
    return acting_in(request.app, who, request.state.trace_id)


def acting_in(app: FastAPI, who: Caller, trace_id: str) -> Acting:
    """A call as an act. A clerk without a pool acts for none: only a service sees all."""
    if not who.pool_code and who.role != "service":
        raise Problem(NOT_FOUND)
    here: Office = app.state.office
    now: datetime = app.state.desk.clock.now()
    return Acting(who, trace_id, now, here.book, here.vault)


async def create(
    request: Request,
    who: Caller,
    operation: str,
    act: Callable[[Connection, Acting], Awaitable[Made | Refusal | Refused]],
) -> Response:
    """Do a creating act under its key: asked again, the same bytes; refused, nothing is kept."""
    doing = acting(request, who)

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        made = await act(tx, doing)
        if not isinstance(made, Made):
            raise problem_of(made)
        return made.object_id, Answer(201, orjson.dumps(made.shown.model_dump(mode="json")))

    return await once_per_key(request, who, operation, [AGENCY], effect)


def show(shown: Any) -> Response:
    """An answer that is not kept."""
    body = shown.model_dump(mode="json") if isinstance(shown, BaseModel) else shown
    return Response(orjson.dumps(body), media_type="application/json")
