"""Limits of the agreements' indicators: asked for by one person, approved by another."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.keep_by_two import Shelf
from services.audit.api.by_two import asked, changed, shape_of
from services.audit.api.by_two_shown import IndicatorLimitShown, IndicatorLimitsShown
from services.audit.api.kept import NoBody, page_of
from services.audit.api.reviews import Reason, Reviewer
from services.audit.api.series import Month
from services.audit.domain.by_two import approved, withdrawn
from services.audit.domain.indicator import Indicator, IndicatorLimit, fitting
from services.audit.store import indicators
from shared.ids import new_id
from shared.plumbing.edge import Key, Whole, Wire, desk
from shared.plumbing.written import Id

Limit = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$")]
_SHELF = Shelf(
    "indicator-limit", indicators.insert, indicators.lock, indicators.lock_standing,
    indicators.update,
)  # fmt: skip

router = APIRouter(prefix="/audit/v1/indicator-limits", tags=["indicator-limits"])


class IndicatorLimitBody(Wire):
    """What an indicator may come to from a month on: a share, or yuan; without a limit there is
    none any more. Without an institution it is meant for all that have none of their own."""

    indicator: Annotated[Indicator, Field(strict=False)]
    institution_code: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] = None
    since: Month
    window_months: Annotated[int, Field(ge=1, le=12)]
    limit: Limit | None = None
    reason: Reason


@router.get("", response_model=IndicatorLimitsShown)
async def list_indicator_limits(
    request: Request,
    who: Reviewer,
    after: UUID | None = None,
    limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Limits of the caller's pool in the order asked for."""
    return await page_of(request, who, indicators.page, _shape, "indicator_limits", after, limit)


@router.post("", status_code=201, response_model=IndicatorLimitShown)
async def ask_indicator_limit(
    request: Request, body: IndicatorLimitBody, who: Reviewer, _: Key = None
) -> Response:
    """Enter what the agreements say; it counts once another person approved it."""
    new = IndicatorLimit(
        pool_code=who.pool_code, id=new_id(), reason=body.reason, by=who.client_id,
        asked_at=desk(request).clock.now(), indicator=body.indicator,
        institution_code=body.institution_code, since=body.since,
        window_months=body.window_months,
        limit=None if body.limit is None else Decimal(body.limit),
    )  # fmt: skip
    return await asked(request, who, _SHELF, fitting(new), _shape)


@router.post("/{id}/approve", response_model=IndicatorLimitShown)
async def approve_indicator_limit(
    request: Request, id: Id, body: NoBody, who: Reviewer, _: Key = None
) -> Response:
    """Approve it as another person; the next run of the watch holds institutions to it. It stands
    instead of the one that counted for the same place and month."""
    return await changed(request, who, _SHELF, id, approved, "approved", _shape)


@router.post("/{id}/end", response_model=IndicatorLimitShown)
async def end_indicator_limit(
    request: Request, id: Id, body: NoBody, who: Reviewer, _: Key = None
) -> Response:
    """Take it back while it waits. One that stands is corrected by a new one of the same place
    and month, by two people; a new one without a `limit` takes it away."""
    return await changed(request, who, _SHELF, id, withdrawn, "ended", _shape)


def _shape(one: IndicatorLimit) -> dict[str, Any]:
    return shape_of(one) | {
        "indicator": one.indicator,
        "institution_code": one.institution_code,
        "since": one.since,
        "window_months": one.window_months,
        "limit": None if one.limit is None else f"{one.limit:f}",
    }
