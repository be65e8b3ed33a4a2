"""Snoozes of rules for an institution: asked for, approved where a breach is muted, ended."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.snooze_rule import Change, ask_snooze, change_snooze
from services.audit.api.check_shown import SnoozeShown, SnoozesShown
from services.audit.api.check_wire import RuleId
from services.audit.api.kept import NoBody, kept, page_of
from services.audit.api.reviews import Reviewer
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import Grade, RuleBook
from services.audit.domain.snooze import Snooze, approved, ended
from services.audit.store import snoozes
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day, to_wire
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Line, Whole, Wire, desk
from shared.plumbing.written import Day, Id

_ID = "snooze_id"


class SnoozeBody(Wire):
    """A rule that is to be quiet for an institution until a day, not included, and why."""

    rule: RuleId
    institution_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    until: Day
    reason: Annotated[Line, Field(max_length=500)]


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
        shape = partial(_shape, on=business_day(desk(request).clock.now()))
        return await page_of(request, who, snoozes.page, shape, "snoozes", after, limit, _ID)

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

        shape = partial(_shape, on=business_day(now))
        return await kept(request, who, "ask-snooze", act, shape, 201, _ID)

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

    shape = partial(_shape, on=business_day(desk(request).clock.now()))
    return await kept(request, who, action, act, shape, 200, _ID)


def _shape(snooze: Snooze, on: date) -> dict[str, Any]:
    return {
        "snooze_id": str(snooze.snooze_id),
        "rule": snooze.rule,
        "grade": snooze.grade,
        "institution_code": snooze.institution_code,
        "state": snooze.state(on),
        "since": snooze.since.isoformat(),
        "until": snooze.until.isoformat(),
        "reason": snooze.reason,
        "by": snooze.by,
        "asked_at": to_wire(snooze.asked_at),
        "approved_by": snooze.approved_by,
        "ended_by": snooze.ended_by,
    }
