"""The two reviews of a flag, each by a person of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.first_review import first_review
from services.audit.actions.second_review import second_review
from services.audit.api.refusals import problem_of
from services.audit.api.shapes import flag_shape
from services.audit.api.shown import FlagShown
from services.audit.domain.flag import Flag, Outcome, Proposal
from services.audit.domain.refusals import Refusal
from services.audit.store.flags import Stale
from shared.money import Money
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection
from shared.plumbing.edge import Key, Line, Wire, desk, once_per_key, only
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer

Reason = Annotated[Line, Field(max_length=500)]
"""Why, in the reviewer's words."""

Step = Callable[[Connection], Awaitable[Flag | Refusal | None]]

router = APIRouter(prefix="/audit/v1/flags", tags=["reviews"])


class FirstReview(Wire):
    """What the first reviewer proposes; a dismissal has the amount 0.00."""

    outcome: Literal["deduct", "dismiss"]
    amount: str = Field("0.00", pattern=r"^(0|[1-9][0-9]{0,12})\.[0-9]{2}$", max_length=16)
    reason: Reason


class SecondReview(Wire):
    """Whether the second reviewer agrees."""

    agree: bool
    reason: Reason


@router.post("/{flag_id}/first-review", response_model=FlagShown)
async def post_first_review(
    request: Request,
    flag_id: UUID,
    body: FirstReview,
    who: Annotated[Caller, Depends(only("reviewer"))],
    _: Key = None,
) -> Response:
    """Propose to deduct an amount, or to dismiss the flag."""
    proposal = Proposal(Outcome(body.outcome), Money.from_wire(body.amount), who.client_id)

    async def step(tx: Connection) -> Flag | Refusal | None:
        return await first_review(
            tx,
            desk(request).clock,
            pool_code=who.pool_code,
            flag_id=flag_id,
            proposal=proposal,
            reason=body.reason,
            request_id=request.state.trace_id,
        )

    return await _review(request, who, flag_id, "first-review", step)


@router.post("/{flag_id}/second-review", response_model=FlagShown)
async def post_second_review(
    request: Request,
    flag_id: UUID,
    body: SecondReview,
    who: Annotated[Caller, Depends(only("reviewer"))],
    _: Key = None,
) -> Response:
    """Agree, which decides the flag, or disagree, which opens it again."""

    async def step(tx: Connection) -> Flag | Refusal | None:
        return await second_review(
            tx,
            desk(request).clock,
            pool_code=who.pool_code,
            flag_id=flag_id,
            by=who.client_id,
            agree=body.agree,
            reason=body.reason,
            request_id=request.state.trace_id,
        )

    return await _review(request, who, flag_id, "second-review", step)


async def _review(
    request: Request, who: Caller, flag_id: UUID, operation: str, step: Step
) -> Response:
    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        try:
            flag = await step(tx)
        except Stale:
            raise problem_of(Refusal.CHANGED_MEANWHILE) from None
        if flag is None:
            raise Problem(NOT_FOUND)
        if isinstance(flag, Refusal):
            raise problem_of(flag)
        return flag_id, Answer(200, orjson.dumps(flag_shape(flag)))

    return await once_per_key(request, who, operation, [AGENCY], effect)
