"""Rates: what the policy book says of a pool on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.enrollment.api.office import Anyone, office, show
from services.enrollment.api.wire import Day, PoolCode
from services.enrollment.domain.contribution import Rates, rates_of
from services.enrollment.domain.refusals import Refusal
from shared.plumbing.clock import business_day
from shared.plumbing.edge import Wire, desk
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.policy.book import Book
from shared.policy.rules import Sourced
from shared.policy.shapes import MemberKind

router = APIRouter(prefix="/enrollment/v1", tags=["rates"])


class Cited(Wire):
    """The article that sets a rate, since when, and how well it is known."""

    document: str
    title: str
    article: str
    grade: str
    label: str
    since: str


class RateShown(Wire):
    """One kind's rates: `employer` is `medical` and `maternity` in one."""

    kind: str
    employer: str
    medical: str
    maternity: str
    employer_by: Cited
    individual: str
    individual_by: Cited


class RatesShown(Wire):
    """The rates of all kinds of member for which the pool's book has rates on the day."""

    pool: str
    on: str
    book: str
    rates: list[RateShown]


@router.get("/rates", response_model=RatesShown)
async def get_rates(
    request: Request,
    who: Anyone,
    pool: Annotated[PoolCode, Query()],
    on: Annotated[Day, Query(description="a day, YYYY-MM-DD")],
) -> Response:
    """A pool's rates on a day, as known today; an empty list where it had none yet."""
    book = office(request).book
    today = business_day(desk(request).clock.now())
    shown = _rates(book, pool, on, today)
    if not shown and not _rates(book, pool, today, today):
        raise Problem(NOT_FOUND)
    return show(RatesShown(pool=pool, on=on.isoformat(), book=book.hash, rates=shown))


def _rates(book: Book, pool: str, on: date, today: date) -> list[RateShown]:
    """Of each kind that has any: a pool that only lends its rules has none on any day."""
    found = ((kind, rates_of(book, pool, kind, on, today)) for kind in MemberKind)
    return [_show(kind, rates) for kind, rates in found if not isinstance(rates, Refusal)]


def _show(kind: MemberKind, rates: Rates) -> RateShown:
    employer = rates.employer.value
    return RateShown(
        kind=kind.value,
        employer=str(employer.total),
        medical=str(employer.medical),
        maternity=str(employer.maternity),
        employer_by=_cited(rates.employer),
        individual=str(rates.individual.value),
        individual_by=_cited(rates.individual),
    )


def _cited(rate: Sourced[Any]) -> Cited:
    by = rate.citation
    return Cited(
        document=by.document,
        title=by.document_title,
        article=by.article,
        grade=by.grade,
        label=by.label,
        since=rate.since.isoformat(),
    )
