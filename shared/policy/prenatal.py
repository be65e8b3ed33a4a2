"""How prenatal and postnatal checks are paid: per capita, per unit, by stage, to one limit, or by a
fixed sum. The amount of a whole pregnancy stands in the cell `prenatal_amount`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.policy.shapes import Name, Strict, Week, Yuan

Excess = Literal["member", "other_fund"]
"""Who bears the in-scope cost above a limit: the member, or the ordinary outpatient pooling."""


class PerCapita(Strict):
    """A head for each pregnancy, to the designated hospital, whatever the checks cost it.

    On a transfer the head is apportioned: by weeks of `weeks`, or it stays with the first hospital,
    or goes to the last. `includes_postnatal`: the check after the birth is in it.
    """

    method: Literal["per_capita"]
    transfer: Literal["pro_rata_weeks", "first_keeps", "last_takes"]
    includes_postnatal: bool
    weeks: Annotated[int, Field(ge=1, le=50)] = 40


class Unit(Strict):
    """A window of gestation, `from_week` up to (not including) `below_week`, and its limit.

    `high_risk_earlier`: women whom the high-risk rule sends to a better hospital use this unit
    before its window.
    """

    id: Name
    from_week: Week = 0
    below_week: Week | None = None
    limit: Yuan
    high_risk_earlier: bool = False


def _in_order(units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    if len({unit.id for unit in units}) != len(units):
        raise ValueError("name each unit once")
    reached: int | None = 0
    for unit in units:
        if unit.from_week != reached:
            raise ValueError(f"the window of {unit.id} begins where the one before ends")
        if unit.below_week is not None and unit.below_week <= unit.from_week:
            raise ValueError(f"the window of {unit.id} ends after it begins")
        reached = unit.below_week
    if reached is not None:
        raise ValueError("the last window has no end: leave `below_week` out")
    return units


Units = Annotated[tuple[Unit, ...], Field(strict=False, min_length=1), AfterValidator(_in_order)]


class PerUnit(Strict):
    """Each unit has a limit of its own; what one leaves unused does not carry over."""

    method: Literal["per_unit"]
    units: Units
    excess: Excess


class Staged(Strict):
    """Stages whose limits add up as the pregnancy goes on: what an earlier one left may be used."""

    method: Literal["staged"]
    stages: Units
    excess: Excess


class OneLimit(Strict):
    """The in-scope cost up to one limit for the pregnancy; the first visit may have its own."""

    method: Literal["one_limit"]
    excess: Excess
    first_visit: Yuan | None = None


class FixedSum(Strict):
    """One sum for the pregnancy, to the insured's credit, once; above the bill only where the
    clause says so."""

    method: Literal["fixed_sum"]
    even_above_bill: bool = False


PrenatalMethod = Annotated[
    PerCapita | PerUnit | Staged | OneLimit | FixedSum, Field(discriminator="method")
]
