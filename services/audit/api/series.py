"""How institutions' months compare with what was to be expected of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from pydantic import Field

from services.audit.api.reviews import Reviewer
from services.audit.api.series_shown import InstitutionShown, SeriesShown
from services.audit.domain.baseline import Baseline
from services.audit.domain.indicator import Measured
from services.audit.store import baselines, indicators, series_months
from services.audit.store.series_months import Scored
from shared.plumbing.clock import business_day, to_wire
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Whole, desk
from shared.plumbing.problems import NOT_FOUND, Problem

_MONTH = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"
_PLACE = r"^([A-Za-z0-9_.-]{1,64}/(19|20)[0-9]{2}-(0[1-9]|1[0-2]))?$"
_CODE = r"^[A-Za-z0-9_.-]{1,64}$"
_MONTHS_MAX = 1200

Month = Annotated[str, Field(pattern=_MONTH)]
"""A month, `YYYY-MM`."""

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
        shown = sorted({one.month.institution_code for one in found})
        anew = await baselines.of_pool(tx, who.pool_code, shown)
    last = found[-1].month if len(found) == limit else None
    further = f"{last.institution_code}/{last.month}" if last else None
    return {
        "series": [_shape(one) for one in found],
        "baselines": [_baseline(one) for one in anew],
        "next": further,
    }


@router.get("/institutions/{institution_code}", response_model=InstitutionShown)
async def get_institution(
    request: Request,
    institution_code: Annotated[str, PathParameter(pattern=_CODE)],
    who: Reviewer,
) -> dict[str, Any]:
    """One institution: all its months, the indicators of its agreement, and its flags by channel
    or rule family and state."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        months = await series_months.page(
            tx, who.pool_code, institution_code, "1900-01", ("", ""), _MONTHS_MAX
        )
        anew = await baselines.of_pool(tx, who.pool_code, [institution_code])
        measured = await indicators.of_institution(tx, who.pool_code, institution_code)
        profile = await series_months.flags_of(tx, who.pool_code, institution_code)
    if not months and not profile and not measured:
        raise Problem(NOT_FOUND)
    return {
        "institution_code": institution_code,
        "months": [_shape(one) for one in months],
        "baselines": [_baseline(one) for one in anew],
        "indicators": [_indicator(one) for one in measured],
        "flags": [
            {
                "about": told.about, "state": told.state, "flags": told.flags,
                "at_risk": told.at_risk.to_wire(),
            }
            for told in profile
        ],
    }  # fmt: skip


def _indicator(one: Measured) -> dict[str, Any]:
    return {
        "month": one.month, "months": one.months, "indicator": one.indicator, "cases": one.cases,
        "value": f"{one.value:f}", "limit": f"{one.limit:f}", "excess": one.excess.to_wire(),
        "low_volume": one.low_volume, "passed": one.passed,
    }  # fmt: skip


def _baseline(one: Baseline) -> dict[str, Any]:
    return {
        "institution_code": one.institution_code,
        "channel": one.channel,
        "since": one.since,
        "flag_id": str(one.flag_id),
        "reason_code": one.reason_code,
        "by": one.by,
        "approved_by": one.approved_by,
        "decided_on": business_day(one.decided_at).isoformat(),
    }


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
