"""Bodies of the REST edge: closed, strict, each string with its limits."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from services.settlement.domain.delivery import Delivery
from services.settlement.domain.line import CatalogueItem, FeeLine
from services.settlement.domain.stay import Outcome
from shared.money import Money
from shared.period import Month
from shared.plumbing.edge import Line, Wire
from shared.policy.shapes import DeliveryMode

_EARLIEST = date(1990, 1, 1)
_LATEST = date(2099, 12, 31)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _day(text: object) -> object:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a day is written YYYY-MM-DD")
    day = date.fromisoformat(text)
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError("out of range")
    return day


def _positive(text: str) -> str:
    if not Money.from_wire(text):
        raise ValueError("an amount above zero")
    return text


def _above_zero(text: str) -> str:
    if not Decimal(text):
        raise ValueError("a quantity above zero")
    return text


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
AmountText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})\.[0-9]{2}$", max_length=13)]
BillText = Annotated[AmountText, AfterValidator(_positive)]
PriceText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,7})\.[0-9]{2}$", max_length=11)]
QuantityText = Annotated[
    str,
    Field(pattern=r"^(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$", max_length=10),
    AfterValidator(_above_zero),
]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
PersonRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
MonthText = Annotated[str, Field(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]


_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def _uuid(text: object) -> object:
    if not isinstance(text, str) or not _CANONICAL.fullmatch(text):
        raise ValueError("a UUID in its canonical form")
    return UUID(text)


Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]


class OpenStayBody(Wire):
    """Admission of a registered pregnancy."""

    stay_number: Code
    person_ref: PersonRef
    pregnancy_id: Id
    admitted_on: Day


class LineBody(Wire):
    """One fee line; its amount is quantity x price, half up to the fen."""

    line_number: Annotated[int, Field(ge=1, le=1_000_000)]
    item_code: Code
    charged_on: Day
    quantity: QuantityText
    price: PriceText

    def to_line(self) -> FeeLine:
        """The line as the domain knows it."""
        return FeeLine(
            self.line_number, self.item_code, self.charged_on, Decimal(self.quantity),
            Money.from_wire(self.price),
        )  # fmt: skip


class LinesBody(Wire):
    """A batch of lines: all or none are taken."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=2000)]


class OutcomeBody(Wire):
    """What the record states at discharge; `total` is the bill."""

    discharged_on: Day
    event_on: Day
    mode: Literal["vaginal", "assisted", "cesarean"]
    infants: Annotated[int, Field(ge=1, le=9)] = 1
    weeks: Annotated[int, Field(ge=20, le=45)] = 40
    total: BillText

    def to_outcome(self) -> Outcome:
        """The outcome as the domain knows it."""
        delivery = Delivery(DeliveryMode(self.mode), self.infants, self.weeks)
        return Outcome(self.event_on, self.discharged_on, delivery, Money.from_wire(self.total))


class SettleBody(Wire):
    """The bill's total, said once more by the desk."""

    total: BillText


class NoBody(Wire):
    """Nothing to say beside the address."""


class PregnancyBody(Wire):
    """Registration of a pregnancy with the institution chosen for it."""

    person_ref: PersonRef
    since: Day
    institution_code: Code


class TransferBody(Wire):
    """The institution chosen from now on."""

    institution_code: Code


class Lasting(Wire):
    """What is in force from a day, until (exclusive) a later one or without end."""

    start: Day
    end: Day | None = None

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("it ends after it starts")
        return self


class AgreementBody(Lasting):
    """An agreement with a hospital."""

    institution_code: Code
    level: Annotated[int, Field(ge=1, le=3)]


class ItemBody(Lasting):
    """A catalogue item; `limit` is the highest price of one unit in scope. Only class b has a
    first co-payment."""

    item_code: Code
    name: Annotated[Line, Field(max_length=200)]
    item_class: Literal["a", "b", "c"]
    first_copay_rate: Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,4})?|1)$")] = "0"
    limit: BillText | None = None

    @model_validator(mode="after")
    def _only_class_b_pays_first(self) -> Self:
        if self.item_class != "b" and Decimal(self.first_copay_rate):
            raise ValueError("only class b has a first co-payment")
        return self

    def to_item(self) -> CatalogueItem:
        """The item as the domain knows it."""
        limit = Money.from_wire(self.limit) if self.limit else None
        rate = Decimal(self.first_copay_rate)
        return CatalogueItem(self.item_code, self.item_class, rate, limit)


class PeriodBody(Wire):
    """A month of the ledger."""

    month: MonthText

    def to_month(self) -> Month:
        """The month as the domain knows it."""
        return Month.parse(self.month)


class ReconsiderBody(Wire):
    """Which settlements are priced again: those whose rules are of a day from `since` to `until`,
    both included; of one person, or of all. `after` is the `next` of the batch before."""

    since: Day
    until: Day
    person_ref: PersonRef | None = None
    after: Id | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.since:
            raise ValueError("until is not before since")
        return self
