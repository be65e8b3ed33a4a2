"""What a case of its kind, severity and stay usually costs, learnt within hospitals from the past.

Every month is measured by what was known when it closed, so that its measure never changes later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.audit.scoring.panel import Array, Panel

# A stay twice as long costs 2^0.7 times as much: from records of real deliveries, for the first
# months, when a file itself says little yet.
_ELASTICITY = 0.7
_ELASTICITY_WEIGHT = 20.0
_SEVERITY_WEIGHT = 50.0
# Of a kind of case that nobody has had twice in a month nothing is known of how it spreads: what
# real births do stands for so many cases.
_SPREAD, _SPREAD_WEIGHT = 0.3, 20.0
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Means of a log by case type, hospital and month, beside what its severity (and stay) explain.

    variance: of one case about its hospital's month, by case type and month.
    """

    mean: Array
    n: Array
    variance: Array


def adjusted_cost(panel: Panel) -> Adjusted:
    """Log cost of a case at given severity and stay."""
    c = panel.cells
    elasticity = elasticity_on_stay(panel)
    by_cell = elasticity[:, None, None, :]
    y = c["cost"] - by_cell * c["stay"]
    squares = c["cost_cost"] - 2 * by_cell * c["cost_stay"] + by_cell**2 * c["stay_stay"]
    return _adjusted(y, squares, c["n"])


def adjusted_stay(panel: Panel) -> Adjusted:
    """Log days of a case at given severity."""
    return _adjusted(panel.cells["stay"], panel.cells["stay_stay"], panel.cells["n"])


def elasticity_on_stay(panel: Panel) -> Array:
    """By case type and month: log cost per log day, within hospital, month and severity, so far."""
    c = panel.cells
    n = np.maximum(c["n"], 1)
    together = (c["cost_stay"] - c["cost"] * c["stay"] / n).sum(axis=(1, 2)).cumsum(axis=-1)
    alone = (c["stay_stay"] - c["stay"] ** 2 / n).sum(axis=(1, 2)).cumsum(axis=-1)
    learnt = together + _ELASTICITY * _ELASTICITY_WEIGHT
    return np.asarray(learnt / (alone + _ELASTICITY_WEIGHT))


def _adjusted(y: Array, squares: Array, n: Array) -> Adjusted:
    effect = _effect(y.cumsum(axis=-1), n.cumsum(axis=-1))
    cases = n.sum(axis=1)
    left = (y - n * effect[:, :, None, :]).sum(axis=1)
    within = (squares - y**2 / np.maximum(n, 1)).sum(axis=(1, 2)).cumsum(axis=-1)
    freedom = np.maximum(n - 1, 0).sum(axis=(1, 2)).cumsum(axis=-1)
    return Adjusted(
        mean=np.where(cases > 0, left / np.maximum(cases, 1), np.nan),
        n=cases,
        variance=(within + _SPREAD**2 * _SPREAD_WEIGHT) / (freedom + _SPREAD_WEIGHT),
    )


def between_types(adjusted: Adjusted) -> Array:
    """By case type and month: log against a vaginal birth, within hospitals, so far."""
    y = np.nan_to_num(adjusted.mean) * adjusted.n
    return np.asarray(_effect(y.cumsum(axis=-1)[None], adjusted.n.cumsum(axis=-1)[None])[0])


def _effect(y: Array, n: Array) -> Array:
    """By the second axis (severity, case type) and month: log against its first within hospitals,
    shrunk to none."""
    effect = np.zeros((y.shape[0], y.shape[1], y.shape[3]))
    total = np.maximum(n.sum(axis=1), 1)
    for _ in range(_ROUNDS):
        own = (y - n * effect[:, :, None, :]).sum(axis=1) / total
        beyond = (y - n * own[:, None]).sum(axis=2)
        effect = beyond / (n.sum(axis=2) + _SEVERITY_WEIGHT)
        effect = effect - effect[:, :1]
    return effect
