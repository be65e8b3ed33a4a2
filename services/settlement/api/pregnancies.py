"""Pregnancies over REST: registration with a designated institution, and transfer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.settlement.actions.register_pregnancy import (
    register_pregnancy,
    transfer_pregnancy,
)
from services.settlement.api.office import CLERK, HOSPITAL, keyed
from services.settlement.api.render import pregnancy_bytes
from services.settlement.api.shown import PregnancyShown
from services.settlement.api.wire import Id, PregnancyBody, TransferBody
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Key, only

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
    """Designate another institution from now on."""
    return await keyed(
        request,
        who,
        "transfer_pregnancy",
        lambda tx, scene: transfer_pregnancy(tx, scene, pregnancy_id, body.institution_code),
        lambda pregnancy: (pregnancy.pregnancy_id, pregnancy_bytes(pregnancy)),
    )
