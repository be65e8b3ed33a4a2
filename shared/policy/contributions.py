"""The forms of what is paid in: rates, the bounds of the base, late fees; and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.money import Money
from shared.policy.shapes import EmployerKind, Factor, Rate, Rounding, Strict


class EmployerRate(Strict):
    """What the employer pays on the base; one contribution, the sum of its two parts.

    `only_for`: the rate is that of these kinds of employer; absent, of all.
    """

    medical: Rate
    maternity: Rate
    only_for: (
        Annotated[tuple[Annotated[EmployerKind, Field(strict=False)], ...], Field(strict=False)]
        | None
    ) = None

    @property
    def total(self) -> Decimal:
        """The one rate that is applied, and rounded, once."""
        return self.medical + self.maternity


class BaseBounds(Strict):
    """Least and highest base of a contribution, as factors of the pool's average wage."""

    floor: Factor
    ceiling: Factor

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Self:
        if self.floor >= self.ceiling:
            raise ValueError("the floor lies below the ceiling")
        return self


class LateFee(Strict):
    """What a day of arrears costs, from the first day on."""

    per_day: Rate


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed on a base: the employer's part and the individual's."""

    base: Money
    employer: Money
    individual: Money

    def total(self) -> Money:
        """Both parts, as they are paid in; not how fund and personal account divide them."""
        return self.employer + self.individual


def due(base: Money, employer: EmployerRate, individual: Decimal, rounding: Rounding) -> Due:
    """The parts of a month's contribution.

    The employer's part is the base at the sum of the medical and the maternity rate, rounded
    once: the two rounded apart differ by a fen on many bases.
    """
    step, mode = rounding.step.fen, rounding.mode
    return Due(base, base.at_rate(employer.total, mode, step), base.at_rate(individual, mode, step))


def within_bounds(
    wage: Money, bounds: BaseBounds, average_wage: Money, rounding: Rounding
) -> Money:
    """The base of a contribution: the wage, between the bounds."""
    step, mode = rounding.step.fen, rounding.mode
    least = average_wage.at_rate(bounds.floor, mode, step)
    most = average_wage.at_rate(bounds.ceiling, mode, step)
    return min(max(wage, least), most)
