"""Leave days, the allowance that is paid for them, and the one-off nutrition subsidy."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.policy.shapes import (
    Days,
    DeliveryMode,
    EmployerKind,
    Factor,
    Procedure,
    Rate,
    RoundingStep,
    Strict,
    Week,
    Yuan,
)


class LossDays(Strict):
    """Days after a loss before `below_week` (absent: at any later week)."""

    below_week: Week | None = None
    days: Days


def _rising(losses: tuple[LossDays, ...]) -> tuple[LossDays, ...]:
    weeks = [loss.below_week for loss in losses]
    if losses and (weeks[-1] is not None or None in weeks[:-1]):
        raise ValueError("losses: each has `below_week` save the last, which has none")
    closed = [week for week in weeks if week is not None]
    if closed != sorted(set(closed)):
        raise ValueError("losses: write them by rising `below_week`")
    return losses


class LeaveDays(Strict):
    """Days of leave that an allowance is paid for.

    A length that is absent is not known: a case that needs it is refused, never given 0.
    `outside_regulation`: in place of `birth` where the birth lay outside the population
    regulation. `dystocia_modes` are the modes that this pool calls a difficult birth. `stacking`:
    supplements add up; else only the longest counts. `still_on_leave`: who is on leave on the
    clause's first day gets its length (a transitional clause).
    """

    birth: Days
    outside_regulation: Days | None = None
    dystocia: Days | None = None
    dystocia_modes: Annotated[
        tuple[Annotated[DeliveryMode, Field(strict=False)], ...], Field(strict=False)
    ] = (DeliveryMode.ASSISTED, DeliveryMode.CESAREAN)
    extra_infant: Days | None = None
    stacking: bool = True
    losses: Annotated[tuple[LossDays, ...], Field(strict=False), AfterValidator(_rising)] = ()
    family_planning: dict[Annotated[Procedure, Field(strict=False)], Days] = Field(
        default_factory=dict
    )
    paternity: Days | None = None
    still_on_leave: bool = False


class AllowanceBase(Strict):
    """Whose average monthly wage, and of which months before the event.

    `heads`: an employer's wages are divided by its months of heads, or by its heads of December.
    `weighted`: over all employers of the time, by their months.
    """

    of: Literal["employer", "own", "pool"]
    period: Literal[
        "preceding_calendar_year", "preceding_july_june", "last_12_months", "month_of_event"
    ]
    heads: Literal["head_months", "december_heads"] | None = None
    weighted: bool = False


class Allowance(Strict):
    """How the allowance comes from base and days.

    `floor` and `ceiling` are factors of the cell `average_wage`, `minimum` an amount a month.
    `average_rounding` is for the base, `daily_rounding` for the amount of a day (absent: not
    rounded there), `rounding` for the result. `divisor` months: whole ones, days / 30 half up.
    `tops_up`: the employer adds what the wage exceeds the allowance by. `not_for`: employers whose
    people have none.
    """

    base: AllowanceBase
    divisor: Literal["30_days", "12_months_over_365_days", "months"]
    floor: Factor | None = None
    ceiling: Factor | None = None
    minimum: Yuan | None = None
    average_rounding: RoundingStep
    daily_rounding: RoundingStep | None = None
    rounding: RoundingStep
    payee: Literal["employer", "person"]
    instalments: Annotated[int, Field(ge=1, le=12)] = 1
    tops_up: bool = False
    not_for: Annotated[
        tuple[Annotated[EmployerKind, Field(strict=False)], ...], Field(strict=False)
    ] = ()


class AllowanceDue(Strict):
    """When the allowance is paid: within working days of the claim, or in a month after."""

    working_days: Annotated[int, Field(ge=1, le=90)] | None = None
    months_after_birth: Annotated[int, Field(ge=1, le=24)] | None = None
    months_after_surgery: Annotated[int, Field(ge=1, le=24)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_month = self.months_after_birth is not None and self.months_after_surgery is not None
        if (self.working_days is not None) == by_month:
            raise ValueError("write `working_days`, or both `months_after_...`")
        return self


class Nutrition(Strict):
    """The one-off subsidy: an amount, or a share of the preceding year's average wage.

    `loss_from_week`: an induction from this week on has it too.
    """

    amount: Yuan | None = None
    share_of_annual_wage: Rate | None = None
    loss_from_week: Week | None = None
    rounding: RoundingStep | None = None

    @model_validator(mode="after")
    def _amount_or_share(self) -> Self:
        if (self.amount is None) == (self.share_of_annual_wage is None):
            raise ValueError("write either `amount` or `share_of_annual_wage`")
        if (self.share_of_annual_wage is None) != (self.rounding is None):
            raise ValueError("write `rounding` exactly for a share")
        return self
