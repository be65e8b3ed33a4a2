"""What the agency's own people do: agreements, policy book, closing, deductions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import orjson
import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from services.settlement.actions.appoint_book import approve_book, propose_book
from services.settlement.actions.close_period import close_period
from services.settlement.actions.make_agreement import end_agreement, make_agreement
from services.settlement.actions.scene import Scene
from services.settlement.api.agency_shown import (
    AgreementEnded,
    AgreementMade,
    AgreementsShown,
    BookApproved,
    BookProposed,
    DeductionsShown,
    PeriodClosed,
)
from services.settlement.api.office import CLERK, FINANCE, HOSPITAL, keyed, office, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import deduction_item
from services.settlement.api.wire import (
    AgreementBody,
    AgreementPlace,
    EndBody,
    NoBody,
    PeriodBody,
    agreement_place,
)
from services.settlement.domain.agreement import Agreement
from services.settlement.domain.refusals import Refusal
from services.settlement.store import agreements, ledger
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Whole, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id
from shared.policy.faults import PolicyFaults

log = structlog.get_logger()

router = APIRouter(prefix="/settlement/v1", tags=["agency"])

Clerk = Annotated[Caller, Depends(only(CLERK))]
Finance = Annotated[Caller, Depends(only(FINANCE))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, FINANCE))]


@router.post("/agreements", status_code=201, response_model=AgreementMade)
async def agree(request: Request, body: AgreementBody, who: Clerk, _: Key = None) -> Response:
    """Put an agreement with a hospital in force for a period."""
    agreement = Agreement(body.institution_code, body.level)
    return await keyed(
        request,
        who,
        "make_agreement",
        lambda tx, scene: make_agreement(tx, scene, agreement, body.start, body.end),
        lambda made: (
            new_id(),
            orjson.dumps({"institution_code": made.institution_code, "level": made.level}),
        ),
    )


@router.get("/agreements", response_model=AgreementsShown)
async def agreed(
    request: Request,
    who: Reader,
    after: AgreementPlace | None = None,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Agreements that the caller may see."""
    place = agreement_place(after) if after else ("", date.min)
    rows = await seen(
        request, who, lambda tx, scene: agreements.agreements(tx, scene.pool_code, place, limit)
    )
    items = [
        {
            "institution_code": code,
            "level": level,
            "start": start.isoformat(),
            "end": end.isoformat() if end else None,
        }
        for code, level, start, end in rows
    ]
    further = f"{rows[-1][0]}/{rows[-1][2]}" if len(rows) == limit else None
    return reply(Answer(200, orjson.dumps({"items": items, "next": further})))


@router.post("/agreements/{institution_code}/end", status_code=201, response_model=AgreementEnded)
async def end_agreement_early(
    request: Request,
    institution_code: Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")],
    body: EndBody,
    who: Clerk,
    _: Key = None,
) -> Response:
    """End an agreement before its time: the one in force on the day before. What was settled under
    it stands."""
    return await keyed(
        request,
        who,
        "end_agreement",
        lambda tx, scene: end_agreement(tx, scene, institution_code, body.end),
        lambda start: (
            new_id(),
            orjson.dumps(
                {
                    "institution_code": institution_code,
                    "start": start.isoformat(),
                    "end": body.end.isoformat(),
                }
            ),
        ),
    )


@router.post("/books", status_code=201, response_model=BookProposed)
async def propose(
    request: Request, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Compile the built-in policy book and propose it; another person approves."""
    try:
        book = office(request).compile_built_in()
    except PolicyFaults as faults:
        log.error("the built-in book is not admitted", faults=str(faults))
        raise problem_of(Refusal.BOOK_NOT_ADMITTED) from None

    async def act(tx: Connection, scene: Scene) -> int | Refusal:
        return await propose_book(tx, scene, book)

    return await keyed(
        request,
        who,
        "propose_book",
        act,
        lambda number: (new_id(), orjson.dumps({"proposal": number, "book": book.hash})),
    )


@router.post("/books/{proposal}/approve", status_code=201, response_model=BookApproved)
async def approve(
    request: Request,
    proposal: Annotated[Whole, Path(ge=1, le=2**31)],
    who: Clerk,
    body: NoBody | None = None,
    _: Key = None,
) -> Response:
    """Approve a proposed book; it is current two seconds later."""
    return await keyed(
        request,
        who,
        "approve_book",
        lambda tx, scene: approve_book(tx, scene, proposal),
        lambda book_hash: (new_id(), orjson.dumps({"book": book_hash})),
    )


@router.post("/periods", status_code=201, response_model=PeriodClosed)
async def close(request: Request, body: PeriodBody, who: Finance, _: Key = None) -> Response:
    """Close a month that is over, and keep each account's movement."""
    return await keyed(
        request,
        who,
        "close_period",
        lambda tx, scene: close_period(tx, scene, body.to_month()),
        lambda month: (new_id(), orjson.dumps({"month": str(month)})),
    )


@router.get("/deductions", response_model=DeductionsShown)
async def waiting_deductions(
    request: Request,
    who: Reader,
    state: Literal["pending", "cancelled", "released"] = "pending",
    after: Id | None = None,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What waits to be taken back, was cancelled by a reversal, or released by a later decision."""
    found = await seen(
        request, who, lambda tx, scene: ledger.deductions(tx, scene.pool_code, state, after, limit)
    )
    body = {
        "items": [deduction_item(deduction) for deduction in found],
        "next": str(found[-1].deduction_id) if len(found) == limit else None,
    }
    return reply(Answer(200, orjson.dumps(body)))
