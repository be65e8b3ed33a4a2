"""The forms that a rule's value can take, each strict, with its unit: who, when, and how exact.

An amount is a string of yuan with two decimals, as the paper prints it; a share or a rate is a
decimal from 0 to 1 (8.5 % is 0.085), never a string. What is paid: `payments.py`, `prenatal.py`;
leave, allowance and subsidy: `leave.py`; contributions: `contributions.py`.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
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


class Benefit(StrEnum):
    """What the insurance gives: medical benefits settle a bill, cash benefits pay a sum."""

    DELIVERY = "delivery"
    PRENATAL = "prenatal"
    LOSS = "loss"
    FAMILY_PLANNING = "family_planning"
    COMPLICATION = "complication"
    ALLOWANCE = "allowance"
    NUTRITION = "nutrition"


class EmployerKind(StrEnum):
    """How an employer is financed: where a rule asks, it names the rate or the allowance."""

    PUBLIC_INSTITUTION = "public_institution"
    SELF_FINANCED_INSTITUTION = "self_financed_institution"
    ENTERPRISE = "enterprise"


class Procedure(StrEnum):
    """A family-planning surgery."""

    TUBAL_LIGATION = "tubal_ligation"
    VASECTOMY = "vasectomy"
    TUBAL_REVERSAL = "tubal_reversal"
    VAS_REVERSAL = "vas_reversal"
    IUD_INSERT = "iud_insert"
    IUD_REMOVE = "iud_remove"
    IMPLANT_INSERT = "implant_insert"
    IMPLANT_REMOVE = "implant_remove"


class Circumstance(StrEnum):
    """A fact of a case that a pool's exclusions may name."""

    PUBLIC_HEALTH = "public_health"
    THIRD_PARTY_LIABLE = "third_party_liable"
    THIRD_PARTY_DOES_NOT_PAY = "third_party_does_not_pay"
    WORK_INJURY = "work_injury"
    ABROAD = "abroad"
    NOT_DESIGNATED = "not_designated"
    EMERGENCY = "emergency"
    NO_CARD = "no_card"
    INFERTILITY = "infertility"
    ASSISTED_REPRODUCTION = "assisted_reproduction"
    NEWBORN_COSTS = "newborn_costs"
    SEX_SELECTION = "sex_selection"
    SELF_HARM = "self_harm"
    MEDICAL_ACCIDENT = "medical_accident"
    OUTSIDE_REGULATION = "outside_regulation"
    ECTOPIC = "ectopic"
    MOLE = "mole"


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


def _read_decimal(value: object, info: ValidationInfo) -> Decimal:
    if info.mode == "json" and isinstance(value, str):  # only the archive's own bytes
        with suppress(InvalidOperation):
            value = Decimal(value)
    if not isinstance(value, Decimal):
        raise ValueError("write a rate as a bare decimal with a point, 0.085")
    return value


def _read_rate(value: object, info: ValidationInfo) -> Decimal:
    rate = _read_decimal(value, info)
    if not (rate.is_finite() and 0 <= rate <= 1):
        raise ValueError("write a rate from 0 to 1: 8.5 % is 0.085")
    return rate


def _read_factor(value: object, info: ValidationInfo) -> Decimal:
    factor = _read_decimal(value, info)
    if not (factor.is_finite() and 0 < factor <= 10_000):
        raise ValueError("write a factor above 0 as a bare decimal: 300 % is 3.0")
    return factor


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
Factor = Annotated[
    Decimal,
    BeforeValidator(_read_factor),
    PlainSerializer(str),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10000}),
]
Months = Annotated[int, Field(ge=0, le=120)]
Days = Annotated[int, Field(ge=0, le=400)]
Week = Annotated[int, Field(ge=0, le=50)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
"""A name of the pool's own, by which a case refers to it: a unit, an extra, a complication."""


_CircumstanceName = Annotated[Circumstance, Field(strict=False)]


class RoundingStep(Strict):
    """To which step a result is rounded, and how."""

    step: Yuan
    mode: Annotated[RoundingMode, Field(strict=False)]

    @model_validator(mode="after")
    def _step_is_positive(self) -> Self:
        if self.step.fen <= 0:
            raise ValueError('the rounding step is at least one fen, "0.01"')
        return self


class Rounding(RoundingStep):
    """Where a share is rounded: each band, or once for the sum."""

    place: Literal["each_band", "once"]


class Waiting(Strict):
    """Months of continuous payment asked for, and what medical costs get when short of them."""

    months: Months
    medical_if_short: Literal["paid", "refused"]


class CashWaiting(Strict):
    """Months asked for allowance and subsidy, and what becomes of them when short of these.

    deferred: paid once the months are reached. employer_then_fund: the employer pays, and the fund
    pays it back once `months_after` continuous months have followed the birth. pro_rata: paid
    months / asked months of the amount. refused: nothing.
    """

    months: Months
    if_short: Literal["deferred", "employer_then_fund", "pro_rata", "refused"]
    months_after: Months | None = None

    @model_validator(mode="after")
    def _says_when_the_fund_follows(self) -> Self:
        if (self.if_short == "employer_then_fund") != (self.months_after is not None):
            raise ValueError("write `months_after` exactly when the employer pays first")
        return self


class MakeUp(Strict):
    """Which gaps a later payment mends, and who bears what fell due in them.

    A gap of at most `within_months`, made up, restores continuity; `gap_paid_by` is who pays the
    benefits of the gap itself: the fund after all, the employer, or nobody.
    """

    within_months: Months
    gap_paid_by: Literal["fund", "employer", "nobody"]


class Interruption(Strict):
    """What stops when contributions stop, counted from the month after the last paid one.

    `grace_months` go on after it. `booking_grace_days`: so many days into the next month a payment
    may not be booked yet. `counts_as_paid`: what the pool takes as paid.
    """

    stops: Literal["all_benefits", "allowance"]
    grace_months: Months
    booking_grace_days: Annotated[int, Field(ge=0, le=31)] = 0
    counts_as_paid: Literal["due", "declared", "paid", "booked"] = "paid"
    make_up: MakeUp | None = None


class TransferGap(Strict):
    """Moving from another pool: a gap of at most `months`, made up, brings no waiting; after a
    longer one the waiting is at most `waiting_if_longer` months."""

    months: Months
    waiting_if_longer: Months


class Exclusions(Strict):
    """Circumstances under which the fund does not pay.

    `refused`: not paid. `unless`: what lifts that refusal and no other, by refused circumstance (an
    emergency lifts that the hospital has no agreement). `fund_first`: paid, and claimed back.
    `to_medical`: for basic medical insurance, not for maternity.
    """

    refused: Annotated[tuple[_CircumstanceName, ...], Field(strict=False)] = ()
    unless: dict[
        _CircumstanceName, Annotated[tuple[_CircumstanceName, ...], Field(strict=False)]
    ] = Field(default_factory=dict)
    fund_first: Annotated[tuple[_CircumstanceName, ...], Field(strict=False)] = ()
    to_medical: Annotated[tuple[_CircumstanceName, ...], Field(strict=False)] = ()
