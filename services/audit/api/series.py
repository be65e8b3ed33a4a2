"""How institutions' months compare with what was to be expected of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter

from services.audit.api.reviews import Reviewer
from services.audit.api.series_shown import InstitutionShown, SeriesShown
from services.audit.store import series_months
from services.audit.store.series_months import Scored
from shared.plumbing.clock import to_wire
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Whole, desk
from shared.plumbing.problems import NOT_FOUND, Problem

_MONTH = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"
_PLACE = r"^([A-Za-z0-9_.-]{1,64}/(19|20)[0-9]{2}-(0[1-9]|1[0-2]))?$"
_CODE = r"^[A-Za-z0-9_.-]{1,64}$"
_MONTHS_MAX = 1200

router = APIRouter(prefix="/audit/v1", tags=["series"])


@router.get("/series", response_model=SeriesShown)
async def list_series(
    request: Request,
    who: Reviewer,
    institution: Annotated[str | None, Query(pattern=_CODE)] = None,
    since: Annotated[str, Query(pattern=_MONTH)] = "1900-01",
    after: Annotated[str, Query(pattern=_PLACE)] = "",
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Months of the pool's institutions as last scored; `next` is the `after` of the next page."""
    code, _, month = after.partition("/")
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        found = await series_months.page(
            tx, who.pool_code, institution, since, (code, month), limit
        )
    last = found[-1].month if len(found) == limit else None
    further = f"{last.institution_code}/{last.month}" if last else None
    return {"series": [_shape(one) for one in found], "next": further}


@router.get("/institutions/{institution_code}", response_model=InstitutionShown)
async def get_institution(
    request: Request,
    institution_code: Annotated[str, PathParameter(pattern=_CODE)],
    who: Reviewer,
) -> dict[str, Any]:
    """One institution: all its months, and its flags by channel or rule family and state."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        months = await series_months.page(
            tx, who.pool_code, institution_code, "1900-01", ("", ""), _MONTHS_MAX
        )
        profile = await series_months.flags_of(tx, who.pool_code, institution_code)
    if not months and not profile:
        raise Problem(NOT_FOUND)
    return {
        "institution_code": institution_code,
        "months": [_shape(one) for one in months],
        "flags": [
            {
                "about": told.about, "state": told.state, "flags": told.flags,
                "at_risk": told.at_risk.to_wire(),
            }
            for told in profile
        ],
    }  # fmt: skip


def _shape(one: Scored) -> dict[str, Any]:
    month, loudest = one.month, one.month.loudest
    return {
        "institution_code": month.institution_code,
        "month": month.month,
        "claims": month.claims,
        "score": str(month.score),
        "channel": loudest.channel if loudest else None,
        "window_months": loudest.window_months if loudest else None,
        "cases": loudest.cases if loudest else None,
        "expected": loudest.expected.to_wire() if loudest else None,
        "actual": loudest.actual.to_wire() if loudest else None,
        "explanation": month.reason.en,
        "explanation_zh": month.reason.zh,
        "channels": {
            name: {
                "value": str(told.value), "own": str(told.own), "cases": told.cases,
                "score": None if told.score is None else str(told.score),
            }
            for name, told in month.channels.items()
        },
        "features": one.versions.features,
        "model": one.versions.model,
        "scored_at": to_wire(one.scored_at),
    }  # fmt: skip
