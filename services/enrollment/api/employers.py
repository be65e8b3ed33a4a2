"""Employers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.add_employer import add_employer
from services.enrollment.api.office import Clerk, Made, create
from services.enrollment.api.wire import EmployerRef, PoolCode
from services.enrollment.domain.employer import Employer, EmployerKind
from services.enrollment.domain.refusals import Refusal
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Line, Wire
from shared.plumbing.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/enrollment/v1", tags=["employers"])


class EmployerBody(Wire):
    """An employer; `pool` must be the caller's own."""

    employer_ref: EmployerRef
    name: Annotated[Line, Field(max_length=200)]
    pool: PoolCode
    county_code: PoolCode
    kind: Literal["enterprise", "public_institution", "self_financed"]


@router.post("/employers", status_code=201, response_model=EmployerBody)
async def post_employer(
    request: Request, who: Clerk, body: EmployerBody, _: Key = None
) -> Response:
    """Add an employer under the agency's own number."""
    if body.pool != who.pool_code:
        raise Problem(NOT_FOUND)
    employer = Employer(
        body.pool, body.employer_ref, body.name, body.county_code, EmployerKind(body.kind)
    )

    async def act(tx: Connection, acting: Acting) -> Made | Refusal:
        added = await add_employer(tx, acting, employer)
        return added if isinstance(added, Refusal) else Made(new_id(), body)

    return await create(request, who, "add-employer", act)
