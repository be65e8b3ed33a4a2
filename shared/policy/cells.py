"""The closed set of cells: the parameters that a pool may set, each with its type.

A cell that is not listed here does not exist: a document that sets one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from shared.money import Money
from shared.policy.contributions import BaseBounds, EmployerRate, LateFee
from shared.policy.leave import Allowance, AllowanceDue, LeaveDays, Nutrition
from shared.policy.payments import (
    ComplicationRule,
    ConditionCap,
    Itemised,
    LossRule,
    MemberShare,
    Payment,
    SurgeryRule,
    Tariff,
)
from shared.policy.prenatal import PrenatalMethod
from shared.policy.shapes import (
    AppliedAt,
    CashWaiting,
    DecidingDate,
    Exclusions,
    ExpenditureItem,
    InsuranceType,
    Interruption,
    Rate,
    Rounding,
    Strict,
    TransferGap,
    Waiting,
    Yuan,
)

T = TypeVar("T")


class Sets(Strict):
    """What a clause may set. Each field is a cell; there are no others."""

    employer_rate: EmployerRate | None = None
    individual_rate: Rate | None = None
    base_bounds: BaseBounds | None = None
    average_wage: Yuan | None = None
    late_fee: LateFee | None = None
    insurance_type: Annotated[InsuranceType, Field(strict=False)] | None = None
    expenditure_item: Annotated[ExpenditureItem, Field(strict=False)] | None = None
    waiting: Waiting | None = None
    cash_waiting: CashWaiting | None = None
    interruption: Interruption | None = None
    transfer_gap: TransferGap | None = None
    exclusions: Exclusions | None = None
    catalogue: Literal["class_b_first_copay_class_c_self_paid"] | None = None
    bed_cap: Yuan | None = None
    delivery: Payment | None = None
    member_share: MemberShare | None = None
    settlement_quota: Tariff | None = None
    quota_includes_member_share: bool | None = None
    applied_at: Annotated[AppliedAt, Field(strict=False)] | None = None
    point_value: Yuan | None = None
    itemised: Itemised | None = None
    complication_caps: (
        Annotated[tuple[ConditionCap, ...], Field(strict=False, min_length=1)] | None
    ) = None
    prenatal: PrenatalMethod | None = None
    prenatal_amount: Yuan | None = None
    loss: LossRule | None = None
    family_planning: SurgeryRule | None = None
    complication: ComplicationRule | None = None
    leave_days: LeaveDays | None = None
    allowance: Allowance | None = None
    allowance_due: AllowanceDue | None = None
    nutrition: Nutrition | None = None
    deciding_date: Annotated[DecidingDate, Field(strict=False)] | None = None
    rounding: Rounding | None = None
    state_age_days_max: Annotated[int, Field(ge=1, le=366)] | None = None


@dataclass(frozen=True, slots=True)
class Cell(Generic[T]):
    """The name of a parameter, with the type of its value; `by_kind` if each kind of member has
    a value of its own."""

    name: str
    by_kind: bool = False


EMPLOYER_RATE: Cell[EmployerRate] = Cell("employer_rate", by_kind=True)
INDIVIDUAL_RATE: Cell[Decimal] = Cell("individual_rate", by_kind=True)
BASE_BOUNDS: Cell[BaseBounds] = Cell("base_bounds")
AVERAGE_WAGE: Cell[Money] = Cell("average_wage")
LATE_FEE: Cell[LateFee] = Cell("late_fee")
INSURANCE_TYPE: Cell[InsuranceType] = Cell("insurance_type", by_kind=True)
EXPENDITURE_ITEM: Cell[ExpenditureItem] = Cell("expenditure_item", by_kind=True)
WAITING: Cell[Waiting] = Cell("waiting", by_kind=True)
CASH_WAITING: Cell[CashWaiting] = Cell("cash_waiting", by_kind=True)
INTERRUPTION: Cell[Interruption] = Cell("interruption")
TRANSFER_GAP: Cell[TransferGap] = Cell("transfer_gap")
EXCLUSIONS: Cell[Exclusions] = Cell("exclusions")
CATALOGUE: Cell[str] = Cell("catalogue")
BED_CAP: Cell[Money] = Cell("bed_cap")
DELIVERY: Cell[Payment] = Cell("delivery", by_kind=True)
MEMBER_SHARE: Cell[MemberShare] = Cell("member_share")
SETTLEMENT_QUOTA: Cell[Tariff] = Cell("settlement_quota")
QUOTA_INCLUDES_MEMBER_SHARE: Cell[bool] = Cell("quota_includes_member_share")
APPLIED_AT: Cell[AppliedAt] = Cell("applied_at")
POINT_VALUE: Cell[Money] = Cell("point_value")
ITEMISED: Cell[Itemised] = Cell("itemised")
COMPLICATION_CAPS: Cell[tuple[ConditionCap, ...]] = Cell("complication_caps")
PRENATAL: Cell[PrenatalMethod] = Cell("prenatal", by_kind=True)
PRENATAL_AMOUNT: Cell[Money] = Cell("prenatal_amount", by_kind=True)
LOSS: Cell[LossRule] = Cell("loss", by_kind=True)
FAMILY_PLANNING: Cell[SurgeryRule] = Cell("family_planning", by_kind=True)
COMPLICATION: Cell[ComplicationRule] = Cell("complication", by_kind=True)
LEAVE_DAYS: Cell[LeaveDays] = Cell("leave_days")
ALLOWANCE: Cell[Allowance] = Cell("allowance", by_kind=True)
ALLOWANCE_DUE: Cell[AllowanceDue] = Cell("allowance_due")
NUTRITION: Cell[Nutrition] = Cell("nutrition", by_kind=True)
DECIDING_DATE: Cell[DecidingDate] = Cell("deciding_date")
ROUNDING: Cell[Rounding] = Cell("rounding")
STATE_AGE_DAYS_MAX: Cell[int] = Cell("state_age_days_max")

CELLS: dict[str, Cell[Any]] = {
    found.name: found for found in tuple(globals().values()) if isinstance(found, Cell)
}
