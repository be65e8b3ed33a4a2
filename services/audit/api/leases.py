"""Who works on a flag: the next of the queue, or this one, for a quarter of an hour."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.audit.actions.lease_flag import let_go, take, take_next
from services.audit.api.families import check_family
from services.audit.api.reviews import Family, Reviewer, found
from services.audit.api.shapes import flag_shape
from services.audit.api.shown import FlagShown
from services.audit.domain.flag import FlagState
from services.audit.domain.rule import RuleBook
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Wire, desk, reply
from shared.plumbing.problems import FORBIDDEN, Problem
from shared.plumbing.repeats import Answer


class NextBody(Wire):
    """Which step the next flag shall wait for, any that the caller may take without it; and of
    which family it shall be, such as `drawn-by-lot`."""

    state: (
        Literal["open", "first_reviewed", "investigating", "second_reviewed", "proposed"] | None
    ) = None
    family: Family | None = None


class LeaseBody(Wire):
    """Whether a supervisor takes the flag over from whoever holds it."""

    take_over: bool = False


def leases_router(book: RuleBook) -> APIRouter:
    """The routes; `book` says which families flags can be of."""
    router = APIRouter(prefix="/audit/v1", tags=["leases"])

    @router.post("/flags:next", response_model=FlagShown)
    async def post_next(request: Request, body: NextBody, who: Reviewer) -> Response:
        """Take the flag with the most money expected that nobody holds and the caller may work
        on."""
        check_family(body.family, book)
        state = FlagState(body.state) if body.state else None
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            flag = await take_next(
                tx, desk(request).clock, who.pool_code, who.client_id, state, body.family
            )
        return reply(Answer(200, orjson.dumps(flag_shape(found(flag), who))))

    @router.post("/flags/{flag_id}/lease", response_model=FlagShown)
    async def post_lease(
        request: Request, flag_id: UUID, body: LeaseBody, who: Reviewer
    ) -> Response:
        """Take this flag, or hold it for another quarter of an hour; asking again does no harm."""
        if body.take_over and who.role != "supervisor":
            raise Problem(FORBIDDEN)
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            flag = await take(
                tx,
                desk(request).clock,
                pool_code=who.pool_code,
                flag_id=flag_id,
                by=who.client_id,
                takes_over=body.take_over,
                request_id=request.state.trace_id,
            )
        return reply(Answer(200, orjson.dumps(flag_shape(found(flag), who))))

    @router.post("/flags/{flag_id}/release", response_model=FlagShown)
    async def post_release(request: Request, flag_id: UUID, who: Reviewer) -> Response:
        """Let go of this flag, for whoever comes next; another's lease stays."""
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            flag = await let_go(tx, pool_code=who.pool_code, flag_id=flag_id, by=who.client_id)
        return reply(Answer(200, orjson.dumps(flag_shape(found(flag), who))))

    return router
