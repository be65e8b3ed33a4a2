"""Coverage gaps: who of the universal enrolment list is not insured."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.enrollment.actions.find_gaps import find_gaps
from services.enrollment.api.office import Clerk, acting, show
from services.enrollment.api.refusals import problem_of
from services.enrollment.api.wire import Day, EmployerRef, IdNumberText
from services.enrollment.domain.refusals import Refused
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Wire, desk

router = APIRouter(prefix="/enrollment/v1", tags=["coverage"])

_ITEMS_MOST = 1000


class Listed(Wire):
    """One person of the universal enrolment list, with the employer named there."""

    id_number: IdNumberText
    employer_ref: EmployerRef | None = None


class ListBody(Wire):
    """A part of the list, to be looked at on a day; today when none is named."""

    items: Annotated[list[Listed], Field(min_length=1, max_length=_ITEMS_MOST)]
    on: Day | None = None


class GapShown(Wire):
    """Somebody who is not insured: `item` is the place in the list asked, from 0."""

    item: int
    id_number: str
    employer_ref: str | None


class GapsShown(Wire):
    """Who of the list is not insured on the day."""

    on: str
    asked: int
    gaps: list[GapShown]


@router.post("/coverage-gaps", response_model=GapsShown)
async def post_coverage_gaps(request: Request, who: Clerk, body: ListBody) -> Response:
    """Find who of a list is not insured. Of the list nothing is stored."""
    doing = acting(request, who)
    on = body.on or doing.today
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        gaps = await find_gaps(tx, doing, [item.id_number for item in body.items], on)
        if isinstance(gaps, Refused):
            raise problem_of(gaps)
    return show(
        GapsShown(
            on=on.isoformat(),
            asked=len(body.items),
            gaps=[
                GapShown(
                    item=gap.item,
                    id_number=gap.id_number.masked(),
                    employer_ref=body.items[gap.item].employer_ref,
                )
                for gap in gaps
            ],
        )
    )
