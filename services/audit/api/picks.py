"""Taking a claim into review that no rule met."""

from __future__ import annotations

from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.audit.actions.pick_claims import pick_claim
from services.audit.api.reviews import Reason, Reviewer, found, time_limits_of
from services.audit.api.shapes import flag_shape
from services.audit.api.shown import FlagShown
from shared.plumbing.database import AGENCY, Connection
from shared.plumbing.edge import Key, Wire, desk, once_per_key
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/audit/v1/claims", tags=["claims"])


class PickBody(Wire):
    """Why the claim is to be looked at."""

    reason: Reason


@router.post("/{claim_id}/pick", status_code=201, response_model=FlagShown)
async def post_pick(
    request: Request, claim_id: Id, body: PickBody, who: Reviewer, _: Key = None
) -> Response:
    """Take a claim into review that no flag is under review on, most often for its score: opens a
    flag of a family of its own, with the reason and the score that it has now."""

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        flag = found(
            await pick_claim(
                tx, desk(request).clock, time_limits_of(request), pool_code=who.pool_code,
                claim_id=claim_id, by=who.client_id, reason=body.reason,
                request_id=request.state.trace_id,
            )
        )  # fmt: skip
        return flag.flag_id, Answer(201, orjson.dumps(flag_shape(flag, who)))

    return await once_per_key(request, who, "pick-claim", [AGENCY], effect)
