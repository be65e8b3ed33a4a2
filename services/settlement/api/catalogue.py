"""The catalogue over REST: listed and ended by clerks, imported by two people, read by all."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from services.settlement.actions.keep_catalogue import (
    approve_import,
    end_item,
    list_item,
    reject_import,
)
from services.settlement.api.catalogue_wire import (
    CatalogueShown,
    ImportDecided,
    ImportsShown,
    ItemBody,
    ItemEnded,
    ItemListed,
    KindText,
    import_shown,
    item_shown,
)
from services.settlement.api.office import CLERK, FINANCE, HOSPITAL, keyed, seen
from services.settlement.api.wire import EndBody, NoBody
from services.settlement.store import catalogue
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.clock import TIME_ZONE
from shared.plumbing.edge import Key, Whole, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Day, Id

router = APIRouter(prefix="/settlement/v1", tags=["agency"])

Clerk = Annotated[Caller, Depends(only(CLERK))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, FINANCE))]
ItemCode = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
_EVER = datetime(1900, 1, 1, tzinfo=UTC)


@router.post("/catalogue-items", status_code=201, response_model=ItemListed)
async def list_catalogue_item(
    request: Request, body: ItemBody, who: Clerk, _: Key = None
) -> Response:
    """List an item in the pool's catalogue for a period."""
    return await keyed(
        request,
        who,
        "list_item",
        lambda tx, scene: list_item(tx, scene, body.to_listing()),
        lambda item: (new_id(), orjson.dumps({"item_code": item.item_code})),
    )


@router.get("/catalogue-items", response_model=CatalogueShown)
async def changed_items(
    request: Request,
    who: Reader,
    since: Day | None = None,
    kind: KindText | None = None,
    after: Annotated[Whole, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """The catalogue, or what of it changed since a day, page by page: `after` is the `next` of the
    page before, and brings later whatever changed since."""
    at = datetime.combine(since, time(), TIME_ZONE) if since else _EVER
    page = await seen(
        request,
        who,
        lambda tx, scene: catalogue.page(tx, scene.pool_code, after, at, kind, limit),
    )
    items = [item_shown(one) for one in page.listings]
    return reply(Answer(200, orjson.dumps({"items": items, "next": page.last})))


@router.post("/catalogue-items/{item_code}/end", status_code=201, response_model=ItemEnded)
async def end_catalogue_item(
    request: Request, item_code: ItemCode, body: EndBody, who: Clerk, _: Key = None
) -> Response:
    """End an item before its time: the version in force on the day before."""
    return await keyed(
        request,
        who,
        "end_item",
        lambda tx, scene: end_item(tx, scene, item_code, body.end),
        lambda start: (
            new_id(),
            orjson.dumps(
                {"item_code": item_code, "start": start.isoformat(), "end": body.end.isoformat()}
            ),
        ),
    )


@router.get("/catalogue-imports", response_model=ImportsShown)
async def catalogue_imports(
    request: Request,
    who: Clerk,
    state: Literal["proposed", "approved", "rejected"] = "proposed",
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Files of items: those that wait for another person, or were decided."""
    found = await seen(
        request, who, lambda tx, scene: catalogue.imports(tx, scene.pool_code, state, limit)
    )
    return reply(Answer(200, orjson.dumps({"items": [import_shown(one) for one in found]})))


@router.post(
    "/catalogue-imports/{import_id}/approve", status_code=201, response_model=ImportDecided
)
async def approve_catalogue_import(
    request: Request, import_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Put a proposed file in force: a version that runs on ends where its successor begins."""
    return await keyed(
        request,
        who,
        "approve_import",
        lambda tx, scene: approve_import(tx, scene, import_id),
        lambda one: (import_id, _decided(one, "approved")),
    )


@router.post("/catalogue-imports/{import_id}/reject", status_code=201, response_model=ImportDecided)
async def reject_catalogue_import(
    request: Request, import_id: Id, who: Clerk, body: NoBody | None = None, _: Key = None
) -> Response:
    """Put a proposed file aside."""
    return await keyed(
        request,
        who,
        "reject_import",
        lambda tx, scene: reject_import(tx, scene, import_id),
        lambda one: (import_id, _decided(one, "rejected")),
    )


def _decided(one: catalogue.Import, state: str) -> bytes:
    return orjson.dumps({"import_id": str(one.import_id), "state": state})
