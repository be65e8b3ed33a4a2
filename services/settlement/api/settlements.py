"""Settlements over REST: what became of a stay, its explanation, its reversal."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.settlement.actions.reverse import reverse
from services.settlement.actions.scene import Scene
from services.settlement.api.explanation import (
    explain,
    explain_reversal,
    explain_settlement,
)
from services.settlement.api.office import CLERK, FINANCE, HOSPITAL, keyed, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import (
    Present,
    desk_shown,
    settlement_bytes,
    settlements_bytes,
)
from services.settlement.api.shown import (
    ExplanationShown,
    SettlementNow,
    SettlementShown,
    SettlementsShown,
)
from services.settlement.api.wire import NoBody
from services.settlement.domain.adjustment import released_of
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.steps import Step
from services.settlement.store import adjustments, ledger
from shared.ids import NO_ID
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Whole, only, reply
from shared.plumbing.problems import MALFORMED, Fault, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1/settlements", tags=["settlements"])

Hospital = Annotated[Caller, Depends(only(HOSPITAL))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, FINANCE))]


@router.get("", response_model=SettlementsShown)
async def of_stay(
    request: Request,
    who: Reader,
    institution: Annotated[str, Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$")],
    stay: Id | None = None,
    person_ref: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9-]{8,64}$")] = None,
    after: Id = NO_ID,
    limit: Annotated[Whole, Query(ge=1, le=200)] = 50,
) -> Response:
    """What became of a stay, or of all of a person's in an institution: settlements and reversals,
    oldest first."""
    if (stay is None) == (person_ref is None):
        raise Problem(MALFORMED, [Fault("", "stay-or-person")])

    async def look(tx: Connection, scene: Scene) -> list[tuple[Settlement, Present | None]]:
        if stay is not None:
            found = await ledger.of_stay(tx, scene.pool_code, institution, stay, after, limit)
        else:
            found = await ledger.of_person(
                tx, scene.pool_code, institution, person_ref or "", after, limit
            )
        return [(s, await _present(tx, s)) for s in found]

    found = await seen(request, who, look)
    further = found[-1][0].settlement_id if len(found) == limit else None
    return reply(Answer(200, settlements_bytes(found, further)))


@router.get("/{settlement_id}", response_model=SettlementNow | SettlementShown)
async def get(request: Request, settlement_id: Id, who: Reader) -> Response:
    """A settlement with its present state and the released adjustments beside it."""
    settlement, present = await _find(request, who, settlement_id)
    return reply(Answer(200, settlement_bytes(settlement, present)))


@router.get("/{settlement_id}/explanation", response_model=ExplanationShown)
async def explanation(request: Request, settlement_id: Id, who: Reader) -> Response:
    """What the receipt shows, what clearing makes of it, and every step in sentences, Chinese and
    English, rendered from the stored amounts and steps alone."""
    settlement, present = await _find(request, who, settlement_id)
    told = explain_reversal if settlement.reverses else explain_settlement
    steps = _steps(settlement.steps)
    body = {
        "settlement_id": str(settlement_id),
        "desk": desk_shown(settlement.shares),
        "zh": told(settlement.shares, steps, "zh"),
        "en": told(settlement.shares, steps, "en"),
        "adjustments": [
            {"adjustment_id": str(a.adjustment_id), **_explained(a.steps)}
            for a in (present.released if present else ())
        ],
    }
    return reply(Answer(200, orjson.dumps(body)))


@router.post("/{settlement_id}/reverse", status_code=201, response_model=SettlementShown)
async def reverse_(
    request: Request, settlement_id: Id, who: Hospital, body: NoBody | None = None, _: Key = None
) -> Response:
    """Undo a settlement by exact negatives; the stay may then be settled again, with a new key."""
    return await keyed(
        request,
        who,
        "reverse",
        lambda tx, scene: reverse(tx, scene, settlement_id),
        lambda reversal: (reversal.settlement_id, settlement_bytes(reversal)),
    )


def _steps(stored: str) -> list[Step]:
    return [Step.from_stored(step) for step in orjson.loads(stored)]


def _explained(stored: str) -> dict[str, list[str]]:
    steps = _steps(stored)
    return {"zh": explain(steps, "zh"), "en": explain(steps, "en")}


async def _find(
    request: Request, who: Caller, settlement_id: Id
) -> tuple[Settlement, Present | None]:
    async def look(tx: Connection, scene: Scene) -> tuple[Settlement, Present | None] | None:
        settlement = await ledger.find(tx, scene.pool_code, settlement_id)
        return (settlement, await _present(tx, settlement)) if settlement else None

    found = await seen(request, who, look)
    if found is None:
        raise problem_of(Refusal.SETTLEMENT_UNKNOWN)
    return found


async def _present(tx: Connection, settlement: Settlement) -> Present | None:
    pool_code, settlement_id = settlement.pool_code, settlement.settlement_id
    head = await ledger.claim_head(tx, pool_code, settlement_id)
    if head is None:
        return None
    beside = await adjustments.of_claims(tx, pool_code, [settlement_id])
    return Present(head[0], released_of(beside.get(settlement_id, ())))
