"""Bodies of the REST edge: closed, strict, each string with its limits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from services.settlement.domain.allowance import Base, EmployerWage
from services.settlement.domain.line import FeeLine
from shared.money import Money
from shared.period import Month
from shared.plumbing.amiss import amiss
from shared.plumbing.edge import Wire
from shared.plumbing.written import Day, Id, written_day


def _positive(text: str) -> str:
    if not Money.from_wire(text):
        raise amiss("not-above-zero")
    return text


def _not_zero(text: str) -> str:
    if not Decimal(text):
        raise amiss("zero")
    return text


AmountText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})\.[0-9]{2}$", max_length=13)]
BillText = Annotated[AmountText, AfterValidator(_positive)]
PriceText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,7})\.[0-9]{2}$", max_length=11)]
QuantityText = Annotated[
    str,
    Field(pattern=r"^-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$", max_length=11),
    AfterValidator(_not_zero),
]
LineNumber = Annotated[int, Field(ge=1, le=1_000_000)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
OwnCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]


def agreement_place(text: str) -> tuple[str, date]:
    """The institution and the first day that a place in the list of agreements names. Raises
    ValueError for another spelling."""
    institution_code, _, start = text.partition("/")
    return institution_code, written_day(start)


def _checked_place(text: str) -> str:
    agreement_place(text)
    return text


AgreementPlace = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.-]{1,64}/[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_checked_place),
]
"""An agreement has no id: its place among others is its institution and first day."""
PersonRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
MonthText = Annotated[str, Field(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]


StayBenefit = Literal["delivery", "prenatal", "loss", "family_planning", "complication"]


class OpenStayBody(Wire):
    """Admission or outpatient visit of a registered pregnancy; only family planning has none."""

    stay_number: Code
    person_ref: PersonRef
    pregnancy_id: Id | None = None
    admitted_on: Day
    benefit: StayBenefit = "delivery"

    @model_validator(mode="after")
    def _cared_for(self) -> Self:
        surgery = self.benefit == "family_planning"
        if self.pregnancy_id is None and not surgery:
            raise amiss("pregnancy-missing")
        if self.pregnancy_id is not None and surgery:
            raise amiss("pregnancy-not-asked-for")
        return self


class LineBody(Wire):
    """One fee line; its amount is quantity x price, half up to the fen.

    A negative quantity takes that much of an earlier line back, which `returns` names: of the same
    item, at the same price, and no more than is left of it. A line that names no item is read by
    what the hospital's own code is mapped to on its day.
    """

    line_number: LineNumber
    item_code: Code | None = None
    own_code: OwnCode | None = None
    charged_on: Day
    quantity: QuantityText
    price: PriceText
    returns: LineNumber | None = None

    @model_validator(mode="after")
    def _names_an_item(self) -> Self:
        if self.item_code is None and self.own_code is None:
            raise amiss("item-missing")
        return self

    @model_validator(mode="after")
    def _only_a_return_is_negative(self) -> Self:
        if self.quantity.startswith("-") != (self.returns is not None):
            raise amiss("negative-is-a-return")
        return self

    def to_line(self) -> FeeLine:
        """The line as the domain knows it."""
        return FeeLine(
            self.line_number, self.item_code or "", self.charged_on, abs(Decimal(self.quantity)),
            Money.from_wire(self.price), self.returns, self.own_code,
        )  # fmt: skip


class LinesBody(Wire):
    """A batch of lines: all or none are taken."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=2000)]


All = Literal["all"]
LineNumbers = Annotated[list[LineNumber], Field(min_length=1, max_length=2000)]
_FORMS: tuple[TypeAdapter[str], TypeAdapter[list[int]]] = TypeAdapter(All), TypeAdapter(LineNumbers)


def _by_form(value: Any, _: ValidatorFunctionWrapHandler) -> str | list[int]:
    """Read by the form that was sent: a fault is told once and by its own place. pydantic tells
    the faults of either form, each behind the form's name."""
    word, numbers = _FORMS
    form = word if isinstance(value, str) else numbers
    return form.validate_python(value, strict=True)


class CancelLinesBody(Wire):
    """The lines that go, or the word for all of them."""

    line_numbers: Annotated[All | LineNumbers, WrapValidator(_by_form)]

    def named(self) -> frozenset[int] | None:
        """Which lines; None for all."""
        return None if self.line_numbers == "all" else frozenset(self.line_numbers)


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


class SinceBody(Wire):
    """The day since when a pregnancy should have been registered."""

    since: Day


class TransferBody(Wire):
    """The institution chosen from now on, or since a day not before the last choice."""

    institution_code: Code
    since: Day | None = None


class EmployerBody(Wire):
    """An employer's average monthly wage, and the months that she worked there."""

    base_monthly: BillText
    months: Annotated[int, Field(ge=1, le=12)]


class AllowanceBody(Wire):
    """The base of an allowance, in one of three ways: an average monthly wage; a sum of wages with
    the months of heads that it is divided by; or the averages of several employers."""

    entitlement_id: Id
    base_monthly: BillText | None = None
    wage_sum: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,11})\.[0-9]{2}$")] | None = None
    head_months: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    employers: Annotated[list[EmployerBody], Field(min_length=1, max_length=12)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.wage_sum is None) != (self.head_months is None):
            raise amiss("wages-with-head-months")
        ways = (self.base_monthly, self.wage_sum, self.employers)
        if sum(way is not None for way in ways) != 1:
            raise amiss("base-in-one-way")
        return self

    def to_base(self) -> Base:
        """The base as the domain knows it."""
        return Base(
            Money.from_wire(self.base_monthly) if self.base_monthly else None,
            Money.from_wire(self.wage_sum) if self.wage_sum else None,
            self.head_months,
            tuple(
                EmployerWage(Money.from_wire(each.base_monthly), each.months)
                for each in self.employers or ()
            ),
        )


class Lasting(Wire):
    """What is in force from a day, until (exclusive) a later one or without end."""

    start: Day
    end: Day | None = None

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise amiss("ends-before-it-begins")
        return self


class AgreementBody(Lasting):
    """An agreement with a hospital."""

    institution_code: Code
    level: Annotated[int, Field(ge=1, le=3)]


class EndBody(Wire):
    """The first day without it."""

    end: Day


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
            raise amiss("ends-before-it-begins")
        return self
