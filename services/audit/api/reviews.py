"""The steps of a review, each by the people whom it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.close_investigation import close_investigation
from services.audit.actions.decide_disposal import decide_disposal
from services.audit.actions.first_review import first_review
from services.audit.actions.propose_disposal import propose_disposal
from services.audit.actions.review_step import Word
from services.audit.actions.second_review import Result, second_review
from services.audit.api.refusals import problem_of
from services.audit.api.shapes import flag_shape
from services.audit.api.shown import FlagShown
from services.audit.domain.flag import Flag, LineAmount, Outcome, Proposal
from services.audit.domain.library import Library
from services.audit.domain.refusals import Refusal
from services.audit.domain.time_limits import TimeLimits
from services.audit.store.flags import Stale
from shared.money import Money
from shared.plumbing.auth import Caller
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Connection
from shared.plumbing.edge import Key, Line, Wire, desk, once_per_key, only
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer

Reason = Annotated[Line, Field(max_length=500)]
"""Why, in the reviewer's words."""

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
"""Why, as one of `GET /audit/v1/reasons`."""

Family = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
"""What a flag on a claim is about: a family of rules, or how its claim was picked."""

Version = Annotated[int, Field(ge=1, le=2**53)]
"""The flag's version that was looked at."""

Yuan = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,12})\.[0-9]{2}$", max_length=16)]
LineNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]

Reviewer = Annotated[Caller, Depends(only("reviewer", "supervisor"))]
Step = Callable[[Connection], Awaitable[Flag | Refusal | None]]
ReviewStep = Callable[[Connection, Clock, TimeLimits, Word], Awaitable[Flag | Refusal | None]]
"""A step that a reviewer takes, all but its word given."""

router = APIRouter(prefix="/audit/v1/flags", tags=["reviews"])


class StepBody(Wire):
    """What every step says: which version was looked at, and why."""

    version: Version
    reason_code: Code
    reason: Reason


class FirstReview(StepBody):
    """Whether the suspicion is pursued, which asks the institution for a statement."""

    result: Literal["pursue", "clear"]


class SecondReview(StepBody):
    """What another person says of the first review."""

    result: Literal["agree", "disagree", "investigate"]


class LineBody(Wire):
    """What of the amount is one fee line's."""

    line_number: LineNumber
    amount: Yuan


class Disposal(StepBody):
    """What is proposed; the lines, if any are named, add up to the amount."""

    outcome: Literal["deduct", "recover", "uphold", "dismiss"]
    amount: Yuan = "0.00"
    lines: Annotated[list[LineBody], Field(default_factory=list, max_length=1000)]


class Approval(StepBody):
    """Whether another person agrees with what was proposed."""

    agree: bool


@router.post("/{flag_id}/first-review", response_model=FlagShown)
async def post_first_review(
    request: Request, flag_id: UUID, body: FirstReview, who: Reviewer, _: Key = None
) -> Response:
    """First review (初审): pursue the suspicion, or clear it, which a second person confirms."""
    step = partial(first_review, pursues=body.result == "pursue")
    return await _reviewed(request, who, flag_id, body, "first-review", step)


@router.post("/{flag_id}/second-review", response_model=FlagShown)
async def post_second_review(
    request: Request, flag_id: UUID, body: SecondReview, who: Reviewer, _: Key = None
) -> Response:
    """Second review (复审), by another person: agree, send back, or order an investigation."""
    step = partial(second_review, result=Result(body.result))
    return await _reviewed(request, who, flag_id, body, "second-review", step)


@router.post("/{flag_id}/investigation", response_model=FlagShown)
async def post_investigation(
    request: Request, flag_id: UUID, body: StepBody, who: Reviewer, _: Key = None
) -> Response:
    """Close the investigation (调查核实) with what it found."""
    return await _reviewed(request, who, flag_id, body, "investigation", close_investigation)


@router.post("/{flag_id}/disposal", response_model=FlagShown)
async def post_disposal(
    request: Request, flag_id: UUID, body: Disposal, who: Reviewer, _: Key = None
) -> Response:
    """Propose what is done (处理); it waits for another person's approval."""
    proposal = Proposal(
        Outcome(body.outcome), Money.from_wire(body.amount), who.client_id, body.reason_code,
        tuple(LineAmount(one.line_number, Money.from_wire(one.amount)) for one in body.lines),
    )  # fmt: skip
    step = partial(propose_disposal, proposal=proposal)
    return await _reviewed(request, who, flag_id, body, "disposal", step)


@router.post("/{flag_id}/approval", response_model=FlagShown)
async def post_approval(
    request: Request, flag_id: UUID, body: Approval, who: Reviewer, _: Key = None
) -> Response:
    """Approve what another person proposed, which decides the flag, or reject it."""
    step = partial(decide_disposal, approves=body.agree)
    return await _reviewed(request, who, flag_id, body, "approval", step)


def time_limits_of(request: Request) -> TimeLimits:
    """How long each step may take, as the agency set it."""
    library: Library = request.app.state.library
    return library.time_limits


async def _reviewed(
    request: Request, who: Caller, flag_id: UUID, body: StepBody, operation: str, step: ReviewStep
) -> Response:
    """Answer a reviewer's step."""
    clock, time_limits = desk(request).clock, time_limits_of(request)
    word = Word(
        who.pool_code, flag_id, body.version, who.client_id, body.reason_code, body.reason,
        request.state.trace_id,
    )  # fmt: skip
    return await step_of(
        request, who, flag_id, operation, [AGENCY], lambda tx: step(tx, clock, time_limits, word)
    )


async def step_of(
    request: Request, who: Caller, flag_id: UUID, operation: str, walls: list[str], step: Step
) -> Response:
    """Answer a step under its key with the flag as it stands then."""

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        try:
            flag = await step(tx)
        except Stale:
            raise problem_of(Refusal.CHANGED_MEANWHILE) from None
        return flag_id, Answer(200, orjson.dumps(flag_shape(found(flag), who)))

    return await once_per_key(request, who, operation, walls, effect)


def found(flag: Flag | Refusal | None) -> Flag:
    """The flag of an act. Raises Problem where there is none, or a rule refused."""
    if flag is None:
        raise Problem(NOT_FOUND)
    if isinstance(flag, Refusal):
        raise problem_of(flag)
    return flag
