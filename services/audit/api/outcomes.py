"""What reviews came to, for whoever learns from it, and the codes that say why."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.audit.api.outcomes_shown import ReasonsShown, ReviewedShown
from services.audit.domain.reason import REASONS
from services.audit.store import outcomes
from services.audit.store.outcomes import Reviewed
from shared.plumbing.auth import Caller
from shared.plumbing.clock import TIME_ZONE, business_day, to_wire
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Whole, desk, only
from shared.plumbing.problems import MALFORMED, Fault, Problem
from shared.plumbing.written import Day

_EARLIEST = date(2020, 1, 1)

router = APIRouter(prefix="/audit/v1", tags=["outcomes"])


@router.get("/reviews", response_model=ReviewedShown)
async def list_reviews(
    request: Request,
    who: Annotated[Caller, Depends(only("reviewer", "supervisor"))],
    since: Day,
    after: Annotated[str, Query(pattern=r"^([0-9a-f-]{36}/[1-9][0-9]{0,8})?$")] = "",
    limit: Annotated[Whole, Query(ge=1, le=5000)] = 1000,
) -> dict[str, Any]:
    """Decisions since a day, in their order; `next` is the `after` of the next page."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        found = await outcomes.since(tx, who.pool_code, _begin(since), _place(after), limit)
    further = f"{found[-1].flag_id}/{found[-1].decision}" if len(found) == limit else None
    return {"reviews": [_shape(one) for one in found], "next": further}


@router.get("/reasons", response_model=ReasonsShown)
async def list_reasons(
    _: Annotated[Caller, Depends(only("reviewer", "supervisor", "hospital", "operator"))],
) -> dict[str, Any]:
    """Every reason code, with its words and what it says of a suspicion."""
    return {
        "reasons": [
            {"code": code, "verdict": reason.verdict, "title": reason.en, "title_zh": reason.zh}
            for code, reason in REASONS.items()
        ]
    }


def _begin(day: date) -> datetime:
    """The instant at which a day begins here; no review is older than the law it stands on."""
    return datetime.combine(max(day, _EARLIEST), time.min, TIME_ZONE)


def _place(after: str) -> tuple[UUID, int] | None:
    if not after:
        return None
    flag_id, _, number = after.partition("/")
    try:
        return UUID(flag_id), int(number)
    except ValueError:
        raise Problem(MALFORMED, [Fault("/after", "place")]) from None


def _shape(one: Reviewed) -> dict[str, Any]:
    return {
        "flag_id": str(one.flag_id),
        "decision": one.decision,
        "claim_id": str(one.claim_id) if one.claim_id else None,
        "institution_code": one.institution_code,
        "channel": one.channel,
        "month": one.month,
        "outcome": one.verdict,
        "disposal": one.outcome,
        "reason_code": one.reason_code,
        "amount": one.amount.to_wire(),
        "hearing": one.hearing,
        "reviewed_by": one.by,
        "approved_by": one.approved_by,
        "reviewed_on": business_day(one.decided_at).isoformat(),
        "decided_at": to_wire(one.decided_at),
    }
