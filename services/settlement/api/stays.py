"""Stays and visits over REST: admission, lines, discharge, quote."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.actions import add_lines, cancel_lines, cancel_stay, discharge, open_stay
from services.settlement.actions.quote import quote
from services.settlement.actions.reopen_stay import reopen_stay
from services.settlement.actions.scene import Scene
from services.settlement.api.office import (
    HOSPITAL,
    keyed,
    office,
    scene_of,
    seen,
    with_state,
)
from services.settlement.api.outcomes import OfRecord, OutcomeBody, QuoteBody
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import (
    billed_bytes,
    lines_bytes,
    quote_bytes,
    record_bytes,
    stay_bytes,
    stays_bytes,
)
from services.settlement.api.shown import (
    BilledShown,
    LinesShown,
    QuoteShown,
    RecordShown,
    StayShown,
    StaysShown,
)
from services.settlement.api.wire import CancelLinesBody, LinesBody, NoBody, OpenStayBody
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Outcome, Stay
from services.settlement.store import lines as store
from services.settlement.store import settling, stays
from services.settlement.store.lines import StoredLine
from shared.ids import NO_ID
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Key, Whole, desk, only
from shared.plumbing.repeats import Ask
from shared.plumbing.written import Day, Id
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


@router.get("", response_model=StaysShown)
async def of_person(
    request: Request,
    who: Hospital,
    person_ref: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{8,64}$")],
    since: Day | None = None,
    until: Day | None = None,
    after: Id = NO_ID,
    limit: Annotated[Whole, Query(ge=1, le=200)] = 50,
) -> Response:
    """A person's stays and visits in this hospital, by the day of admission."""
    found = await seen(
        request,
        who,
        lambda tx, s: stays.of_person(
            tx, s.pool_code, s.institution_code, person_ref, since=since, until=until, after=after,
            limit=limit,
        ),
    )  # fmt: skip
    further = found[-1].stay_id if len(found) == limit else None
    return Response(stays_bytes(found, further), media_type="application/json")


@router.get("/{stay_id}/lines", response_model=LinesShown)
async def lines_of(
    request: Request,
    stay_id: Id,
    who: Hospital,
    after: Annotated[Whole, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 200,
) -> Response:
    """The bill of a stay, line by line; of a settled one, what was settled."""

    async def look(tx: Connection, scene: Scene) -> list[StoredLine]:
        stay = await _its_stay(tx, scene, stay_id)
        return await store.page(tx, stay, after, limit)

    found = await seen(request, who, look)
    further = found[-1].line_number if len(found) == limit else None
    return Response(lines_bytes(found, further), media_type="application/json")


@router.get("/{stay_id}/record", response_model=RecordShown)
async def record(request: Request, stay_id: Id, who: Hospital) -> Response:
    """What the discharge stated: days, diagnoses, procedures."""
    stay = await seen(request, who, lambda tx, scene: _its_stay(tx, scene, stay_id))
    return Response(record_bytes(stay), media_type="application/json")


async def _its_stay(tx: Connection, scene: Scene, stay_id: UUID) -> Stay:
    stay = await stays.find(tx, scene.pool_code, scene.institution_code, stay_id)
    if stay is None:
        raise problem_of(Refusal.STAY_UNKNOWN)
    return stay


@router.get("/{stay_id}", response_model=StayShown)
async def get(request: Request, stay_id: Id, who: Hospital) -> Response:
    """A stay and its bill so far."""
    stay = await seen(request, who, lambda tx, scene: _its_stay(tx, scene, stay_id))
    return Response(stay_bytes(stay), media_type="application/json")


@router.post("/{stay_id}/lines", status_code=201, response_model=BilledShown)
async def lines(
    request: Request, stay_id: Id, body: LinesBody, who: Hospital, _: Key = None
) -> Response:
    """Upload fee lines in batches, returns of earlier lines among them; all lines of a batch are
    taken, or none. What no catalogue of its day covers is taken as self-paid, with a warning."""
    fee_lines = [line.to_line() for line in body.lines]
    return await keyed(
        request,
        who,
        "add_lines",
        lambda tx, scene: add_lines.add_lines(tx, scene, stay_id, fee_lines),
        lambda billed: (stay_id, billed_bytes(billed)),
    )


@router.post("/{stay_id}/lines:cancel", status_code=201, response_model=StayShown)
async def cancel_lines_(
    request: Request, stay_id: Id, body: CancelLinesBody, who: Hospital, _: Key = None
) -> Response:
    """Cancel fee lines of an open stay; their numbers may be used again."""
    return await keyed(
        request,
        who,
        "cancel_lines",
        lambda tx, scene: cancel_lines.cancel_lines(tx, scene, stay_id, body.named()),
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


@router.post("/{stay_id}/reopen", status_code=201, response_model=StayShown)
async def reopen(
    request: Request, stay_id: Id, who: Hospital, body: NoBody | None = None, _: Key = None
) -> Response:
    """Take back a discharge: the stay is open again, its lines can change, and what the discharge
    stated is gone. A settled stay is reversed first."""
    return await keyed(
        request,
        who,
        "reopen_stay",
        lambda tx, scene: reopen_stay(tx, scene, stay_id),
        lambda stay: (stay.stay_id, stay_bytes(stay)),
    )


@router.post("/{stay_id}/cancel", status_code=201, response_model=StayShown)
async def cancel(
    request: Request, stay_id: Id, who: Hospital, body: NoBody | None = None, _: Key = None
) -> Response:
    """Cancel a stay or visit that was opened by mistake: an open one, whose lines were cancelled
    before. Its number may then be used again."""
    return await keyed(
        request,
        who,
        "cancel_stay",
        lambda tx, scene: cancel_stay.cancel_stay(tx, scene, stay_id),
        lambda stay: (stay.stay_id, stay_bytes(stay)),
    )


@router.post("/{stay_id}/quote", response_model=QuoteShown)
async def quote_(
    request: Request, stay_id: Id, who: Hospital, body: QuoteBody | None = None
) -> Response:
    """What settling would come to now; nothing is stored. Before discharge, state the outcome."""
    here, outcome = office(request), body.to_outcome() if isinstance(body, OfRecord) else None
    quoted = await with_state(
        here,
        await _quoted(request, who, stay_id, outcome),
        lambda: _quoted(request, who, stay_id, outcome),
    )
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
