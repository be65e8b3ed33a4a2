"""Has what is scored moved away from what the scores were made for? Three warnings to operators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik

from services.audit.scoring.thresholds import THRESHOLDS

Floats = NDArray[np.float64]

_BOUNDS = THRESHOLDS["drift"]
PSI_MAX: float = _BOUNDS["psi_max"]
"""Above it a distribution has shifted: the customary bound, that of the audit page."""
SLOPE_BAND: tuple[float, float] = (_BOUNDS["slope_low"], _BOUNDS["slope_high"])
"""Within it a chance that was promised is about the share that came true."""
CASES_MIN: int = _BOUNDS["cases_min"]
"""Of fewer claims on either side a distribution is not compared."""
_BAND: float = _BOUNDS["alarm_band"]
_BINS = 10
# An empty bin would make the index infinite; it counts as one in ten thousand.
_EMPTY = 1e-4
# A slope of fewer outcomes of either kind says nothing.
_OUTCOMES_MIN = 20
# So weak a penalty only bounds the slope where the outcomes are told apart without a fault.
_UNPENALISED = 1e6


@dataclass(frozen=True, slots=True)
class Warned:
    """One figure outside its band. `of` names the feature or model that it was measured on."""

    kind: Literal["psi", "alarm-rate", "calibration-slope"]
    of: str
    figure: float
    low: float
    high: float


def population_stability(reference: Floats, present: Floats) -> float:
    """The population stability index over tenths of the reference: 0 for the same distribution.

    Ties share a bin. Raises ValueError where either is empty or not finite.
    """
    for values in (reference, present):
        if len(values) == 0 or not np.isfinite(values).all():
            raise ValueError("a distribution needs finite values")
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
        / len(values)
        for values in (reference, present)
    ]
    was, now = (np.maximum(share, _EMPTY) for share in shares)
    return float(np.sum((now - was) * np.log(now / was)))


def alarm_band(n: int, rate: float) -> tuple[int, int]:
    """The least and the most alarms among `n` that a rate gives in 99 of 100 cases."""
    return _most(n, rate, (1 - _BAND) / 2), _most(n, rate, (1 + _BAND) / 2)


def _most(n: int, rate: float, chance: float) -> int:
    """The least count that a binomial stays at or under with this chance."""
    if rate <= 0:
        return 0
    near = max(int(np.ceil(bdtrik(chance, n, rate))) - 1, 0)
    return near if bdtr(near, n, rate) >= chance else near + 1


def calibration_slope(chances: Floats, came_true: Floats) -> float | None:
    """The slope of outcomes (0 or 1) on the log-odds promised: 1 is right, below is overconfident.

    None where fewer than 20 outcomes of either kind, or only one promise, are there to tell.
    """
    hits = float(came_true.sum())
    if min(hits, len(came_true) - hits) < _OUTCOMES_MIN or np.ptp(chances) == 0:
        return None
    promised = np.clip(chances, 1e-6, 1 - 1e-6)
    log_odds = np.log(promised / (1 - promised))
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=_UNPENALISED).fit(log_odds[:, None], came_true)
    return float(fitted.coef_[0, 0])


def drift_of_features(
    names: tuple[str, ...], reference: Floats, present: Floats
) -> Iterator[Warned]:
    """The features (columns) whose distribution shifted from the reference's; none of few claims,
    as chance alone shifts them."""
    if min(len(reference), len(present)) < CASES_MIN:
        return
    for at, name in enumerate(names):
        index = population_stability(reference[:, at], present[:, at])
        if index > PSI_MAX:
            yield Warned("psi", name, index, 0.0, PSI_MAX)


def drift_of_alarms(model: str, n: int, alarms: int, expected_rate: float) -> Iterator[Warned]:
    """A share of alarms that chance alone does not explain."""
    low, high = alarm_band(n, expected_rate)
    if not low <= alarms <= high:
        yield Warned("alarm-rate", model, alarms / n, low / n, high / n)


def drift_of_calibration(model: str, chances: Floats, came_true: Floats) -> Iterator[Warned]:
    """A model whose promises no longer match what reviewers found."""
    slope = calibration_slope(chances, came_true)
    if slope is not None and not SLOPE_BAND[0] <= slope <= SLOPE_BAND[1]:
        yield Warned("calibration-slope", model, slope, *SLOPE_BAND)
