"""The wire form of a case for `price`: strict, closed, and read into the domain's nouns."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cost import CatalogueClass, Cost, CostLine, of_lines
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.member import Member
from shared.money import NOTHING, Money
from shared.period import Month
from shared.policy.shapes import DeliveryMode, MemberKind

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLASSES = {"A": "class_a", "B": "class_b", "C": "class_c"}


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


def _month(value: object) -> Month:
    if not isinstance(value, str):
        raise ValueError("a month is written YYYY-MM")
    return Month.parse(value)


def _money(value: object) -> Money:
    amount = Money.from_wire(value)  # type: ignore[arg-type]
    if amount.fen < 0:
        raise ValueError("an amount is not negative")
    return amount


def _catalogue_class(value: object) -> CatalogueClass:
    if not isinstance(value, str):
        raise ValueError("a class is A, B or C")
    return CatalogueClass(_CLASSES.get(value, value))


def _no_control(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable characters only")
    return value


class Wire(BaseModel):
    """Closed: an unknown name is refused."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True
    )


Day = Annotated[date, BeforeValidator(_day)]
MonthText = Annotated[Month, BeforeValidator(_month)]
MoneyText = Annotated[Money, BeforeValidator(_money)]
CaseId = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_no_control)]


class MemberWire(Wire):
    """The insured."""

    kind: Annotated[MemberKind, Field(strict=False)]
    months_paid: Annotated[int, Field(ge=0, le=1200)] | None = None
    paid_until: MonthText | None = None
    account_available: MoneyText = NOTHING


class InstitutionWire(Wire):
    """The hospital."""

    level: Literal[1, 2, 3] | None = None


class DeliveryWire(Wire):
    """The delivery; `complications` and `extras` are known names that no rule uses yet."""

    mode: Annotated[DeliveryMode, Field(strict=False)]
    infants: Annotated[int, Field(ge=1, le=9)] = 1
    weeks: Annotated[int, Field(ge=1, le=50)] = 40
    complications: list[str] = []
    extras: list[str] = []


class LineWire(Wire):
    """A fee line; class B says what is paid first, be it nothing."""

    amount: MoneyText
    catalogue_class: Annotated[CatalogueClass, BeforeValidator(_catalogue_class)] = Field(
        alias="class"
    )
    over_limit: MoneyText = NOTHING
    first_copay: MoneyText | None = None


class CostWire(Wire):
    """The bill: `in_scope`, or `lines` with their classes; the total is theirs if not given."""

    total: MoneyText | None = None
    in_scope: MoneyText | None = None
    out_of_scope: MoneyText | None = None
    over_limit: MoneyText = NOTHING
    first_copay: MoneyText = NOTHING
    lines: Annotated[list[LineWire], Field(min_length=1, max_length=10_000)] | None = None


class DatesWire(Wire):
    """Dates that override `on`."""

    admitted: Day | None = None
    event: Day | None = None
    discharged: Day | None = None
    settled: Day | None = None


class CaseWire(Wire):
    """One line of `price`, for a delivery."""

    id: CaseId
    pool: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    benefit: Literal["delivery"]
    on: Day
    known_on: Day | None = None
    dates: DatesWire = DatesWire()
    county: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    member: MemberWire
    institution: InstitutionWire = InstitutionWire()
    delivery: DeliveryWire
    cost: CostWire | None = None


BENEFITS = frozenset(
    {
        "delivery",
        "prenatal",
        "family_planning",
        "loss",
        "allowance",
        "nutrition",
        "contribution",
        "late_fee",
    }
)


def read_json(line: str) -> Any:
    """A line of JSON; a name written twice, NaN and Infinity are refused with ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) != len(pairs):
            raise ValueError("a name is written twice")
        return read

    def never(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(line, object_pairs_hook=once, parse_constant=never)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def to_case(wire: CaseWire, today: date) -> Case:
    """The domain's case. Raises ValueError where the parts of the bill contradict each other."""
    given = wire.dates
    return Case(
        pool=wire.pool,
        member=Member(wire.member.kind, wire.member.months_paid, wire.member.paid_until),
        delivery=Delivery(wire.delivery.mode, wire.delivery.infants, wire.delivery.weeks),
        dates=Dates(
            given.admitted or wire.on,
            given.event or wire.on,
            given.discharged or wire.on,
            given.settled or wire.on,
        ),
        known_on=wire.known_on or today,
        institution=Institution(wire.institution.level),
        cost=None if wire.cost is None else _cost(wire.cost),
        account_available=wire.member.account_available,
    )


def _cost(wire: CostWire) -> Cost:
    if (wire.lines is None) == (wire.in_scope is None):
        raise ValueError("a cost gives either in_scope or lines")
    if wire.lines is not None:
        cost = of_lines([_line(line) for line in wire.lines])
        if wire.total not in (None, cost.total):
            raise ValueError("the lines do not add up to the total")
        return cost
    assert wire.in_scope is not None  # noqa: S101 - the check above
    known = wire.in_scope + wire.over_limit + wire.first_copay
    total = wire.total
    if total is None:
        total = known + (wire.out_of_scope or NOTHING)
    out_of_scope = total - known if wire.out_of_scope is None else wire.out_of_scope
    return Cost(total, wire.in_scope, out_of_scope, wire.over_limit, wire.first_copay)


def _line(wire: LineWire) -> CostLine:
    if wire.catalogue_class is CatalogueClass.CLASS_B and wire.first_copay is None:
        raise ValueError("a line of class B says its first_copay")
    return CostLine(wire.amount, wire.catalogue_class, wire.over_limit, wire.first_copay or NOTHING)
