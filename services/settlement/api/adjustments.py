"""Late documents and corrected states: pricing again, and deciding on what that proposes."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.actions.decide_adjustment import reject_adjustment, release_adjustment
from services.settlement.actions.reconsider import Range, Reconsideration, reconsider
from services.settlement.api.office import CLERK, FINANCE, HOSPITAL, keyed, office, seen
from services.settlement.api.refusals import KINDS
from services.settlement.api.render import adjustment_item
from services.settlement.api.shown import AdjustmentShown, AdjustmentsShown, ReconsiderationShown
from services.settlement.api.wire import NoBody, ReconsiderBody
from services.settlement.store import adjustments
from shared.ids import NO_ID
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Key, Whole, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1", tags=["adjustments"])

Clerk = Annotated[Caller, Depends(only(CLERK))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, FINANCE))]


@router.post("/reconsiderations", status_code=201, response_model=ReconsiderationShown)
async def reconsider_(
    request: Request, body: ReconsiderBody, who: Clerk, _: Key = None
) -> Response:
    """Price the pool's settlements again by the current book and today's knowledge, 500 at a time.

    Nothing of a settlement changes: what differs is proposed, for another person to release.
    """
    which = Range(body.since, body.until, body.person_ref or "", body.after or NO_ID)
    book = office(request).book()
    return await keyed(
        request,
        who,
        "reconsider",
        lambda tx, scene: reconsider(tx, scene, book, which),
        lambda done: (done.reconsideration_id, _rendered(done)),
    )


@router.get("/adjustments", response_model=AdjustmentsShown)
async def adjusted(
    request: Request,
    who: Reader,
    state: Literal["proposed", "released", "rejected", "withdrawn"] = "proposed",
    after: Id = NO_ID,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Adjustments in one state that the caller may see, oldest first."""
    found = await seen(
        request,
        who,
        lambda tx, scene: adjustments.in_state(tx, scene.pool_code, state, after, limit),
    )
    body = {
        "items": [adjustment_item(a, whole=who.role != HOSPITAL) for a in found],
        "next": str(found[-1].adjustment_id) if len(found) == limit else None,
    }
    return reply(Answer(200, orjson.dumps(body)))


@router.post(
    "/adjustments/{adjustment_id}/release", status_code=201, response_model=AdjustmentShown
)
async def release(
    request: Request, adjustment_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Release what another person proposed: it is posted in this month, and told."""
    return await keyed(
        request,
        who,
        "release_adjustment",
        lambda tx, scene: release_adjustment(tx, scene, adjustment_id),
        lambda released: (adjustment_id, orjson.dumps(adjustment_item(released, whole=True))),
    )


@router.post("/adjustments/{adjustment_id}/reject", status_code=201, response_model=AdjustmentShown)
async def reject(
    request: Request, adjustment_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Reject what another person proposed: it is not proposed again for the same cause."""
    return await keyed(
        request,
        who,
        "reject_adjustment",
        lambda tx, scene: reject_adjustment(tx, scene, adjustment_id),
        lambda rejected: (adjustment_id, orjson.dumps(adjustment_item(rejected, whole=True))),
    )


def _rendered(done: Reconsideration) -> bytes:
    return orjson.dumps(
        {
            "reconsideration_id": str(done.reconsideration_id),
            "looked_at": done.looked_at,
            "proposed": [str(a.adjustment_id) for a in done.proposed],
            "withdrawn": done.withdrawn,
            "refused": [
                {"settlement_id": str(settlement_id), "code": KINDS[refusal].code}
                for settlement_id, refusal in done.refused
            ],
            "next": str(done.after) if done.after else None,
        }
    )
