"""What statistics make of one claim, and of the run that scored it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.audit.domain.rule import Words
from services.audit.domain.series import Versions
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Challenger:
    """What the model says that does not count, beside the one that does."""

    chance: Decimal
    model: str


@dataclass(frozen=True, slots=True)
class ClaimScore:
    """The chance (0 to 1) that a claim is confirmed wrong if people review it, the money at risk
    then, why, and which features and model say so. It blocks no payment and decides nothing.

    `drawn` is a claim of the lot: to be looked at whatever its chance.
    """

    pool_code: str
    claim_id: UUID
    institution_code: str
    chance: Decimal
    at_risk: Money
    reason: Words
    versions: Versions
    challenger: Challenger | None = None
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class DriftWarning:
    """A figure outside its band: the population stability of a feature (`psi`), a model's rate of
    alarms (`alarm-rate`) or the slope of what came true on what it promised
    (`calibration-slope`). `of` names the feature or model."""

    kind: str
    of: str
    figure: Decimal
    low: Decimal
    high: Decimal


DRIFTS = ("psi", "alarm-rate", "calibration-slope")
"""The kinds of drift that are warned of."""


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """One run over a pool's claims: `likely` of them are more likely wrong than right; `reviewed`
    decisions could teach, `confirmed` of them of wrong claims."""

    pool_code: str
    claims: int
    likely: int
    features: str
    champion: str
    challenger: str | None
    reviewed: int
    confirmed: int
    warnings: tuple[DriftWarning, ...]
