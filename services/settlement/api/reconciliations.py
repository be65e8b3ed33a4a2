"""Reconciliation over REST: a hospital's book of a period, held against ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, Field, model_validator
from starlette.responses import Response

from services.settlement.actions.reconcile import Reconciled, reconcile
from services.settlement.actions.scene import Scene
from services.settlement.api.office import CLERK, FINANCE, HOSPITAL, keyed, seen
from services.settlement.api.refusals import problem_of
from services.settlement.api.shown import Amount, DayText, IdText, Instant
from services.settlement.api.wire import PersonRef, StayBenefit
from services.settlement.domain.reconciling import BookRow, Difference, Scope, Sums, difference_of
from services.settlement.domain.refusals import Refusal
from services.settlement.store import reconciliations
from services.settlement.store.reconciliations import Reconciliation
from shared.money import Money
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Whole, Wire, only, reply
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Day, Id

router = APIRouter(prefix="/settlement/v1/reconciliations", tags=["reconciliations"])

Hospital = Annotated[Caller, Depends(only(HOSPITAL))]
Reader = Annotated[Caller, Depends(only(HOSPITAL, CLERK, FINANCE))]

_DAYS_MOST = timedelta(days=366)
_SHOWN_MOST = 200
Insurance = Literal["310", "510"]
Refunds = Literal["with", "without", "only"]
_REFUNDS: dict[str, bool | None] = {"with": None, "without": False, "only": True}


def _money(text: str) -> str:
    Money.from_wire(text)
    return text


SumText = Annotated[
    str, Field(pattern=r"^-?(0|[1-9][0-9]{0,12})\.[0-9]{2}$"), AfterValidator(_money)
]


class SumsBody(Wire):
    """What receipts come to: bills, what funds paid of them, what personal accounts paid. A
    refund's amounts are negative."""

    total: SumText
    fund: SumText
    account: SumText
    rows: Annotated[int, Field(ge=0, le=1_000_000)]

    def to_sums(self) -> Sums:
        """The sums as the domain knows them."""
        total, fund, account = map(Money.from_wire, (self.total, self.fund, self.account))
        return Sums(total, fund, account, self.rows)


class RowBody(Wire):
    """A settlement of the hospital's book, or (`refund`) its reversal, by the id of either."""

    settlement_id: Id
    refund: bool = False
    stay_id: Id | None = None
    person_ref: PersonRef | None = None
    total: SumText
    fund: SumText
    account: SumText

    def to_row(self) -> BookRow:
        """The row as the domain knows it."""
        return BookRow(
            str(self.settlement_id),
            self.refund,
            str(self.stay_id or ""),
            self.person_ref or "",
            *(Money.from_wire(text) for text in (self.total, self.fund, self.account)),
        )


class ReconciliationBody(Wire):
    """The hospital's book of a period, by the day of settling or reversing as it was answered, both
    days included; with its rows, row by row."""

    since: Day
    until: Day
    insurance_type: Insurance | None = None
    refunds: Refunds = "with"
    totals: SumsBody
    rows: Annotated[list[RowBody], Field(max_length=1000)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.since <= self.until <= self.since + _DAYS_MOST:
            raise amiss("longer-than-a-year")
        return self

    def to_scope(self) -> Scope:
        """Which rows are meant."""
        return Scope(self.since, self.until, self.insurance_type, _REFUNDS[self.refunds])


class SumsShown(Wire):
    """What a book comes to, or the difference of two."""

    total: Amount
    fund: Amount
    account: Amount
    rows: int


class SideShown(Wire):
    """A row as one book has it."""

    total: Amount
    fund: Amount
    account: Amount


class DifferenceShown(Wire):
    """A row that is not level; null where a book lacks it. `settlement_id` is the claim's."""

    kind: Literal["missing_here", "missing_there", "amount", "state", "refund_unpaired"]
    settlement_id: IdText
    refund: bool
    stay_id: IdText | None
    theirs: SideShown | None
    ours: SideShown | None


class ReconciliationHead(Wire):
    """A reconciliation: `level` where nothing is left of theirs less ours, and no row differs;
    `benefits` are those that were asked for by the national interface, null for all."""

    reconciliation_id: IdText
    since: DayText
    until: DayText
    insurance_type: Insurance | None
    refunds: Refunds
    benefits: list[StayBenefit] | None
    level: bool
    theirs: SumsShown
    ours: SumsShown
    difference: SumsShown
    detailed: bool
    level_rows: int
    differing_rows: int
    made_at: Instant


class ReconciliationShown(ReconciliationHead):
    """A reconciliation with its differences, a page of them; the next one is after `next`."""

    differences: list[DifferenceShown]
    next: int | None


class ReconciliationsShown(Wire):
    """Reconciliations, the latest first; the next page is before `next`."""

    items: list[ReconciliationHead]
    next: IdText | None


@router.post("", status_code=201, response_model=ReconciliationShown)
async def reconcile_(
    request: Request, body: ReconciliationBody, who: Hospital, _: Key = None
) -> Response:
    """Hold the hospital's book of a period against ours: its totals, and its rows if given."""
    rows = None if body.rows is None else [row.to_row() for row in body.rows]
    return await keyed(
        request,
        who,
        "reconcile",
        lambda tx, scene: reconcile(tx, scene, body.to_scope(), body.totals.to_sums(), rows),
        lambda made: (made.kept.reconciliation_id, _made(made)),
    )


@router.get("", response_model=ReconciliationsShown)
async def listed(
    request: Request,
    who: Reader,
    before: Id | None = None,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Reconciliations that the caller may see, the latest first."""
    found = await seen(
        request,
        who,
        lambda tx, scene: reconciliations.page(tx, scene.pool_code, before, limit),
    )
    last = str(found[-1].reconciliation_id) if len(found) == limit else None
    body = {"items": [_head(one) for one in found], "next": last}
    return reply(Answer(200, orjson.dumps(body)))


@router.get("/{reconciliation_id}", response_model=ReconciliationShown)
async def get(
    request: Request,
    reconciliation_id: Id,
    who: Reader,
    after: Annotated[Whole, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = _SHOWN_MOST,
) -> Response:
    """A reconciliation with its differences, page by page."""

    async def look(tx: Connection, scene: Scene) -> tuple[Reconciliation, list[Difference]] | None:
        one = await reconciliations.find(tx, scene.pool_code, reconciliation_id)
        if one is None:
            return None
        return one, await _differences(tx, scene, reconciliation_id, after, limit)

    found = await seen(request, who, look)
    if found is None:
        raise problem_of(Refusal.RECONCILIATION_UNKNOWN)
    return reply(Answer(200, _page(*found, after)))


async def _differences(
    tx: Connection, scene: Scene, reconciliation_id: UUID, after: int, limit: int
) -> list[Difference]:
    return await reconciliations.differences(tx, scene.pool_code, reconciliation_id, after, limit)


def _made(made: Reconciled) -> bytes:
    return _page(made.kept, list(made.differences[:_SHOWN_MOST]), 0)


def _page(one: Reconciliation, found: list[Difference], after: int) -> bytes:
    last = after + len(found)
    return orjson.dumps(
        _head(one)
        | {
            "differences": [_difference(each) for each in found],
            "next": last if found and last < one.differences else None,
        }
    )


def _head(one: Reconciliation) -> dict[str, Any]:
    scope = one.scope
    return {
        "reconciliation_id": str(one.reconciliation_id),
        "since": scope.since.isoformat(),
        "until": scope.until.isoformat(),
        "insurance_type": scope.insurance_type,
        "refunds": next(name for name, asked in _REFUNDS.items() if asked is scope.refunds),
        "benefits": None if scope.benefits is None else list(scope.benefits),
        "level": one.theirs == one.ours and not one.differences,
        "theirs": _sums(one.theirs),
        "ours": _sums(one.ours),
        "difference": _sums(difference_of(one.theirs, one.ours)),
        "detailed": one.detailed,
        "level_rows": one.level_rows,
        "differing_rows": one.differences,
        "made_at": to_wire(one.made_at),
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return _amounts(sums) | {"rows": sums.rows}


def _amounts(of: Sums | BookRow) -> dict[str, str]:
    return {
        "total": of.total.to_wire(),
        "fund": of.fund.to_wire(),
        "account": of.account.to_wire(),
    }


def _difference(one: Difference) -> dict[str, Any]:
    row = one.ours or one.theirs
    assert row is not None  # noqa: S101 - a difference is of a row
    return {
        "kind": one.kind.value,
        "settlement_id": row.claim,
        "refund": row.refund,
        "stay_id": row.stay or None,
        "theirs": _amounts(one.theirs) if one.theirs else None,
        "ours": _amounts(one.ours) if one.ours else None,
    }
