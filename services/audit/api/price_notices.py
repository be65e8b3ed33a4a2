"""Price notices: asked for by one person, approved by another, read by the watch."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.keep_by_two import Shelf
from services.audit.api.by_two import asked, changed, shape_of
from services.audit.api.by_two_shown import PriceNoticeShown, PriceNoticesShown
from services.audit.api.kept import NoBody, page_of
from services.audit.api.reviews import Reason, Reviewer
from services.audit.api.series import Month
from services.audit.domain.by_two import approved
from services.audit.domain.price_notice import PriceNotice, taken_back
from services.audit.store import price_notices
from shared.ids import new_id
from shared.plumbing.edge import Key, Whole, Wire, desk
from shared.plumbing.written import Id

Region = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Share = Annotated[str, Field(pattern=r"^(-0|[0-9])\.[0-9]{1,4}$")]
_SHELF = Shelf(
    "price-notice", price_notices.insert, price_notices.lock, price_notices.lock_standing,
    price_notices.update,
)  # fmt: skip

router = APIRouter(prefix="/audit/v1/price-notices", tags=["price-notices"])


class PriceNoticeBody(Wire):
    """From a month on prices in a county changed by a share, and which document says so."""

    region: Region
    month: Month
    change: Share
    reason: Reason


@router.get("", response_model=PriceNoticesShown)
async def list_price_notices(
    request: Request,
    who: Reviewer,
    after: UUID | None = None,
    limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Price notices of the caller's pool in the order asked for."""
    return await page_of(request, who, price_notices.page, _shape, "price_notices", after, limit)


@router.post("", status_code=201, response_model=PriceNoticeShown)
async def ask_price_notice(
    request: Request, body: PriceNoticeBody, who: Reviewer, _: Key = None
) -> Response:
    """Post a change of prices; it counts once another person approved it."""
    new = PriceNotice(
        pool_code=who.pool_code, id=new_id(), reason=body.reason, by=who.client_id,
        asked_at=desk(request).clock.now(), region=body.region, month=body.month,
        change=Decimal(body.change),
    )  # fmt: skip
    return await asked(request, who, _SHELF, new, _shape)


@router.post("/{id}/approve", response_model=PriceNoticeShown)
async def approve_price_notice(
    request: Request, id: Id, body: NoBody, who: Reviewer, _: Key = None
) -> Response:
    """Approve it as another person; the next run of the watch subtracts it. It stands instead of
    the notice that counted for the same county and month."""
    return await changed(request, who, _SHELF, id, approved, "approved", _shape)


@router.post("/{id}/end", response_model=PriceNoticeShown)
async def end_price_notice(
    request: Request, id: Id, body: NoBody, who: Reviewer, _: Key = None
) -> Response:
    """Take it back; the next run of the watch no longer subtracts it. What two people said of
    lower prices stands, as less growth would be seen without it: two people correct it by a new
    notice of the same county and month, with a `change` of 0.00 where prices did not change."""
    return await changed(request, who, _SHELF, id, taken_back, "ended", _shape)


def _shape(one: PriceNotice) -> dict[str, Any]:
    told = {"region": one.region, "month": one.month, "change": f"{one.change:f}"}
    return shape_of(one) | told
