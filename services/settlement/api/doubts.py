"""What is doubtful in hospitals' records, over REST."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.api.office import CLERK, HOSPITAL, REVIEWER, seen
from services.settlement.api.shown import IdText, Instant
from services.settlement.api.wire import Code
from services.settlement.domain.doubt import Doubt
from services.settlement.store import doubts
from shared.ids import NO_ID
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.edge import Whole, Wire, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1/doubts", tags=["doubts"])

Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, REVIEWER))]


class DoubtShown(Wire):
    """Something to ask a hospital about; nothing was refused for it. `found` holds codes and
    amounts: what was told, against what was known."""

    doubt_id: IdText
    institution_code: Code
    stay_id: IdText
    kind: Literal[
        "mapped_otherwise", "list_sums_differ", "list_diagnoses_differ", "list_operations_differ",
        "list_newborns_differ",
    ]  # fmt: skip
    found: dict[str, Any]
    noted_at: Instant


class DoubtsShown(Wire):
    """Doubts, oldest first; the next page is after `next`."""

    items: list[DoubtShown]
    next: IdText | None


@router.get("", response_model=DoubtsShown)
async def listed(
    request: Request,
    who: Reader,
    after: Id = NO_ID,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What is doubtful in the records that the caller may see."""
    found = await seen(
        request, who, lambda tx, scene: doubts.page(tx, scene.pool_code, after, limit)
    )
    further = str(found[-1].doubt_id) if len(found) == limit else None
    body = {"items": [_shown(one) for one in found], "next": further}
    return reply(Answer(200, orjson.dumps(body)))


def _shown(one: Doubt) -> dict[str, Any]:
    return {
        "doubt_id": str(one.doubt_id),
        "institution_code": one.institution_code,
        "stay_id": str(one.stay_id),
        "kind": one.kind.value,
        "found": one.found,
        "noted_at": to_wire(one.noted_at),
    }
