"""Batch re-pricing over REST: what stored claims would come to without what is disputed."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from services.settlement.actions.price_again import price_again
from services.settlement.api.office import CLERK, FINANCE, REVIEWER, SERVICE, office, seen
from services.settlement.api.outcomes import Name
from services.settlement.api.refusals import problem_of
from services.settlement.api.shown import Amount, BookHash, IdText
from services.settlement.api.wire import BillText, Code
from services.settlement.domain.disputed import Dispute, PricedAgain
from services.settlement.domain.refusals import Refused
from services.settlement.domain.what_if import Borne
from shared.money import Money
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Wire, only, reply
from shared.plumbing.problems import NOT_FOUND, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.written import Id
from shared.policy.shapes import Circumstance, DeliveryMode, Procedure

router = APIRouter(prefix="/settlement/v1", tags=["settlements"])

Asker = Annotated[Caller, Depends(only(SERVICE, REVIEWER, CLERK, FINANCE))]

_SEPARATE = ("circumstances", "level", "months_after_birth")

Words = Annotated[list[Name], Field(max_length=20)]


class CorrectedBody(Wire):
    """Facts as they should have been stated: of the claim's own benefit, by the names of discharge.
    `level` is the hospital's. What is not named stays as it was."""

    mode: Annotated[DeliveryMode, Field(strict=False)] | None = None
    infants: Annotated[int, Field(ge=1, le=9)] | None = None
    weeks: Annotated[int, Field(ge=1, le=45)] | None = None
    complications: Words | None = None
    extras: Words | None = None
    circumstances: (
        Annotated[list[Annotated[Circumstance, Field(strict=False)]], Field(max_length=20)] | None
    ) = None
    level: Annotated[int, Field(ge=1, le=3)] | None = None
    week: Annotated[int, Field(ge=0, le=50)] | None = None
    unit: Name | None = None
    high_risk: bool | None = None
    first_visit: bool | None = None
    postnatal: bool | None = None
    manner: Literal["surgical", "medical"] | None = None
    setting: Literal["outpatient", "inpatient"] | None = None
    procedure: Annotated[Procedure, Field(strict=False)] | None = None
    when: Literal["before_birth", "after_birth"] | None = None
    months_after_birth: Annotated[int, Field(ge=0, le=24)] | None = None

    def facts(self) -> dict[str, object]:
        """What is said of the benefit itself, by the names of its noun."""
        said: dict[str, object] = {
            name: tuple(value) if isinstance(value, list) else value
            for name in type(self).model_fields
            if name not in _SEPARATE and (value := getattr(self, name)) is not None
        }
        if self.months_after_birth is not None:
            said["months_after"] = self.months_after_birth
        return said


class LessBody(Wire):
    """An item, and by how much it was billed too high."""

    item_code: Code
    amount: BillText


class DisputedBody(Wire):
    """A claim, and what of it is disputed: lines by number, every line of an item, a part of what
    an item was billed at (`less`, each item once), facts."""

    settlement_id: Id
    without_lines: Annotated[
        list[Annotated[int, Field(ge=1, le=1_000_000)]],
        Field(max_length=2000, default_factory=list, fail_fast=True),
    ]
    without_items: Annotated[
        list[Code], Field(max_length=200, default_factory=list, fail_fast=True)
    ]
    less: Annotated[list[LessBody], Field(max_length=200, default_factory=list, fail_fast=True)]
    corrected: CorrectedBody | None = None

    @model_validator(mode="after")
    def _disputes_something(self) -> Self:
        named = self.corrected is not None and any(value is not None for _, value in self.corrected)
        if not (self.without_lines or self.without_items or self.less or named):
            raise amiss("nothing-disputed")
        if len({one.item_code for one in self.less}) != len(self.less):
            raise amiss("named-twice")
        return self

    def to_dispute(self) -> Dispute:
        """The dispute as the domain knows it."""
        said = self.corrected or CorrectedBody()
        return Dispute(
            lines=frozenset(self.without_lines),
            items=frozenset(self.without_items),
            less={one.item_code: Money.from_wire(one.amount) for one in self.less},
            facts=said.facts(),
            circumstances=None if said.circumstances is None else frozenset(said.circumstances),
            level=said.level,
        )


class PricesBody(Wire):
    """Up to 1,000 claims of a pool; one may stand in it several times, disputed in several ways."""

    pool: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    items: Annotated[list[DisputedBody], Field(min_length=1, max_length=1000)]


class BorneShown(Wire):
    """Who bears which part: total = fund + member + institution + other_fund."""

    total: Amount
    fund: Amount
    member: Amount
    institution: Amount
    other_fund: Amount


class WhyNot(Wire):
    """A refusal, and the article that decided where one did."""

    code: str
    title: str
    title_zh: str
    article: str


class PriceShown(Wire):
    """A claim as settled (with its released adjustments), as it would be without what is disputed,
    and the one less the other; `book` priced both. Where it is `settled` and `refused`, the law
    would pay none of it; where it is refused alone, it is not known what it would come to."""

    settlement_id: IdText
    settled: BorneShown | None
    repriced: BorneShown | None
    difference: BorneShown | None
    book: BookHash | None
    refused: WhyNot | None


class PricesShown(Wire):
    """One answer for each item, in the order asked."""

    items: list[PriceShown]


@router.post("/prices", response_model=PricesShown)
async def prices(request: Request, body: PricesBody, who: Asker) -> Response:
    """What settled claims would come to without disputed lines or with corrected facts.

    Each is priced by the book that priced it, with all else as it was; nothing is stored.
    """
    if who.role != SERVICE and who.pool_code != body.pool:
        raise Problem(NOT_FOUND)
    here = office(request)
    asked = [(item.settlement_id, item.to_dispute()) for item in body.items]
    priced = await seen(
        request, who, lambda tx, _: price_again(tx, body.pool, here.archived, asked)
    )
    return reply(Answer(200, orjson.dumps({"items": [_shown(one) for one in priced]})))


def _shown(one: PricedAgain) -> dict[str, Any]:
    stands, again = one.stands, one.again
    return {
        "settlement_id": str(one.settlement_id),
        "settled": _borne(stands) if stands else None,
        "repriced": _borne(again) if again else None,
        "difference": _borne(stands.less(again)) if stands and again else None,
        "book": one.book or None,
        "refused": _why_not(one.refused) if one.refused else None,
    }


def _why_not(refused: Refused) -> dict[str, str]:
    problem = problem_of(refused)
    kind = problem.kind
    return {
        "code": kind.code,
        "title": kind.title,
        "title_zh": kind.title_zh,
        "article": problem.article,
    }


def _borne(borne: Borne) -> dict[str, str]:
    parts = (borne.fund, borne.member, borne.institution, borne.other_fund)
    return {
        "total": Money.total(parts).to_wire(),
        "fund": borne.fund.to_wire(),
        "member": borne.member.to_wire(),
        "institution": borne.institution.to_wire(),
        "other_fund": borne.other_fund.to_wire(),
    }
