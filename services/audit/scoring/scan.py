"""The window scan: the last months of each series against the hospital's own past.

The past is a level that follows the series slowly (a local level, filtered): as far as the past is
told by many cases, it is known well; with every month that goes by it may have wandered. Months that
were already suspicious teach it little: who drives cost up is not given the new cost as its past.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from services.audit.scoring.panel import Array
from services.audit.scoring.series import RARE, Series
from services.audit.scoring.wander import jitter_and_drift

WINDOWS = (1, 2, 3, 4, 6, 9, 12)
CASES_LEAST = 30
"""Under so many cases in a window nothing is said."""
_PAST_LEAST = 6
_CUSUM_K = 0.5
_CUSUM_MOST = 10.0
_DOUBT, _SURE, _STILL = 1.5, 3.0, 0.1
_EXPECTED_LEAST = 0.5
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Scan:
    """One month's look back: channels x hospitals x windows; the CUSUM is the last of them.

    z: how far the window's mean lies above the own past, in its standard errors; NaN where nothing
    can be said. gain: the difference; error: its standard error; n: cases; low: too few cases.
    """

    z: Array
    gain: Array
    error: Array
    n: Array


@dataclass(slots=True)
class _Level:
    """The own past so far, after each month: level, its variance, months it was learnt from."""

    mean: Array
    variance: Array
    months: Array


def scan(series: Series) -> Iterator[Scan]:
    """A scan for each month in turn, each made of that month and earlier ones alone."""
    own, n = series.own, series.n
    channels, hospitals, months = own.shape
    logs = np.array([name in ("cost", "stay", "visit_cost") for name in series.names])
    past = _Level(*(np.zeros((channels, hospitals, months)) for _ in range(3)))
    noise = np.full((channels, hospitals, months), np.inf)
    rising = np.zeros((channels, hospitals))
    for t in range(months):
        seen = slice(0, t + 1)
        jitter, drift = jitter_and_drift(
            own[..., seen], series.variance[..., seen], n[..., seen], logs
        )
        noise[..., t] = np.where(
            n[..., t] > 0, series.variance[..., t] + jitter[:, None], np.inf
        )
        rising = _risen(rising, own, noise, past, drift, t)
        found = _look_back(series, noise, past, jitter, drift, rising, t)
        suspicious = np.nan_to_num(found.z, nan=0.0).max(axis=2)
        trust = 1 - (1 - _STILL) * np.clip((suspicious - _DOUBT) / (_SURE - _DOUBT), 0, 1)
        _learn(past, own, noise, drift, trust, t)
        yield found


def _learn(past: _Level, own: Array, noise: Array, drift: Array, trust: Array, t: int) -> None:
    """Take month t into the past, by `trust`."""
    known = np.isfinite(noise[..., t])
    value = np.where(known, own[..., t], 0.0)
    of_month = np.where(known, noise[..., t], 1.0)
    if t == 0:
        mean, variance, months = value, np.where(known, of_month, np.inf), known.astype(float)
    else:
        before, months = past.mean[..., t - 1], past.months[..., t - 1] + known
        spread = past.variance[..., t - 1] + drift[:, None]
        gain = np.where(known, trust / (1 + of_month / np.maximum(spread, _LEAST)), 0.0)
        first = known & ~np.isfinite(past.variance[..., t - 1])
        gain = np.where(first, 1.0, gain)
        mean = before + gain * (value - before)
        # A gain held back learns less than it could: the variance is that of the gain taken.
        kept = np.where(np.isfinite(spread), (1 - gain) ** 2 * spread, np.inf)
        variance = np.where(first, of_month, kept + gain**2 * of_month)
    past.mean[..., t], past.variance[..., t], past.months[..., t] = mean, variance, months


def _risen(
    rising: Array, own: Array, noise: Array, past: _Level, drift: Array, t: int
) -> Array:
    """CUSUM of what each month lies above the past, with k = 0.5."""
    if t == 0:
        return rising
    ready = np.isfinite(noise[..., t]) & (past.months[..., t - 1] >= _PAST_LEAST)
    error = np.sqrt(past.variance[..., t - 1] + drift[:, None] + noise[..., t])
    step = np.where(ready, (own[..., t] - past.mean[..., t - 1]) / error, 0.0)
    climbed = np.clip(rising + step - _CUSUM_K, 0.0, _CUSUM_MOST)
    return np.where(ready, climbed, rising)


def _look_back(
    series: Series, noise: Array, past: _Level, jitter: Array, drift: Array, rising: Array, t: int
) -> Scan:
    channels, hospitals, _ = noise.shape
    shape = (channels, hospitals, len(WINDOWS) + 1)
    z, gain, error = (np.full(shape, np.nan) for _ in range(3))
    n = np.zeros(shape)
    latest, latest_error = _mean(series.own, noise, max(0, t - 1), t)
    rare = np.array([name in RARE for name in series.names])
    for i, w in enumerate(WINDOWS):
        before = t - w
        if before < 0:
            break
        mean, mean_error = _mean(series.own, noise, before + 1, t)
        cases = series.n[..., before + 1 : t + 1].sum(axis=2)
        wandered = drift * (w + 1) * (2 * w + 1) / (6 * w)
        beyond_chance = past.variance[..., before] + wandered[:, None]
        gain[..., i] = mean - past.mean[..., before]
        error[..., i] = np.sqrt(beyond_chance + mean_error**2)
        n[..., i] = cases
        score = gain[..., i] / error[..., i]
        counts = np.nan_to_num(series.value * series.n)[rare, :, before + 1 : t + 1].sum(axis=2)
        extra = beyond_chance[rare] + jitter[rare, None] / w
        score[rare] = _of_counts(counts, gain[rare, :, i], cases[rare], extra)
        # What is over is no alarm of today: the latest months must still show half of it.
        still = latest - past.mean[..., before] + latest_error > gain[..., i] / 2
        said = (cases >= CASES_LEAST) & (past.months[..., before] >= _PAST_LEAST) & still
        z[..., i] = np.where(said, score, np.where(cases >= CASES_LEAST, np.minimum(score, 0), np.nan))
        z[..., i] = np.where(past.months[..., before] >= _PAST_LEAST, z[..., i], np.nan)
    if t >= 1:
        enough = n[..., WINDOWS.index(3)] >= CASES_LEAST
        above = latest > past.mean[..., t - 1]
        tail = np.exp(-np.maximum(rising, 0.7))
        z[..., -1] = np.where(enough & above, -ndtri(tail), np.nan)
        widest = 6
        at = WINDOWS.index(widest)
        gain[..., -1], error[..., -1], n[..., -1] = gain[..., at], error[..., at], n[..., at]
    return Scan(z, gain, error, n)


def _of_counts(counts: Array, gain: Array, cases: Array, extra: Array) -> Array:
    """z of few among many: by likelihood, as two where a fifth was expected are no wonder yet."""
    expected = np.maximum(counts - gain * cases, _EXPECTED_LEAST)
    told = np.maximum(counts, _LEAST)
    deviance = 2 * (told * np.log(told / expected) - (told - expected))
    by_chance = np.sign(counts - expected) * np.sqrt(np.maximum(deviance, 0))
    return np.asarray(by_chance * np.sqrt(expected / (expected + cases**2 * extra)))


def _mean(own: Array, noise: Array, first: int, last: int) -> tuple[Array, Array]:
    """Mean of months first..last by what each tells, and its standard error."""
    weight = 1 / noise[..., first : last + 1]
    total = weight.sum(axis=2)
    value = (weight * np.nan_to_num(own[..., first : last + 1])).sum(axis=2)
    return value / np.maximum(total, _LEAST), np.sqrt(1 / np.maximum(total, _LEAST))
