"""Each drift warning is silent on the same distribution and speaks when drift is planted."""

from __future__ import annotations

import numpy as np
import pytest

from services.audit.scoring.drift import (
    alarm_band,
    calibration_slope,
    drift_of_alarms,
    drift_of_calibration,
    drift_of_features,
    population_stability,
)


def test_index_of_a_shift_that_is_known_by_hand() -> None:
    # Ten equal bins; all of the first moves into the last: (0.0001 - 0.1) ln(0.001) + 0.1 ln 2.
    reference = np.arange(1000.0)
    present = np.where(reference < 100, 999.0, reference)
    by_hand = (1e-4 - 0.1) * np.log(1e-3) + 0.1 * np.log(2)
    assert population_stability(reference, present) == pytest.approx(by_hand, rel=0.02)
    assert population_stability(reference, reference) == pytest.approx(0, abs=1e-6)


def test_a_feature_that_shifted_is_named_and_no_other() -> None:
    drawn = np.random.default_rng(7)
    reference = drawn.normal(size=(5000, 2))
    present = drawn.normal(size=(5000, 2)) + np.array([0.0, 0.7])
    warned = list(drift_of_features(("steady", "shifted"), reference, present))
    assert [w.of for w in warned] == ["shifted"]
    assert warned[0].figure > 0.2


def test_no_distribution_is_not_the_same_distribution() -> None:
    with pytest.raises(ValueError, match="finite"):
        population_stability(np.array([1.0]), np.array([np.nan]))


def test_alarms_outside_their_binomial_band() -> None:
    low, high = alarm_band(10_000, 0.005)
    assert low < 50 < high
    assert not list(drift_of_alarms("m", 10_000, 50, 0.005))
    assert [w.kind for w in drift_of_alarms("m", 10_000, 90, 0.005)] == ["alarm-rate"]
    assert list(drift_of_alarms("m", 10_000, 10, 0.005)), "too few alarms are drift as well"


@pytest.mark.parametrize(("stretch", "warned"), [(1.0, False), (2.5, True), (0.4, True)])
def test_promises_that_are_too_bold_or_too_shy(stretch: float, warned: bool) -> None:
    drawn = np.random.default_rng(7)
    log_odds = drawn.normal(-1, 1.5, size=20_000)
    came_true = (drawn.random(20_000) < 1 / (1 + np.exp(-log_odds))).astype(float)
    promised = 1 / (1 + np.exp(-stretch * log_odds))
    slope = calibration_slope(promised, came_true)
    assert slope == pytest.approx(1 / stretch, rel=0.1)
    assert bool(list(drift_of_calibration("m", promised, came_true))) is warned


def test_too_few_outcomes_say_nothing() -> None:
    assert calibration_slope(np.linspace(0.1, 0.9, 50), np.zeros(50)) is None
