"""Hospitals' own codes over REST: mapped to the catalogue by them, reviewed by the agency."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from services.settlement.actions.map_item import bring_mapping_to, propose_mapping
from services.settlement.api.office import CLERK, HOSPITAL, keyed, seen
from services.settlement.api.shown import DayText, IdText, Instant
from services.settlement.api.wire import Code, NoBody, OwnCode
from services.settlement.domain.mapping import Mapping, MappingState
from services.settlement.store import mappings
from shared.ids import NO_ID
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.edge import Key, Line, Whole, Wire, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Day, Id

router = APIRouter(prefix="/settlement/v1/item-mappings", tags=["mappings"])

Hospital = Annotated[Caller, Depends(only(HOSPITAL))]
Clerk = Annotated[Caller, Depends(only(CLERK))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK))]
StateText = Literal["proposed", "approved", "rejected", "revoked"]


class MappingBody(Wire):
    """One of the hospital's own codes, and the item of the catalogue that it stands for."""

    own_code: OwnCode
    own_name: Annotated[Line, Field(max_length=200)]
    item_code: Code
    start: Day | None = None
    end: Day | None = None

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise amiss("ends-before-it-begins")
        return self


class MappingShown(Wire):
    """A mapping, and what became of it. Lines that name no item are read by it, from `start` until
    (exclusive) `end`, once it is approved."""

    mapping_id: IdText
    institution_code: Code
    own_code: Code
    own_name: str
    item_code: Code
    state: StateText
    proposed_at: Instant
    changed_at: Instant
    start: DayText
    end: DayText | None


class MappingsShown(Wire):
    """Mappings in one state, oldest first; the next page is after `next`."""

    items: list[MappingShown]
    next: IdText | None


@router.post("", status_code=201, response_model=MappingShown)
async def propose_(request: Request, body: MappingBody, who: Hospital, _: Key = None) -> Response:
    """Map one of the hospital's codes to an item of the catalogue; the agency reviews it."""
    return await keyed(
        request,
        who,
        "propose_mapping",
        lambda tx, scene: propose_mapping(
            tx, scene, body.own_code, body.own_name, body.item_code, body.start, body.end
        ),
        lambda one: (one.mapping_id, orjson.dumps(_shown(one))),
    )


@router.get("", response_model=MappingsShown)
async def listed(
    request: Request,
    who: Reader,
    state: StateText = "approved",
    after: Id = NO_ID,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Mappings that the caller may see."""
    found = await seen(
        request, who, lambda tx, scene: mappings.page(tx, scene.pool_code, state, after, limit)
    )
    further = str(found[-1].mapping_id) if len(found) == limit else None
    body = {"items": [_shown(one) for one in found], "next": further}
    return reply(Answer(200, orjson.dumps(body)))


@router.post("/{mapping_id}/approve", status_code=201, response_model=MappingShown)
async def approve(
    request: Request, mapping_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Approve a mapping."""
    return await _brought(request, who, mapping_id, MappingState.APPROVED)


@router.post("/{mapping_id}/reject", status_code=201, response_model=MappingShown)
async def reject(
    request: Request, mapping_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Reject a mapping; the hospital may propose another one."""
    return await _brought(request, who, mapping_id, MappingState.REJECTED)


@router.post("/{mapping_id}/revoke", status_code=201, response_model=MappingShown)
async def revoke(
    request: Request, mapping_id: Id, who: Hospital, body: NoBody | None = None, _: Key = None
) -> Response:
    """Revoke a mapping of the hospital's own, waiting or approved; its code may be mapped anew."""
    return await _brought(request, who, mapping_id, MappingState.REVOKED)


async def _brought(request: Request, who: Caller, mapping_id: Id, state: MappingState) -> Response:
    return await keyed(
        request,
        who,
        f"{state.value}_mapping",
        lambda tx, scene: bring_mapping_to(tx, scene, mapping_id, state),
        lambda one: (one.mapping_id, orjson.dumps(_shown(one))),
    )


def _shown(one: Mapping) -> dict[str, Any]:
    last = one.valid.end if one.valid else one.ends
    return {
        "mapping_id": str(one.mapping_id),
        "institution_code": one.institution_code,
        "own_code": one.own_code,
        "own_name": one.own_name,
        "item_code": one.item_code,
        "state": one.state.value,
        "proposed_at": to_wire(one.proposed_at),
        "changed_at": to_wire(one.changed_at),
        "start": one.starts.isoformat(),
        "end": last.isoformat() if last else None,
    }
