"""The closed set of cells: the parameters that a pool may set, each with its type.

A cell that is not listed here does not exist: a document that sets one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from shared.policy.shapes import (
    AppliedAt,
    Banded,
    ByLevel,
    Cap,
    DecidingDate,
    DeliveryMethod,
    EmployerRate,
    ExpenditureItem,
    Full,
    InsuranceType,
    Interruption,
    LumpSum,
    MemberShare,
    Quota,
    Rate,
    Rounding,
    Strict,
    Waiting,
)

T = TypeVar("T")


class Sets(Strict):
    """What a clause may set. Each field is a cell; there are no others."""

    employer_rate: EmployerRate | None = None
    individual_rate: Rate | None = None
    insurance_type: Annotated[InsuranceType, Field(strict=False)] | None = None
    expenditure_item: Annotated[ExpenditureItem, Field(strict=False)] | None = None
    waiting: Waiting | None = None
    delivery: DeliveryMethod | None = None
    member_share: MemberShare | None = None
    settlement_quota: ByLevel | None = None
    quota_includes_member_share: bool | None = None
    applied_at: Annotated[AppliedAt, Field(strict=False)] | None = None
    interruption: Interruption | None = None
    deciding_date: Annotated[DecidingDate, Field(strict=False)] | None = None
    rounding: Rounding | None = None
    catalogue: Literal["class_b_first_copay_class_c_self_paid"] | None = None
    state_age_days_max: Annotated[int, Field(ge=1, le=366)] | None = None


@dataclass(frozen=True, slots=True)
class Cell(Generic[T]):
    """The name of a parameter, with the type of its value; `by_kind` if each kind of member has
    a value of its own."""

    name: str
    by_kind: bool = False


EMPLOYER_RATE: Cell[EmployerRate] = Cell("employer_rate", by_kind=True)
INDIVIDUAL_RATE: Cell[Decimal] = Cell("individual_rate", by_kind=True)
INSURANCE_TYPE: Cell[InsuranceType] = Cell("insurance_type", by_kind=True)
EXPENDITURE_ITEM: Cell[ExpenditureItem] = Cell("expenditure_item", by_kind=True)
WAITING: Cell[Waiting] = Cell("waiting", by_kind=True)
DELIVERY: Cell[LumpSum | Cap | Quota | Banded | Full] = Cell("delivery", by_kind=True)
MEMBER_SHARE: Cell[MemberShare] = Cell("member_share")
SETTLEMENT_QUOTA: Cell[ByLevel] = Cell("settlement_quota")
QUOTA_INCLUDES_MEMBER_SHARE: Cell[bool] = Cell("quota_includes_member_share")
APPLIED_AT: Cell[AppliedAt] = Cell("applied_at")
INTERRUPTION: Cell[Interruption] = Cell("interruption")
DECIDING_DATE: Cell[DecidingDate] = Cell("deciding_date")
ROUNDING: Cell[Rounding] = Cell("rounding")
CATALOGUE: Cell[str] = Cell("catalogue")
STATE_AGE_DAYS_MAX: Cell[int] = Cell("state_age_days_max")

CELLS: dict[str, Cell[Any]] = {
    cell.name: cell
    for cell in (
        EMPLOYER_RATE,
        INDIVIDUAL_RATE,
        INSURANCE_TYPE,
        EXPENDITURE_ITEM,
        WAITING,
        DELIVERY,
        MEMBER_SHARE,
        SETTLEMENT_QUOTA,
        QUOTA_INCLUDES_MEMBER_SHARE,
        APPLIED_AT,
        INTERRUPTION,
        DECIDING_DATE,
        ROUNDING,
        CATALOGUE,
        STATE_AGE_DAYS_MAX,
    )
}
