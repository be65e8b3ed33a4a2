"""The wire form of a case for `price`: strict and closed; `price_cases` makes it a case."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from services.settlement.domain.cost import CatalogueClass
from shared.money import NOTHING, Money
from shared.period import Month
from shared.plumbing.amiss import amiss
from shared.plumbing.closed import Closed, NoFraction
from shared.plumbing.written import written_amount, written_day, written_month
from shared.policy.shapes import (
    Circumstance,
    DeliveryMode,
    EmployerKind,
    MemberKind,
    Procedure,
)

_CLASSES = {"A": "class_a", "B": "class_b", "C": "class_c"}


def _money(value: object) -> Money:
    amount = written_amount(value)
    if amount.fen < 0:
        raise amiss("below-zero")
    return amount


def _catalogue_class(value: object) -> CatalogueClass:
    if not isinstance(value, str):
        raise amiss("not-a-class")
    return CatalogueClass(_CLASSES.get(value, value))


def _no_control(value: str) -> str:
    if not value.isprintable():
        raise amiss("not-printable")
    return value


class Wire(Closed):
    """An object of a case, read into the domain's own types."""

    model_config = ConfigDict(arbitrary_types_allowed=True)


Day = Annotated[date, BeforeValidator(written_day)]
MonthText = Annotated[Month, BeforeValidator(written_month)]
MoneyText = Annotated[Money, BeforeValidator(_money)]
CaseId = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_no_control)]


class MadeUpWire(Wire):
    """A gap that was paid later: its first and last month."""

    first: MonthText
    last: MonthText


class MemberWire(Wire):
    """The insured."""

    kind: Annotated[MemberKind, Field(strict=False)]
    months_paid: Annotated[int, Field(ge=0, le=1200)] | None = None
    paid_until: MonthText | None = None
    account_available: MoneyText = NOTHING
    employer: Annotated[EmployerKind, Field(strict=False)] | None = None
    made_up: MadeUpWire | None = None
    transfer_gap_months: Annotated[int, Field(ge=0, le=120)] | None = None


class InstitutionWire(Wire):
    """The hospital."""

    level: Annotated[Literal[1, 2, 3], NoFraction] | None = None


Weeks = Annotated[int, Field(ge=1, le=50)]
Infants = Annotated[int, Field(ge=1, le=9)]
Mode = Annotated[DeliveryMode, Field(strict=False)]
ProcedureName = Annotated[Procedure, Field(strict=False)]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)]


class DeliveryWire(Wire):
    """The delivery; a complication or extra that no rule of the pool names changes nothing."""

    mode: Mode
    infants: Infants = 1
    weeks: Weeks = 40
    complications: Names = []
    extras: Names = []


class SliceWire(Wire):
    """The weeks of a head that one hospital claims."""

    from_week: Annotated[int, Field(ge=0, le=50)]
    until_week: Annotated[int, Field(ge=0, le=50)]


class PrenatalWire(Wire):
    """A check: by its unit, its week, or as a head; `used` by unit, before it."""

    unit: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    week: Annotated[int, Field(ge=0, le=50)] | None = None
    head: Literal[True] | SliceWire | None = None
    high_risk: bool = False
    first_visit: bool = False
    postnatal: bool = False
    used: dict[str, MoneyText] = {}


class LossWire(Wire):
    """A miscarriage or induction."""

    weeks: Weeks
    manner: Literal["surgical", "medical"] = "surgical"
    setting: Literal["outpatient", "inpatient"] = "inpatient"
    high_risk: bool = False
    complications: Names = []
    extras: Names = []


class SurgeryWire(Wire):
    """A family-planning surgery."""

    procedure: ProcedureName
    complications: Names = []
    extras: Names = []


class ComplicationWire(Wire):
    """A stay for a complication."""

    when: Literal["before_birth", "after_birth"]
    months_after: Annotated[int, Field(ge=0, le=120)] = 0


class EmployerWire(Wire):
    """One of several employers of the time."""

    base_monthly: MoneyText
    months: Annotated[int, Field(ge=1, le=120)]


class AllowanceWire(Wire):
    """An event with leave, and the wages that the allowance is counted from."""

    event: Literal["birth", "loss", "family_planning", "paternity"]
    mode: Mode | None = None
    infants: Infants = 1
    weeks: Weeks | None = None
    procedure: ProcedureName | None = None
    within_regulation: bool = True
    base_monthly: MoneyText | None = None
    wage_sum: MoneyText | None = None
    head_months: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    december_heads: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    employers: Annotated[list[EmployerWire], Field(max_length=24)] = []
    wage_monthly: MoneyText | None = None


class NutritionWire(Wire):
    """A birth, or an induction late enough to have the subsidy."""

    birth_on: Day | None = None
    loss_weeks: Weeks | None = None
    annual_wage: MoneyText | None = None


class ContributionWire(Wire):
    """A month's wage."""

    wage: MoneyText
    month: MonthText


class LateFeeWire(Wire):
    """Days of arrears."""

    arrears: MoneyText
    days: Annotated[int, Field(ge=0, le=36_500)]


class LineWire(Wire):
    """A fee line; class B says what is paid first, be it nothing. `bed_days` of a bed charge are
    held against the pool's bed cap."""

    amount: MoneyText
    catalogue_class: Annotated[CatalogueClass, BeforeValidator(_catalogue_class)] = Field(
        alias="class"
    )
    over_limit: MoneyText = NOTHING
    first_copay: MoneyText | None = None
    bed_days: Annotated[int, Field(ge=1, le=366)] | None = None


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


BenefitName = Literal[
    "delivery", "prenatal", "loss", "family_planning", "complication", "allowance", "nutrition",
    "contribution", "late_fee",
]  # fmt: skip
BLOCKS: frozenset[str] = frozenset(get_args(BenefitName))
"""The names of benefits, each also that of its own block."""


class CaseWire(Wire):
    """One line of `price`."""

    id: CaseId
    pool: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    benefit: BenefitName
    on: Day
    known_on: Day | None = None
    dates: DatesWire = DatesWire()
    county: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    circumstances: Annotated[
        list[Annotated[Circumstance, Field(strict=False)]], Field(max_length=20)
    ] = []
    member: MemberWire
    institution: InstitutionWire = InstitutionWire()
    cost: CostWire | None = None
    delivery: DeliveryWire | None = None
    prenatal: PrenatalWire | None = None
    loss: LossWire | None = None
    family_planning: SurgeryWire | None = None
    complication: ComplicationWire | None = None
    allowance: AllowanceWire | None = None
    nutrition: NutritionWire = NutritionWire()
    contribution: ContributionWire | None = None
    late_fee: LateFeeWire | None = None


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
