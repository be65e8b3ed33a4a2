"""How far hospitals wander by themselves: what differs from month to month, and what stays.

Two months that lie k apart differ, beside the chance among their cases, by 2 jitter + k drift:
jitter is of a month alone, drift is kept. Both are variances, re-estimated from the months so far;
the median tells them apart from the few hospitals where something happened.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.audit.scoring.panel import Array

# What real hospitals' costs do, until a file has said enough: 0.02 a month, 0.0145 kept a month.
_COST_JITTER, _COST_DRIFT, _COST_SPREAD = 0.02, 0.0145, 0.16
_OTHER_JITTER, _OTHER_DRIFT = 0.03, 0.03
_PRIOR_PAIRS = 150.0
_PAIRS_MOST = 4000
_LAGS = (1, 2, 3, 6, 9, 12)
_RECENT_MONTHS = 24
_CASES_LEAST = 20
_MEDIAN_OF_SQUARE = 0.4549
_LEAST = 1e-10


def jitter_and_drift(own: Array, variance: Array, n: Array, logs: Array) -> tuple[Array, Array]:
    """By channel, from series (channel x hospital x month) as far as they are known.

    `logs`: channels of log cost or stay, whose prior is that of cost; of others the prior is small
    beside the spread of their cases.
    """
    recent = slice(max(0, own.shape[2] - _RECENT_MONTHS), None)
    own, variance, n = own[..., recent], variance[..., recent], n[..., recent]
    told = n >= _CASES_LEAST
    spread = np.array(
        [
            np.median((variance[c] * n[c])[told[c]]) if told[c].any() else _COST_SPREAD**2
            for c in range(len(own))
        ]
    )
    jitter = np.where(logs, _COST_JITTER**2, _OTHER_JITTER**2 * spread)
    drift = np.where(logs, _COST_DRIFT**2, _OTHER_DRIFT**2 * spread)
    for c in range(len(own)):
        lags, extra, pairs = _variogram(own[c], variance[c], told[c])
        if len(lags):
            a, b = _line(lags, extra, pairs)
            trust = pairs.sum() / (pairs.sum() + _PRIOR_PAIRS)
            jitter[c] += trust * (max(a / 2, 0.0) - jitter[c])
            drift[c] += trust * (max(b, 0.02 * drift[c]) - drift[c])
    return np.maximum(jitter, _LEAST), np.maximum(drift, _LEAST)


def _variogram(own: Array, variance: Array, told: Any) -> tuple[Array, Array, Array]:
    """Lags, what months so far apart differ by beyond chance, and the number of pairs."""
    found = []
    for lag in _LAGS:
        if lag >= own.shape[1]:
            break
        both = told[:, lag:] & told[:, :-lag]
        pairs = int(both.sum())
        if pairs < 2 * _CASES_LEAST:
            break
        some = slice(None, None, 1 + pairs // _PAIRS_MOST)
        gap = (own[:, lag:] - own[:, :-lag])[both][some]
        by_chance = (variance[:, lag:] + variance[:, :-lag])[both][some]
        found.append((lag, _beyond(gap**2, by_chance), pairs))
    lags, extra, counts = zip(*found, strict=True) if found else ((), (), ())
    return np.array(lags, float), np.array(extra, float), np.array(counts, float)


def _beyond(squares: Array, by_chance: Array) -> float:
    """About the x at which squares / (by_chance + x) have the median of a squared normal."""
    usual = float(np.median(by_chance))
    x = max(float(np.median(squares)) / _MEDIAN_OF_SQUARE - usual, 0.0)
    ratio = float(np.median(squares / (by_chance + x + _LEAST))) / _MEDIAN_OF_SQUARE
    return max((usual + x) * ratio - usual, 0.0)


def _line(lags: Array, extra: Array, weight: Array) -> tuple[float, float]:
    """Intercept and slope by weighted least squares."""
    w = weight / weight.sum()
    x, y = (w * lags).sum(), (w * extra).sum()
    spread = (w * (lags - x) ** 2).sum()
    if spread <= 0:
        return float(y), 0.0
    slope = float((w * (lags - x) * (extra - y)).sum() / spread)
    if slope <= 0:
        return float(y), 0.0
    intercept = float(y - slope * x)
    return (
        (intercept, slope)
        if intercept > 0
        else (0.0, float((w * lags * extra).sum() / (w * lags**2).sum()))
    )
