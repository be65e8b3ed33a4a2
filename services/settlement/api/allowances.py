"""Allowances over REST: what births and surgeries entitle to, and the base that fixes an amount."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.actions.fix_allowance import fix_allowance
from services.settlement.api.office import CLERK, FINANCE, keyed, office, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import entitlement_bytes, entitlements_bytes
from services.settlement.api.shown import EntitlementShown, EntitlementsShown
from services.settlement.api.wire import AllowanceBody
from services.settlement.domain.refusals import Refusal
from services.settlement.store import entitlements
from shared.ids import NO_ID
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Key, Whole, only, reply
from shared.plumbing.problems import MALFORMED, Fault, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1/allowances", tags=["allowances"])


@router.post("", status_code=201, response_model=EntitlementShown)
async def fix(
    request: Request, body: AllowanceBody, who: Annotated[Caller, Depends(only(CLERK))],
    _: Key = None,
) -> Response:  # fmt: skip
    """State the base of an open allowance: its amount is counted, and stands."""
    book = office(request).book()
    if book is None:
        raise problem_of(Refusal.BOOK_MISSING)
    return await keyed(
        request,
        who,
        "fix_allowance",
        lambda tx, scene: fix_allowance(tx, scene, body.entitlement_id, body.to_base(), book),
        lambda one: (one.entitlement_id, entitlement_bytes(one)),
    )


@router.get("", response_model=EntitlementsShown)
async def of_pregnancy(
    request: Request,
    who: Annotated[Caller, Depends(only(CLERK, FINANCE))],
    pregnancy: Id | None = None,
    settlement: Id | None = None,
    state: Literal["opened", "deferred", "withdrawn", "fixed"] | None = None,
    after: Id | None = None,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What a pregnancy or a settlement (also a surgery's) entitles to, or all in one state: one of
    the three is named. `next` is the `after` of the next page."""
    found_by, sought = _sought(pregnancy, settlement, state)
    found = await seen(
        request,
        who,
        lambda tx, s: entitlements.page(tx, s.pool_code, found_by, sought, after or NO_ID, limit),
    )
    further = found[-1].entitlement_id if len(found) == limit else None
    return reply(Answer(200, entitlements_bytes(found, further)))


def _sought(
    pregnancy: UUID | None, settlement: UUID | None, state: str | None
) -> tuple[entitlements.FoundBy, UUID | str]:
    """The one thing that is asked by. Raises Problem unless it is one."""
    match pregnancy, settlement, state:
        case UUID(), None, None:
            return "pregnancy_id", pregnancy
        case None, UUID(), None:
            return "settlement_id", settlement
        case None, None, str():
            return "state", state
    raise Problem(MALFORMED, [Fault("", "one-of-pregnancy-settlement-state")])
