"""Bodies of checks before the claim: what the national interface's 3101 and 3102 ask, in the names
of this system; a name or an ID number is never asked for."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.audit.domain.case import Benefit, Case, Item, Sex
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.rule import Stage
from shared.money import Money
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.edge import Line, Wire
from shared.plumbing.written import Day

CASES_MAX, LINES_MAX = 20, 500
UNFILED = "~"
"""Where a case stands that is not filed yet: after all that are."""

AmountText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})\.[0-9]{2}$", max_length=13)]
QuantityText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?$", max_length=9)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
ClinicalCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Za-z0-9.]{1,19}$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]


class OrderBody(Wire):
    """One order or fee line; `list_price` is the price of one unit in the price list."""

    item_code: Code
    quantity: QuantityText
    amount: AmountText
    charged_on: Day
    list_price: AmountText | None = None


class CaseBody(Wire):
    """One visit or stay as it is known now. What is left out is not known, and rules that need it
    stay silent; `orders` left out means that no items are told, an empty list that there are none.
    `discharged_on` is the day meant for it where she is still there.
    """

    case_ref: Code
    person_ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    benefit: Literal[
        "delivery", "antepartum", "prenatal", "loss", "family_planning", "complication",
        "ordinary_inpatient", "ordinary_outpatient",
    ]  # fmt: skip
    insurance_type: Literal["310", "510"]
    admitted_on: Day
    event_on: Day | None = None
    discharged_on: Day | None = None
    total: AmountText
    fund: AmountText | None = None
    sex: Literal["female", "male"] | None = None
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    mode: Literal["vaginal", "assisted", "cesarean"] | None = None
    weeks: Annotated[int, Field(ge=0, le=45)] | None = None
    severity: Annotated[int, Field(ge=1, le=4)] | None = None
    insured: bool | None = None
    diagnoses: Annotated[list[ClinicalCode], Field(max_length=40)] | None = None
    procedures: Annotated[list[ClinicalCode], Field(max_length=40)] | None = None
    orders: Annotated[list[OrderBody], Field(max_length=LINES_MAX, fail_fast=True)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.discharged_on is not None and self.discharged_on < self.admitted_on:
            raise amiss("ends-before-it-begins")
        return self

    def to_case(self, who: Caller, groups: ItemGroups) -> Case:
        """The case, of the caller's pool and institution; `groups` are those of the pool."""
        items = None if self.orders is None else groups.marked(_items(self.orders))
        return Case(
            pool=who.pool_code,
            case_id=self.case_ref,
            person=self.person_ref,
            institution=who.institution_code,
            benefit=Benefit(self.benefit),
            filed=UNFILED,
            admitted=self.admitted_on,
            event=self.event_on or self.admitted_on,
            discharged=self.discharged_on or self.admitted_on,
            total=Money.from_wire(self.total),
            fund=None if self.fund is None else Money.from_wire(self.fund),
            insurance_type=self.insurance_type,
            sex=None if self.sex is None else Sex(self.sex),
            age=self.age,
            mode=self.mode,
            weeks=self.weeks,
            severity=self.severity,
            insured=self.insured,
            diagnoses=None if self.diagnoses is None else tuple(self.diagnoses),
            procedures=None if self.procedures is None else tuple(self.procedures),
            items=items,
            billed=groups.billed(items or (), whole=items is not None),
        )


class AskedFor(Wire):
    """The hospital that a service asks for, whom that hospital has shown who it is."""

    pool_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    institution_code: Code


class CheckBody(Wire):
    """A check of one or a few cases at one stage, by all rules or by those named."""

    stage: Literal["before", "in", "after"]
    rules: Annotated[list[RuleId], Field(max_length=100)] | None = None
    cases: Annotated[list[CaseBody], Field(min_length=1, max_length=CASES_MAX)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({case.case_ref for case in self.cases}) < len(self.cases):
            raise amiss("named-twice")
        return self

    def to_stage(self) -> Stage:
        """The stage asked for."""
        return Stage(self.stage)


class WarningAnswerBody(Wire):
    """What was done about one warning; one that is kept has a reason."""

    case_ref: Code
    rule: RuleId
    way: Literal["corrected", "withdrawn", "kept"]
    reason: Annotated[Line, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _kept_with_a_reason(self) -> Self:
        if self.way == "kept" and self.reason is None:
            raise amiss("reason-missing")
        return self


class FeedbackBody(Wire):
    """The hospital's answers to the warnings of a check, as 3103 carries them."""

    answers: Annotated[list[WarningAnswerBody], Field(min_length=1, max_length=200)]


class CheckForBody(CheckBody):
    """The same, asked for a hospital."""

    asked_for: AskedFor


class FeedbackForBody(FeedbackBody):
    """The same, told for a hospital."""

    asked_for: AskedFor


def _items(orders: list[OrderBody]) -> tuple[Item, ...]:
    """Orders added up by code and list price."""

    def kind(order: OrderBody) -> tuple[str, str]:
        return (order.item_code, order.list_price or "")

    return tuple(
        _item(code, list(those)) for (code, _), those in groupby(sorted(orders, key=kind), key=kind)
    )


def _item(code: str, those: list[OrderBody]) -> Item:
    listed = those[0].list_price
    return Item(
        code=code,
        quantity=sum((Decimal(order.quantity) for order in those), Decimal(0)),
        amount=Money.total(Money.from_wire(order.amount) for order in those),
        first_day=min(order.charged_on for order in those),
        last_day=max(order.charged_on for order in those),
        list_price=None if listed is None else Money.from_wire(listed),
        lines=len(those),
        days=len({order.charged_on for order in those}),
    )
