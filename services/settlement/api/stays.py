"""Stays and visits over REST: admission, lines, discharge, quote."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.settlement.actions import add_lines, discharge, open_stay
from services.settlement.actions.quote import quote
from services.settlement.api.office import (
    ASK_FOR_STATE,
    HOSPITAL,
    keyed,
    office,
    scene_of,
    seen,
    with_state,
)
from services.settlement.api.outcomes import OfRecord, OutcomeBody, QuoteBody
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import quote_bytes, stay_bytes
from services.settlement.api.shown import QuoteShown, StayShown
from services.settlement.api.wire import LinesBody, OpenStayBody
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Outcome
from services.settlement.store import settling, stays
from shared.plumbing.auth import Caller
from shared.plumbing.database import transaction
from shared.plumbing.edge import Key, desk, only
from shared.plumbing.repeats import Ask
from shared.plumbing.written import Id
from shared.policy.shapes import Benefit

router = APIRouter(prefix="/settlement/v1/stays", tags=["stays"])

Hospital = Annotated[Caller, Depends(only(HOSPITAL))]


@router.post("", status_code=201, response_model=StayShown)
async def open_(request: Request, body: OpenStayBody, who: Hospital, _: Key = None) -> Response:
    """Admission, or an outpatient visit: open a stay, of a registered pregnancy but for family
    planning."""
    return await keyed(
        request,
        who,
        "open_stay",
        lambda tx, scene: open_stay.open_stay(
            tx,
            scene,
            stay_number=body.stay_number,
            person_ref=body.person_ref,
            pregnancy_id=body.pregnancy_id,
            admitted_on=body.admitted_on,
            benefit=Benefit(body.benefit),
        ),
        lambda stay: (stay.stay_id, stay_bytes(stay)),
    )


@router.get("/{stay_id}", response_model=StayShown)
async def get(request: Request, stay_id: Id, who: Hospital) -> Response:
    """A stay and its bill so far."""
    stay = await seen(
        request, who, lambda tx, s: stays.find(tx, s.pool_code, s.institution_code, stay_id)
    )
    if stay is None:
        raise problem_of(Refusal.STAY_UNKNOWN)
    return Response(stay_bytes(stay), media_type="application/json")


@router.post("/{stay_id}/lines", status_code=201, response_model=StayShown)
async def lines(
    request: Request, stay_id: Id, body: LinesBody, who: Hospital, _: Key = None
) -> Response:
    """Upload fee lines in batches; all lines of a batch are taken, or none."""
    fee_lines = [line.to_line() for line in body.lines]
    return await keyed(
        request,
        who,
        "add_lines",
        lambda tx, scene: add_lines.add_lines(tx, scene, stay_id, fee_lines),
        lambda stay: (stay.stay_id, stay_bytes(stay)),
    )


@router.post("/{stay_id}/discharge", status_code=201, response_model=StayShown)
async def discharge_(
    request: Request, stay_id: Id, body: OutcomeBody, who: Hospital, _: Key = None
) -> Response:
    """Discharge, or the end of a visit: the outcome, and the bill that the lines sum to."""
    return await keyed(
        request,
        who,
        "discharge",
        lambda tx, scene: discharge.discharge(tx, scene, stay_id, body.to_outcome()),
        lambda stay: (stay.stay_id, stay_bytes(stay)),
    )


@router.post("/{stay_id}/quote", response_model=QuoteShown)
async def quote_(
    request: Request, stay_id: Id, who: Hospital, body: QuoteBody | None = None
) -> Response:
    """What settling would come to now; nothing is stored. Before discharge, state the outcome."""
    here, outcome = office(request), body.to_outcome() if isinstance(body, OfRecord) else None
    quoted = await _quoted(request, who, stay_id, outcome)
    if isinstance(quoted, Refused) and quoted.refusal in ASK_FOR_STATE:
        quoted = await with_state(here, quoted, lambda: _quoted(request, who, stay_id, outcome))
    if isinstance(quoted, Refused):
        raise problem_of(quoted)
    return Response(quote_bytes(quoted), media_type="application/json")


async def _quoted(
    request: Request, who: Caller, stay_id: UUID, outcome: Outcome | None
) -> Settlement | Refused:
    book = office(request).book()
    if book is None:
        return Refused(Refusal.BOOK_MISSING)
    ask = Ask(who.pool_code, who.institution_code, "", "", b"")
    async with transaction(desk(request).pool, [who.institution_code]) as tx:
        (facts,) = await settling.read(
            tx,
            [(ask, stay_id, outcome.discharged_on if outcome else None)],
            in_transaction=True,
        )
    return quote(facts, outcome, book, scene_of(request, who).now)
