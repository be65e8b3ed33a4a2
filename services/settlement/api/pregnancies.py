"""Pregnancies over REST: registration with a designated institution, looking one up, correcting and
cancelling it, transfer, units."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.actions.correct_pregnancy import cancel_pregnancy, correct_pregnancy
from services.settlement.actions.register_pregnancy import (
    register_pregnancy,
    transfer_pregnancy,
)
from services.settlement.actions.scene import Scene
from services.settlement.api.office import (
    CLERK,
    HOSPITAL,
    callers_of,
    fetch_state,
    keyed,
    office,
    seen,
)
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import (
    known_pregnancies_bytes,
    known_pregnancy_bytes,
    pregnancy_bytes,
    units_bytes,
)
from services.settlement.api.shown import (
    KnownPregnanciesShown,
    KnownPregnancyShown,
    PregnancyShown,
    UnitsShown,
)
from services.settlement.api.wire import NoBody, PersonRef, PregnancyBody, SinceBody, TransferBody
from services.settlement.domain.course import Course
from services.settlement.domain.pregnancy import KnownPregnancy, known_to
from services.settlement.domain.refusals import Refusal
from services.settlement.store import courses, person_states, pregnancies
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Key, Whole, ask_of, desk, only, reply
from shared.plumbing.repeats import Answer, kept_with
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1/pregnancies", tags=["pregnancies"])

Registrar = Annotated[Caller, Depends(only(HOSPITAL, CLERK))]
_REGISTER = "register_pregnancy"


@router.post("", status_code=201, response_model=PregnancyShown)
async def register(
    request: Request, body: PregnancyBody, who: Registrar, _: Key = None
) -> Response:
    """Register a pregnancy with an institution that has an agreement today; a person, whom the
    insurance must know, has one open at a time, over all hospitals."""
    await _told_of(request, who, body.person_ref)
    return await keyed(
        request,
        who,
        _REGISTER,
        lambda tx, scene: register_pregnancy(
            tx,
            scene,
            person_ref=body.person_ref,
            since=body.since,
            institution_code=body.institution_code,
        ),
        lambda pregnancy: (pregnancy.pregnancy_id, pregnancy_bytes(pregnancy)),
    )


async def _told_of(request: Request, who: Caller, person_ref: str) -> None:
    """Ask enrollment for a person of whom no event told yet. What was answered under the key before
    gets its answer, whatever became of her since. Raises Problem."""
    async with transaction(desk(request).pool, callers_of(who)) as tx:
        if await kept_with(tx, ask_of(request, who, _REGISTER)) is not None:
            return
        if await person_states.find(tx, person_ref) is not None:
            return
    failed = await fetch_state(office(request), person_ref)
    if failed is not None:
        raise problem_of(failed)


@router.get("", response_model=KnownPregnanciesShown)
async def of_person(
    request: Request,
    who: Registrar,
    person_ref: Annotated[PersonRef, Query()],
    limit: Annotated[Whole, Query(ge=1, le=100)] = 20,
) -> Response:
    """A person's pregnancies in the pool, whoever registered them, the latest first. Whom one is
    entrusted to is told to that hospital and to the agency's staff; cancelled ones are left out."""

    async def look(tx: Connection, scene: Scene) -> list[KnownPregnancy]:
        found = await pregnancies.all_of_person(tx, scene.pool_code, person_ref, limit)
        return [known_to(scene.institution_code, one, made) for one, made in found]

    return reply(Answer(200, known_pregnancies_bytes(await seen(request, who, look))))


@router.post("/{pregnancy_id}/correct", status_code=201, response_model=KnownPregnancyShown)
async def correct(
    request: Request, pregnancy_id: Id, body: SinceBody, who: Registrar, _: Key = None
) -> Response:
    """Correct the day since when a pregnancy is registered, while nothing is settled under it; by
    the hospital that it is entrusted to or that registered it, or by the agency's staff."""
    return await keyed(
        request,
        who,
        "correct_pregnancy",
        lambda tx, scene: correct_pregnancy(tx, scene, pregnancy_id, body.since),
        lambda known: (known.pregnancy_id, known_pregnancy_bytes(known)),
    )


@router.post("/{pregnancy_id}/cancel", status_code=201, response_model=KnownPregnancyShown)
async def cancel(
    request: Request, pregnancy_id: Id, who: Registrar, body: NoBody | None = None, _: Key = None
) -> Response:
    """Cancel a pregnancy that was registered by mistake, of which no stay or visit is that was not
    cancelled; by the same who may correct it. The person can be registered anew at once."""
    return await keyed(
        request,
        who,
        "cancel_pregnancy",
        lambda tx, scene: cancel_pregnancy(tx, scene, pregnancy_id),
        lambda known: (known.pregnancy_id, known_pregnancy_bytes(known)),
    )


@router.post("/{pregnancy_id}/transfer", status_code=201, response_model=PregnancyShown)
async def transfer(
    request: Request, pregnancy_id: Id, body: TransferBody, who: Registrar, _: Key = None
) -> Response:
    """Designate another institution from now on, while the pregnancy runs; a hospital may move one
    from itself or to itself only."""
    return await keyed(
        request,
        who,
        "transfer_pregnancy",
        lambda tx, scene: transfer_pregnancy(
            tx, scene, pregnancy_id, body.institution_code, body.since
        ),
        lambda pregnancy: (pregnancy.pregnancy_id, pregnancy_bytes(pregnancy)),
    )


@router.get("/{pregnancy_id}/units", response_model=UnitsShown)
async def units(request: Request, pregnancy_id: Id, who: Registrar) -> Response:
    """What the pregnancy's limits have left, whoever used them; unused units are not shown."""

    async def look(tx: Connection, scene: Scene) -> Course | None:
        if await pregnancies.find(tx, scene.pool_code, pregnancy_id) is None:
            return None
        return Course(entries=await courses.entries(tx, scene.pool_code, pregnancy_id))

    course = await seen(request, who, look)
    if course is None:
        raise problem_of(Refusal.PREGNANCY_UNKNOWN)
    return reply(Answer(200, units_bytes(pregnancy_id, course.states())))
