"""Contributions: one month of a person, or a list of them, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator
from starlette.responses import Response

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.post_contributions import Payment, post_contributions
from services.enrollment.api.office import Cashier, Made, create
from services.enrollment.api.wire import Base, MonthOf, PersonRef
from services.enrollment.domain.posting import Contribution
from services.enrollment.domain.refusals import Refusal, Refused
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Wire

router = APIRouter(prefix="/enrollment/v1", tags=["contributions"])

_ITEMS_MOST = 1000


class PaymentBody(Wire):
    """A month of a person, on a base wage."""

    person_ref: PersonRef
    month: MonthOf
    base: Base


class PaymentsBody(Wire):
    """Several, booked together or not at all."""

    items: Annotated[list[PaymentBody], Field(min_length=1, max_length=_ITEMS_MOST)]


def _read(value: Any, _: ValidatorFunctionWrapHandler) -> PaymentBody | PaymentsBody:
    """Read a body by its form: a fault is told of the form that was sent, by its own place."""
    several = isinstance(value, dict) and "items" in value
    return (PaymentsBody if several else PaymentBody).model_validate(value)


OneOrSeveral = Annotated[PaymentBody | PaymentsBody, WrapValidator(_read)]


class ContributionShown(Wire):
    """A contribution as it was booked; each part with its rate and the article that sets it."""

    contribution_id: str
    person_ref: str
    state_version: int
    month: str
    kind: str
    base: str
    employer: str
    employer_rate: str
    employer_document: str
    employer_article: str
    individual: str
    individual_rate: str
    individual_document: str
    individual_article: str
    total: str


class ContributionsShown(Wire):
    """The contributions in the order of the items."""

    items: list[ContributionShown]


@router.post(
    "/contributions", status_code=201, response_model=ContributionShown | ContributionsShown
)
async def post_contribution(
    request: Request, who: Cashier, body: OneOrSeveral, _: Key = None
) -> Response:
    """Book one contribution, or with `items` up to 1,000 in one act."""
    several = isinstance(body, PaymentsBody)
    items = body.items if isinstance(body, PaymentsBody) else [body]
    payments = [Payment(item.person_ref, item.month, item.base) for item in items]

    async def act(tx: Connection, acting: Acting) -> Made | Refusal | Refused:
        booked = await post_contributions(tx, acting, payments)
        if isinstance(booked, Refused):
            return booked if several else booked.refusal
        shown = [_show(c, booked.versions) for c in booked.contributions]
        if several:
            return Made(new_id(), ContributionsShown(items=shown))
        return Made(booked.contributions[0].contribution_id, shown[0])

    return await create(request, who, "post-contributions", act)


def _show(c: Contribution, versions: Mapping[str, int]) -> ContributionShown:
    employer, individual = c.rates.employer, c.rates.individual
    return ContributionShown(
        contribution_id=str(c.contribution_id),
        person_ref=c.person_ref,
        state_version=versions[c.person_ref],
        month=str(c.month),
        kind=c.spell.kind.value,
        base=c.due.base.to_wire(),
        employer=c.due.employer.to_wire(),
        employer_rate=str(employer.value.total),
        employer_document=employer.citation.document,
        employer_article=employer.citation.article,
        individual=c.due.individual.to_wire(),
        individual_rate=str(individual.value),
        individual_document=individual.citation.document,
        individual_article=individual.citation.article,
        total=c.due.total().to_wire(),
    )
