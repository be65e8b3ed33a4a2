"""What others did in the same month: no hospital's own growth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.audit.scoring.panel import Array

PEERS_LEAST = 8


def median_of_others(values: Array) -> Array:
    """For each row, the median of the other rows by column; NaN where there is none.

    Never of itself: a group of one would find every hospital usual.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    rank = np.argsort(np.argsort(values, axis=0), axis=0)
    count = np.isfinite(values).sum(axis=0)[None, :]
    present = np.isfinite(values)
    others = count - present

    def kth(k: Array) -> Array:
        """The k-th smallest of the others: one further on where the row itself comes before."""
        at = np.where(present & (k >= rank), k + 1, k)
        return np.take_along_axis(ordered, np.clip(at, 0, len(values) - 1), axis=0)

    low, high = (others - 1) // 2, others // 2
    middle = (kth(low) + kth(high)) / 2
    return np.where(others > 0, middle, np.nan)


def peer_median(values: Array, level: npt.NDArray[np.int64]) -> Array:
    """Median of the other hospitals of the same level, of all others where a month has few."""
    everybody = median_of_others(values)
    result = everybody.copy()
    for group in np.unique(level):
        rows = level == group
        peers = median_of_others(values[rows])
        others = np.isfinite(values[rows]).sum(axis=0)[None, :] - np.isfinite(values[rows])
        result[rows] = np.where(others >= PEERS_LEAST, peers, everybody[rows])
    return result


def region_median(values: Array, region: npt.NDArray[np.int64]) -> Array:
    """Median of the region's k other hospitals, shrunk k / (k + 2): few prove little."""
    result = np.zeros_like(values)
    for group in np.unique(region):
        rows = region == group
        others = np.isfinite(values[rows]).sum(axis=0)[None, :] - np.isfinite(values[rows])
        median = np.nan_to_num(median_of_others(values[rows]))
        result[rows] = median * others / (others + 2)
    return result
