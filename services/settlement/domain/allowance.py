"""Claims of the maternity allowance and of the nutrition subsidy, as the record states them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.money import Money
from shared.policy.shapes import DeliveryMode, Procedure

Event = Literal["birth", "loss", "family_planning", "paternity"]


@dataclass(frozen=True, slots=True)
class EmployerWage:
    """An employer's average monthly wage, and the months that she worked there."""

    base_monthly: Money
    months: int

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ValueError("an employer of at least one month")


@dataclass(frozen=True, slots=True)
class Base:
    """The wages that an allowance is counted from, in one of the three ways to state them."""

    base_monthly: Money | None = None
    wage_sum: Money | None = None
    heads: int | None = None
    employers: tuple[EmployerWage, ...] = ()


@dataclass(frozen=True, slots=True)
class AllowanceClaim:
    """What an allowance is claimed for, and the wages it is counted from.

    The wages: `base_monthly`; or the sum of all wages of a time and the heads that it is divided
    by (`heads`: months of heads, or a December's heads x 12); or several employers. None of them:
    the days are known and the amount is not. `wage_monthly` is her own, where the employer tops up.
    """

    event: Event
    mode: DeliveryMode | None = None
    infants: int = 1
    weeks: int = 40
    procedure: Procedure | None = None
    within_regulation: bool = True
    base_monthly: Money | None = None
    wage_sum: Money | None = None
    heads: int | None = None
    employers: tuple[EmployerWage, ...] = ()
    wage_monthly: Money | None = None

    def __post_init__(self) -> None:
        if self.heads is not None and self.heads < 1:
            raise ValueError("at least one head")
        if (self.wage_sum is None) != (self.heads is None):
            raise ValueError("a sum of wages goes with its heads")
        given = (self.base_monthly is not None, self.wage_sum is not None, bool(self.employers))
        if sum(given) > 1:
            raise ValueError("one way to state the base")


@dataclass(frozen=True, slots=True)
class NutritionClaim:
    """A birth, or a loss in week `loss_weeks`; `annual_wage` where the rule is a share of it."""

    loss_weeks: int | None = None
    annual_wage: Money | None = None
