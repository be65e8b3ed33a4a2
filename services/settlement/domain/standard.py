"""The standard amount of a treatment: what its tariff names, with all that raises or lowers it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, assert_never

from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.shares import percent
from services.settlement.domain.steps import Step, StepKind, Value
from services.settlement.domain.treatment import Treatment
from shared.money import Money
from shared.policy.book import Day
from shared.policy.cells import POINT_VALUE, ROUNDING, SETTLEMENT_QUOTA
from shared.policy.payments import (
    Cap,
    ExtraInfant,
    LumpSum,
    Points,
    PointsByMode,
    Quota,
    ShareOfAmount,
    Subsidy,
    Tariff,
)
from shared.policy.rules import Citation


class Standard(NamedTuple):
    """An amount, the steps that made it, and the versions of rules that it used."""

    amount: Money
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...] = ()


Supplemented = LumpSum | Cap | Quota | Points | Subsidy
"""The methods that have an amount of their own, which circumstances raise or lower."""


def standard_of(
    treatment: Treatment, method: Supplemented, rules: Day
) -> Standard | Refused | None:
    """The standard of a treatment on a day; None where no quota is known. Raises NoRule."""
    of_treatment = (treatment.mode, treatment.level, treatment.infants, treatment.extras)
    key = ("standard", treatment.rate_id, treatment.name, of_treatment)
    found = rules.remember(key, lambda: _Found(_add_up(treatment, method, rules)))
    return found.standard


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, which may be that there is none."""

    standard: Standard | Refused | None


def _add_up(treatment: Treatment, method: Supplemented, rules: Day) -> Standard | Refused | None:
    base = _base(treatment, method, rules)
    if base is None or isinstance(base, Refused):
        return base
    amount, steps = base.amount, [*base.steps]
    more = treatment.infants - 1
    if more and method.extra_infant is not None:
        each = _each_infant(base.amount, method.extra_infant, rules)
        added = each.times(more)
        values: tuple[tuple[str, Value], ...] = (("infants", more), ("each", each))
        steps.append(Step(StepKind.EXTRA_INFANTS, treatment.cited, added, values))
        amount += added
    for extra in method.extras:
        if extra.name in treatment.extras:
            found = extra.adds.amount(treatment.mode, treatment.level)
            if found is None:
                return Refused(Refusal.LEVEL_NOT_STATED, treatment.cited)
            steps.append(Step(StepKind.EXTRA, treatment.cited, found, (("name", extra.name),)))
            amount += found
    if method.portion is not None:
        amount = _rounded(amount, method.portion, rules)
        portion = (("percent", percent(method.portion)),)
        steps.append(Step(StepKind.PORTION, treatment.cited, amount, portion))
    return Standard(amount, tuple(steps), base.rate_ids)


def _base(treatment: Treatment, method: Supplemented, rules: Day) -> Standard | Refused | None:
    """The amount of the tariff itself."""
    match method:
        case Points():
            return _points(treatment, method, rules)
        case Quota():
            return _of_tariff(treatment, method, StepKind.QUOTA, rules)
        case LumpSum():
            return _of_tariff(treatment, method, StepKind.LUMP_SUM, rules)
        case Cap():
            return _of_tariff(treatment, method, StepKind.CAP, rules)
        case Subsidy():
            return _of_tariff(treatment, method, StepKind.SUBSIDY, rules)
        case _:
            assert_never(method)


def _of_tariff(
    treatment: Treatment, method: LumpSum | Cap | Quota | Subsidy, kind: StepKind, rules: Day
) -> Standard | Refused | None:
    tariff: Tariff | None = method.amounts
    cited = treatment.cited
    rate_ids: tuple[str, ...] = ()
    if tariff is None:
        quota = rules.ask_if_any(SETTLEMENT_QUOTA) if treatment.mode is not None else None
        if quota is None or treatment.level is None:
            return None
        tariff, cited, rate_ids = quota.value, quota.citation, (quota.rate_id,)
    amount = tariff.amount(treatment.mode, treatment.level)
    if amount is None:
        return Refused(Refusal.LEVEL_NOT_STATED, cited)
    return Standard(amount, (_named(treatment, kind, cited, amount),), rate_ids)


def _named(treatment: Treatment, kind: StepKind, cited: Citation, amount: Money) -> Step:
    of_level = kind is StepKind.QUOTA
    if treatment.mode is None or (of_level and treatment.level is None):
        return Step(StepKind.STANDARD_AMOUNT, cited, amount, (("what", treatment.name),))
    values: tuple[tuple[str, Value], ...] = (("mode", treatment.mode.value),)
    if of_level and treatment.level is not None:
        values = (*values, ("level", treatment.level))
    return Step(kind, cited, amount, values)


def _points(treatment: Treatment, method: Points, rules: Day) -> Standard | Refused:
    points = method.points
    if isinstance(points, PointsByMode):
        assert treatment.mode is not None  # noqa: S101 - only a delivery has points by mode
        points = getattr(points, treatment.mode.value)
    value, rounding = rules.ask(POINT_VALUE), rules.ask(ROUNDING)
    amount = value.value.at_rate(points, rounding.value.mode, rounding.value.step.fen)
    values = (("points", f"{points:f}"), ("value", value.value))
    step = Step(StepKind.POINTS, value.citation, amount, values)
    return Standard(amount, (step,), (value.rate_id, rounding.rate_id))


def _each_infant(amount: Money, extra: ExtraInfant, rules: Day) -> Money:
    return _rounded(amount, extra.share, rules) if isinstance(extra, ShareOfAmount) else extra


def _rounded(amount: Money, rate: Decimal, rules: Day) -> Money:
    rounding = rules.ask(ROUNDING).value
    return amount.at_rate(rate, rounding.mode, rounding.step.fen)
