"""Pregnancies over REST: registration with a designated institution, transfer, units."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.settlement.actions.register_pregnancy import (
    register_pregnancy,
    transfer_pregnancy,
)
from services.settlement.actions.scene import Scene
from services.settlement.api.office import CLERK, HOSPITAL, keyed, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import pregnancy_bytes, units_bytes
from services.settlement.api.shown import PregnancyShown, UnitsShown
from services.settlement.api.wire import PregnancyBody, TransferBody
from services.settlement.domain.course import Course
from services.settlement.domain.refusals import Refusal
from services.settlement.store import courses, pregnancies
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1/pregnancies", tags=["pregnancies"])

Registrar = Annotated[Caller, Depends(only(HOSPITAL, CLERK))]


@router.post("", status_code=201, response_model=PregnancyShown)
async def register(
    request: Request, body: PregnancyBody, who: Registrar, _: Key = None
) -> Response:
    """Register a pregnancy; a person has one open at a time, over all hospitals."""
    return await keyed(
        request,
        who,
        "register_pregnancy",
        lambda tx, scene: register_pregnancy(
            tx,
            scene,
            person_ref=body.person_ref,
            since=body.since,
            institution_code=body.institution_code,
        ),
        lambda pregnancy: (pregnancy.pregnancy_id, pregnancy_bytes(pregnancy)),
    )


@router.post("/{pregnancy_id}/transfer", status_code=201, response_model=PregnancyShown)
async def transfer(
    request: Request, pregnancy_id: Id, body: TransferBody, who: Registrar, _: Key = None
) -> Response:
    """Designate another institution from now on; a hospital may move a pregnancy from itself or
    to itself only."""
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
