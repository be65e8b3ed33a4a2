"""The score of every hospital-month: the calibrated maximum of its scan.

Each channel and window is measured by what it usually says of hospitals, so that a channel that is
restless by nature does not outshout the others. What is usual is learnt from the months so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.audit.scoring.panel import Array
from services.audit.scoring.scan import scan
from services.audit.scoring.series import CHANNELS, Series

_PRIOR_MONTHS = 150.0
_UPPER, _UPPER_NORMAL = 0.9, 1.2816
_SCALE_LEAST = 1.0
_REFERRED = 2.0
# What more severe cases raise by themselves.
_BY_SEVERITY = [
    CHANNELS.index(name)
    for name in ("cost", "stay", "caesarean", "severity", "tests_share", "supplies_share")
]


@dataclass(frozen=True, slots=True)
class Scored:
    """By hospital and month: score, and the channel and window that gave it (indexes; -1 none).

    gain, error, n: of that window, in the channel's measure. z: every channel's best.
    referral: lowered, because the women themselves have changed.
    """

    score: Array
    channel: npt.NDArray[np.int64]
    window: npt.NDArray[np.int64]
    gain: Array
    error: Array
    n: Array
    z: Array
    referral: npt.NDArray[np.bool_]


def scores_of(series: Series) -> Scored:
    """Score all months; each by its own and earlier months alone."""
    _, hospitals, months = series.value.shape
    score = np.zeros((hospitals, months))
    channel, window = (np.full((hospitals, months), -1) for _ in range(2))
    gain, error, n = (np.zeros((hospitals, months)) for _ in range(3))
    best = np.full((len(CHANNELS), hospitals, months), np.nan)
    referral = np.zeros((hospitals, months), dtype=bool)
    usual = _Usual()
    for t, found in enumerate(scan(series)):
        z = usual.measure(found.z)
        less = _less_by_referral(z)
        watched = z[: len(CHANNELS)].copy()
        watched[_BY_SEVERITY] *= less[:, None]
        flat = np.where(np.isfinite(watched), watched, -np.inf).swapaxes(0, 1)
        flat = flat.reshape(hospitals, -1)
        at = flat.argmax(axis=1)
        rows = np.arange(hospitals)
        known = np.isfinite(flat[rows, at])
        c, w = at // z.shape[2], at % z.shape[2]
        score[known, t] = flat[rows, at][known]
        channel[known, t], window[known, t] = c[known], w[known]
        for into, values in ((gain, found.gain), (error, found.error), (n, found.n)):
            into[known, t] = values[c, rows, w][known]
        best[..., t] = np.where(np.isfinite(watched), watched, -np.inf).max(axis=2)
        referral[:, t] = known & (less < 1) & np.isin(c, _BY_SEVERITY)
    return Scored(score, channel, window, gain, error, n, best, referral)


def _less_by_referral(z: Array) -> Array:
    """By hospital, a factor under 1 where the women have changed: earlier births, transfers."""
    context = np.nan_to_num(z[len(CHANNELS) :], nan=0.0).max(axis=(0, 2))
    return np.asarray(1 / (1 + np.maximum(context - _REFERRED, 0)))


class _Usual:
    """Middle and spread of what each channel and window said so far."""

    def __init__(self) -> None:
        self._said: list[Array] = []

    def measure(self, z: Array) -> Array:
        """The scan in units of its usual spread, this month included."""
        self._said.append(z)
        so_far = np.concatenate(self._said, axis=1)
        count = np.isfinite(so_far).sum(axis=1)
        filled = np.where(np.isfinite(so_far), so_far, 0.0)
        middle, upper = np.quantile(filled, (0.5, _UPPER), axis=1)
        spread = (upper - middle) / _UPPER_NORMAL
        trust = count / (count + _PRIOR_MONTHS)
        scale = np.maximum(1 + trust * (spread - 1), _SCALE_LEAST)
        return np.asarray(z / scale[:, None, :])
