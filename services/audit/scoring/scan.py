"""The window scan: the last months of each series against the hospital's own past.

The past is a level that follows the series slowly (a local level, filtered): where many cases tell
of it, it is known well; with every month that goes by it may have wandered. Months that were
already suspicious teach it little: who drives cost up is not given the new cost as its past.
Where people explained a new level, the past begins anew with it, as little known as at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from services.audit.scoring.panel import Array
from services.audit.scoring.series import LOGS, RARE, Series
from services.audit.scoring.wander import jitter_and_drift

WINDOWS = (1, 2, 3, 4, 6, 9, 12)
CUSUM_MONTHS = 6
"""What the CUSUM says is told over as many months."""
CASES_LEAST = 30
"""Under so many cases in a window nothing is said."""
_PAST_LEAST = 6
_CUSUM_K = 0.5
# Its chance is of one place to begin at; it may begin anywhere, and so raises no alarm by itself.
_CUSUM_MOST = 7.0
_DOUBT, _SURE, _STILL = 1.5, 3.0, 0.1
_EXPECTED_LEAST = 0.5
_CUSUM_WINDOW = WINDOWS.index(CUSUM_MONTHS)
_LN2 = 0.6931
_UNKNOWN = 1e6
_QUARTER = 3
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
class _Looked:
    """What is known up to a month: the series, and the own past after each month."""

    own: Array
    counts: Array
    n: Array
    noise: Array
    mean: Array
    variance: Array
    months: Array
    rising: Array

    @classmethod
    def at(cls, series: Series) -> _Looked:
        shape = series.value.shape
        rare = np.array([name in RARE for name in series.names])
        return cls(
            own=np.nan_to_num(series.own),
            counts=np.nan_to_num(series.value * series.n)[rare],
            n=series.n,
            noise=np.full(shape, np.inf),
            mean=np.zeros(shape),
            variance=np.full(shape, _UNKNOWN),
            months=np.zeros(shape),
            rising=np.zeros(shape[:2]),
        )


def scan(series: Series) -> Iterator[Scan]:
    """A scan for each month in turn, each made of that month and earlier ones alone."""
    looked = _Looked.at(series)
    logs = np.array([name in LOGS for name in series.names])
    rare = np.array([name in RARE for name in series.names])
    for t in range(series.value.shape[2]):
        if t % _QUARTER == 0:
            seen = slice(0, t + 1)
            jitter, drift = jitter_and_drift(
                looked.own[..., seen], series.variance[..., seen], looked.n[..., seen], logs
            )
        looked.noise[..., t] = np.where(
            looked.n[..., t] > 0, series.variance[..., t] + jitter[:, None], np.inf
        )
        fresh = (series.since[..., t] == t) & (t > 0)
        _rise(looked, drift, fresh, t)
        found = _look_back(looked, rare, jitter, drift, t)
        found.z[_too_new(series.since[..., t], t)] = np.nan
        suspicious = np.nan_to_num(found.z, nan=0.0).max(axis=2)
        trust = 1 - (1 - _STILL) * np.clip((suspicious - _DOUBT) / (_SURE - _DOUBT), 0, 1)
        _learn(looked, drift, np.where(fresh, 1.0, trust), fresh, t)
        yield found


def _too_new(since: Any, t: int) -> Any:
    """Channels x hospitals x windows whose past began anew and holds too few months so far."""
    before = np.array([*(t - w for w in WINDOWS), t - 1])
    began = since[..., None]
    return (began > 0) & (before - began + 1 < _PAST_LEAST)


def _learn(looked: _Looked, drift: Array, trust: Array, fresh: Any, t: int) -> None:
    """Take month t into the past, by `trust`; where it is `fresh`, as all that is known."""
    known = np.isfinite(looked.noise[..., t])
    noise = np.where(known, looked.noise[..., t], _UNKNOWN)
    before = max(t - 1, 0)
    spread = np.minimum(looked.variance[..., before] + drift[:, None], _UNKNOWN)
    spread = np.where(fresh, _UNKNOWN, spread)
    gain = np.where(known, trust * spread / (spread + noise), 0.0)
    mean = looked.mean[..., before]
    looked.mean[..., t] = mean + gain * (looked.own[..., t] - mean)
    # A gain held back learns less than it could: the variance is that of the gain taken.
    looked.variance[..., t] = (1 - gain) ** 2 * spread + gain**2 * noise
    looked.months[..., t] = np.where(fresh, 0, looked.months[..., before]) + known


def _rise(looked: _Looked, drift: Array, fresh: Any, t: int) -> None:
    """CUSUM of what each month lies above the past, with k = 0.5; from nothing where `fresh`."""
    if t == 0:
        return
    looked.rising[fresh] = 0
    ready = np.isfinite(looked.noise[..., t]) & (looked.months[..., t - 1] >= _PAST_LEAST)
    ready &= ~fresh
    spread = looked.variance[..., t - 1] + drift[:, None]
    error = np.sqrt(spread + np.where(ready, looked.noise[..., t], 1.0))
    step = (looked.own[..., t] - looked.mean[..., t - 1]) / error
    climbed = np.clip(looked.rising + step - _CUSUM_K, 0.0, _CUSUM_MOST)
    looked.rising = np.where(ready, climbed, looked.rising)


def _look_back(looked: _Looked, rare: Any, jitter: Array, drift: Array, t: int) -> Scan:
    shape = (*looked.own.shape[:2], len(WINDOWS) + 1)
    z, gain, error = (np.full(shape, np.nan) for _ in range(3))
    n = np.zeros(shape)
    latest, latest_error = _mean(looked, max(0, t - 1), t)
    for i, w in enumerate(WINDOWS):
        before = t - w
        if before < 0:
            break
        window = slice(before + 1, t + 1)
        mean, mean_error = _mean(looked, before + 1, t)
        cases = looked.n[..., window].sum(axis=2)
        # A level that wanders goes on wandering within the window.
        wandered = drift * (w + 1) * (2 * w + 1) / (6 * w)
        spread = looked.variance[..., before] + wandered[:, None]
        gain[..., i] = mean - looked.mean[..., before]
        error[..., i] = np.sqrt(spread + mean_error**2)
        n[..., i] = cases
        score = gain[..., i] / error[..., i]
        score[rare] = _of_counts(
            looked.counts[..., window].sum(axis=2),
            gain[rare, :, i],
            cases[rare],
            spread[rare] + jitter[rare, None] / w,
        )
        # What is over is no alarm of today: the latest months must still show half of it.
        still = latest - looked.mean[..., before] + latest_error > gain[..., i] / 2
        known = (cases >= CASES_LEAST) & (looked.months[..., before] >= _PAST_LEAST)
        z[..., i] = np.where(known, np.where(still, score, np.minimum(score, 0)), np.nan)
    if t > 0:
        enough = n[..., _CUSUM_WINDOW] >= CASES_LEAST
        # A hospital that is new has no past that the told window could be compared with.
        enough &= looked.months[..., max(t - CUSUM_MONTHS, 0)] > 0
        # Of few among many every one would count as a great step.
        above = enough & (latest > looked.mean[..., t - 1]) & ~rare[:, None]
        # The chance that a CUSUM with k = 0.5 climbs so high is about e^-height.
        z[..., -1] = np.where(above, -ndtri(np.exp(-np.maximum(looked.rising, _LN2))), np.nan)
        for told in (gain, error, n):
            told[..., -1] = told[..., _CUSUM_WINDOW]
    return Scan(z, gain, error, n)


def _of_counts(counts: Array, gain: Array, cases: Array, extra: Array) -> Array:
    """z of few among many: by likelihood, as two where a fifth was expected are no wonder yet."""
    expected = np.maximum(counts - gain * cases, _EXPECTED_LEAST)
    told = np.maximum(counts, _LEAST)
    deviance = 2 * (told * np.log(told / expected) - (told - expected))
    by_chance = np.sign(counts - expected) * np.sqrt(np.maximum(deviance, 0))
    return np.asarray(by_chance * np.sqrt(expected / (expected + cases**2 * extra)))


def _mean(looked: _Looked, first: int, last: int) -> tuple[Array, Array]:
    """Mean of months first..last by what each tells, and its standard error."""
    weight = 1 / looked.noise[..., first : last + 1]
    total = np.maximum(weight.sum(axis=2), _LEAST)
    value = (weight * looked.own[..., first : last + 1]).sum(axis=2)
    return value / total, np.sqrt(1 / total)
