"""Allowances over REST: what a pregnancy entitles to, and the base that fixes an amount."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.settlement.actions.fix_allowance import fix_allowance
from services.settlement.api.office import CLERK, FINANCE, keyed, office, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import entitlement_bytes, entitlements_bytes
from services.settlement.api.shown import EntitlementShown, EntitlementsShown
from services.settlement.api.wire import AllowanceBody, Id
from services.settlement.domain.refusals import Refusal
from services.settlement.store import entitlements
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Key, only, reply
from shared.plumbing.repeats import Answer

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
    request: Request, who: Annotated[Caller, Depends(only(CLERK, FINANCE))], pregnancy: Id
) -> Response:
    """What a pregnancy entitles to: allowance and subsidy, opened by its birth or loss."""
    found = await seen(
        request, who, lambda tx, s: entitlements.of_pregnancy(tx, s.pool_code, pregnancy)
    )
    return reply(Answer(200, entitlements_bytes(found)))
