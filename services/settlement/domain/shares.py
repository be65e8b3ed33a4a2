"""What the member pays of the in-scope cost: band by band, by level of the hospital."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.policy.payments import Band
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import Rounding


@dataclass(frozen=True, slots=True)
class Shares:
    """The sum of the shares, and the steps that made it."""

    amount: Money
    steps: tuple[Step, ...]


def banded_shares(
    in_scope: Money, bands: Sequence[Band], cited: Citation, rounding: Sourced[Rounding]
) -> Shares:
    """The marginal shares of `in_scope`: each band bears its own rate, rounded as the pool says."""
    steps: list[Step] = []
    unrounded = Decimal(0)
    amount = NOTHING
    lower = NOTHING
    for band in bands:
        upper = in_scope if band.up_to is None else min(in_scope, band.up_to)
        if band.share and upper > lower:
            part = _rounded((upper - lower), band.share, rounding.value)
            amount += part
            unrounded += (upper - lower).fen * band.share
            steps.append(_band_step(cited, part, lower, upper, band.share))
        lower = upper
    if not steps:
        return Shares(NOTHING, (Step(StepKind.NO_SHARE, cited, NOTHING),))
    if rounding.value.place == "once":
        at_once = _rounded_fen(unrounded, rounding.value)
        if at_once != amount:
            steps.append(Step(StepKind.SHARE_ROUNDED, rounding.citation, at_once))
        amount = at_once
    return Shares(min(amount, in_scope), tuple(steps))


def _band_step(cited: Citation, part: Money, lower: Money, upper: Money, share: Decimal) -> Step:
    values = (
        ("from", lower),
        ("to", upper),
        ("percent", percent(share)),
    )
    return Step(StepKind.BAND_SHARE, cited, part, values)


def percent(rate: Decimal) -> str:
    """A rate as people read it: 0.085 is "8.5"."""
    text = f"{rate * 100:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(amount: Money, rate: Decimal, rounding: Rounding) -> Money:
    return amount.at_rate(rate, rounding.mode, rounding.step.fen)


def _rounded_fen(fen: Decimal, rounding: Rounding) -> Money:
    """A sum that is not yet whole fen, rounded once."""
    return Money(1).at_rate(fen, rounding.mode, rounding.step.fen)
