"""The forms that a rule's value can take, each strict, with its unit.

An amount is a string of yuan with two decimals, as the paper prints it; a share or a rate is a
decimal from 0 to 1 (8.5 % is 0.085), never a string.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    InstanceOf,
    PlainSerializer,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from shared.money import Money, RoundingMode


class MemberKind(StrEnum):
    """How a person belongs to the insurance."""

    EMPLOYEE = "employee"
    FLEXIBLE = "flexible"
    RETIREE = "retiree"
    EARLY_RETIREE = "early_retiree"
    SPOUSE_UNEMPLOYED = "spouse_unemployed"
    UNEMPLOYMENT_BENEFIT = "unemployment_benefit"


class DeliveryMode(StrEnum):
    """How the child was born: a fact of the record, not yet a rule's word (see dystocia)."""

    VAGINAL = "vaginal"
    ASSISTED = "assisted"
    CESAREAN = "cesarean"


class InsuranceType(StrEnum):
    """The registration that a settlement runs under, with the national code."""

    MEDICAL = "310"
    MATERNITY = "510"


class ExpenditureItem(StrEnum):
    """The line under pooled-fund benefit expenditure that bears the payment."""

    MATERNITY = "maternity"
    MEDICAL = "medical"


class DecidingDate(StrEnum):
    """Which of a case's four dates chooses the rule."""

    ADMITTED = "admitted"
    EVENT = "event"
    DISCHARGED = "discharged"
    SETTLED = "settled"


class AppliedAt(StrEnum):
    """Where the quota takes effect: in the month's clearing, or already on the receipt."""

    CLEARING = "clearing"
    DESK = "desk"


class Strict(BaseModel):
    """Closed, frozen, without conversions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _read_yuan(value: object) -> Money:
    if isinstance(value, Money):
        return value
    try:
        amount = Money.from_wire(value)  # type: ignore[arg-type]
    except ValueError:
        raise ValueError(
            'write an amount as a string of yuan with exactly two decimals, "4500.00"'
        ) from None
    if amount.fen < 0:
        raise ValueError("an amount of a rule is not negative")
    return amount


def _read_rate(value: object, info: ValidationInfo) -> Decimal:
    if info.mode == "json" and isinstance(value, str):  # only the archive's own bytes
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError("write a rate as a bare decimal with a point, 0.085")
    if not (value.is_finite() and 0 <= value <= 1):
        raise ValueError("write a rate from 0 to 1: 8.5 % is 0.085")
    return value


Yuan = Annotated[
    Money,
    InstanceOf[Money],
    BeforeValidator(_read_yuan),
    PlainSerializer(Money.to_wire),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]{0,12})\.[0-9]{2}$"}),
]
Rate = Annotated[
    Decimal,
    BeforeValidator(_read_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
Months = Annotated[int, Field(ge=0, le=120)]


class EmployerRate(Strict):
    """What the employer pays on the base; one contribution, the sum of its two parts."""

    medical: Rate
    maternity: Rate

    @property
    def total(self) -> Decimal:
        """The one rate that is applied, and rounded, once."""
        return self.medical + self.maternity


class Rounding(Strict):
    """Where a share is rounded (each band, or once for the sum), to which step, and how."""

    place: Literal["each_band", "once"]
    step: Yuan
    mode: Annotated[RoundingMode, Field(strict=False)]

    @model_validator(mode="after")
    def _step_is_positive(self) -> Self:
        if self.step.fen <= 0:
            raise ValueError('the rounding step is at least one fen, "0.01"')
        return self


class Waiting(Strict):
    """Months of continuous payment asked for, and what medical costs get when short of them."""

    months: Months
    medical_if_short: Literal["paid", "refused"]


class Interruption(Strict):
    """What stops when contributions stop, counted from the month after the last paid one."""

    stops: Literal["all_benefits", "allowance"]
    grace_months: Months


class ByMode(Strict):
    """An amount for each mode of delivery."""

    vaginal: Yuan
    assisted: Yuan
    cesarean: Yuan

    def amount(self, mode: DeliveryMode, level: int | None) -> Money:
        """The amount for `mode`; the level of the hospital does not matter."""
        del level
        amount: Money = getattr(self, mode.value)
        return amount


class ByLevel(Strict):
    """An amount for each level of hospital and mode of delivery."""

    level_1: ByMode
    level_2: ByMode
    level_3: ByMode

    def amount(self, mode: DeliveryMode, level: int | None) -> Money | None:
        """The amount for `mode` at `level`; None where the level is not stated."""
        return None if level is None else self.of(mode, level)

    def of(self, mode: DeliveryMode, level: int) -> Money:
        """The amount for `mode` at `level`."""
        of_level: ByMode = getattr(self, f"level_{level}")
        return of_level.amount(mode, level)


def _tariff_form(value: Any) -> str:
    if isinstance(value, dict):
        return "by_level" if any(str(key).startswith("level_") for key in value) else "by_mode"
    return "by_level" if isinstance(value, ByLevel) else "by_mode"


Tariff = Annotated[
    Annotated[ByMode, Tag("by_mode")] | Annotated[ByLevel, Tag("by_level")],
    Discriminator(_tariff_form),
]


class LumpSum(Strict):
    """A sum to the insured's credit, never above the bill."""

    method: Literal["lump_sum"]
    amounts: Tariff
    extra_infant: Yuan


class Cap(Strict):
    """The in-scope cost, at most this much."""

    method: Literal["cap"]
    amounts: Tariff
    extra_infant: Yuan


class Quota(Strict):
    """The hospital is paid per case: what, says `settlement_quota`; the member's part,
    `member_share`."""

    method: Literal["quota"]


class Banded(Strict):
    """The in-scope cost less the member's banded share (`member_share`)."""

    method: Literal["banded"]


class Full(Strict):
    """The in-scope cost in full."""

    method: Literal["full"]


DeliveryMethod = Annotated[LumpSum | Cap | Quota | Banded | Full, Field(discriminator="method")]


class Band(Strict):
    """The member's share of the cost above the band before, up to `up_to` (absent: without end)."""

    up_to: Yuan | None = None
    share: Rate


def _rising_and_open(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    limits = [band.up_to for band in bands]
    if not limits or limits[-1] is not None or None in limits[:-1]:
        raise ValueError("bands: each has `up_to` save the last, which has none")
    closed = [limit.fen for limit in limits if limit is not None]
    if closed != sorted(set(closed)) or (closed and closed[0] <= 0):
        raise ValueError("bands: write them by rising `up_to`")
    return bands


Bands = Annotated[tuple[Band, ...], Field(strict=False), AfterValidator(_rising_and_open)]


class BandsByMode(Strict):
    """Bands for each mode of delivery."""

    vaginal: Bands
    assisted: Bands
    cesarean: Bands


class MemberShare(Strict):
    """What the member pays of the in-scope cost, by level of the hospital."""

    level_1: BandsByMode
    level_2: BandsByMode
    level_3: BandsByMode

    def bands(self, mode: DeliveryMode, level: int) -> tuple[Band, ...]:
        """The bands for `mode` at `level`."""
        found: tuple[Band, ...] = getattr(getattr(self, f"level_{level}"), mode.value)
        return found
