"""Snoozes of rules for an institution: asked for, approved where a breach is muted, ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.snooze_rule import Change, ask_snooze, change_snooze
from services.audit.api.check_shown import SnoozeShown, SnoozesShown
from services.audit.api.check_wire import RuleId
from services.audit.api.refusals import problem_of
from services.audit.api.reviews import Reviewer
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import Grade, RuleBook
from services.audit.domain.snooze import Snooze, approved, ended
from services.audit.store import snoozes
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day, to_wire
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.edge import Key, Line, Whole, Wire, desk, once_per_key
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Day, Id


class SnoozeBody(Wire):
    """A rule that is to be quiet for an institution until a day, not included, and why."""

    rule: RuleId
    institution_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    until: Day
    reason: Annotated[Line, Field(max_length=500)]


class NoBody(Wire):
    """Nothing is to be said beside the address."""


def snoozes_router(book: RuleBook) -> APIRouter:
    """The routes; `book` says which rules there are, and which are of breaches."""
    router = APIRouter(prefix="/audit/v1/snoozes", tags=["snoozes"])

    @router.get("", response_model=SnoozesShown)
    async def list_snoozes(
        request: Request,
        who: Reviewer,
        after: UUID | None = None,
        limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """Snoozes of the caller's pool in the order asked for, with their state today."""
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            found = await snoozes.page(tx, who.pool_code, after, limit)
        further = str(found[-1].snooze_id) if len(found) == limit else None
        return {"snoozes": [_shape(one, request) for one in found], "next": further}

    @router.post("", status_code=201, response_model=SnoozeShown)
    async def ask(request: Request, body: SnoozeBody, who: Reviewer, _: Key = None) -> Response:
        """Ask that a rule be quiet for an institution; one of a breach waits for approval."""
        here = desk(request)
        now = here.clock.now()
        snooze = Snooze(
            pool_code=who.pool_code,
            snooze_id=new_id(),
            institution_code=body.institution_code,
            rule=body.rule,
            grade=Grade.SUSPICIOUS,
            since=business_day(now),
            until=body.until,
            reason=body.reason,
            by=who.client_id,
            asked_at=now,
        )

        async def act(tx: Connection) -> Snooze | Refusal | None:
            return await ask_snooze(tx, here.clock, snooze, book, request.state.trace_id)

        return await _kept(request, who, "ask-snooze", act, 201)

    @router.post("/{snooze_id}/approve", response_model=SnoozeShown)
    async def approve(
        request: Request, snooze_id: Id, body: NoBody, who: Reviewer, _: Key = None
    ) -> Response:
        """Approve, as another person, that a breach is muted."""
        return await _changed(request, who, snooze_id, approved, "snooze-approved")

    @router.post("/{snooze_id}/end", response_model=SnoozeShown)
    async def end(
        request: Request, snooze_id: Id, body: NoBody, who: Reviewer, _: Key = None
    ) -> Response:
        """Let the rule speak again."""
        return await _changed(request, who, snooze_id, ended, "snooze-ended")

    return router


async def _changed(
    request: Request, who: Caller, snooze_id: UUID, change: Change, action: str
) -> Response:
    async def act(tx: Connection) -> Snooze | Refusal | None:
        return await change_snooze(
            tx,
            desk(request).clock,
            change,
            pool_code=who.pool_code,
            snooze_id=snooze_id,
            by=who.client_id,
            request_id=request.state.trace_id,
            action=action,
        )

    return await _kept(request, who, action, act, 200)


async def _kept(
    request: Request,
    who: Caller,
    operation: str,
    act: Callable[[Connection], Awaitable[Snooze | Refusal | None]],
    status: int,
) -> Response:
    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        snooze = await act(tx)
        if snooze is None:
            raise Problem(NOT_FOUND)
        if isinstance(snooze, Refusal):
            raise problem_of(snooze)
        return snooze.snooze_id, Answer(status, orjson.dumps(_shape(snooze, request)))

    return await once_per_key(request, who, operation, [AGENCY], effect)


def _shape(snooze: Snooze, request: Request) -> dict[str, Any]:
    return {
        "snooze_id": str(snooze.snooze_id),
        "rule": snooze.rule,
        "grade": snooze.grade,
        "institution_code": snooze.institution_code,
        "state": snooze.state(business_day(desk(request).clock.now())),
        "since": snooze.since.isoformat(),
        "until": snooze.until.isoformat(),
        "reason": snooze.reason,
        "by": snooze.by,
        "asked_at": to_wire(snooze.asked_at),
        "approved_by": snooze.approved_by,
        "ended_by": snooze.ended_by,
    }
