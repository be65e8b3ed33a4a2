"""The series that are watched: channels by hospital and month, beside what others did.

A channel is something that a hospital can let grow without reason. Columns are made in the order of
time; a month's column needs nothing later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.audit.scoring.baselines import NewPast, past_since
from services.audit.scoring.case_mix import (
    Adjusted,
    adjusted_cost,
    adjusted_stay,
    between_types,
)
from services.audit.scoring.panel import CASES, Array, Panel
from services.audit.scoring.peers import peer_median, region_median

LOGS = ("cost", "stay", "visit_cost")
PRICED = ("cost", "visit_cost")
RARE = ("unprepared", "touching", "bare", "unprepared_late", "doubled")
CHANNELS = (
    "cost",
    "stay",
    "caesarean",
    "severity",
    "tests_share",
    "supplies_share",
    "own_share",
    "unprepared",
    "touching",
    "bare",
    "unprepared_late",
    "doubled",
    "visit_cost",
    "scans",
    "lab",
)
# Never alarmed: women who are further from term, or whom another hospital sent, need more.
CONTEXT = ("early", "received")
_COST_CASES = ("V", "C", "A", "F")
_STAY_CASES = ("V", "C", "A")
_OFFSET_WEIGHT = 30.0
_OWN_WEIGHT = 100.0
_HALF_LIFE_MONTHS = 6.0
_SETTLED_MONTHS = 3
_ENOUGH = 10
_PREGNANCY_MONTHS = 8
_LEAST = 1e-10


@dataclass(frozen=True, slots=True)
class Series:
    """Channels x hospitals x months, in the order of `names`.

    value: as measured; peers, region, notices: what of it others did or price notices explain;
    own: what is left. variance: of `own` by chance among its cases. n: cases; 0 where none.
    since: the month (column) in which the past begins that a month is compared with.
    """

    names: tuple[str, ...]
    value: Array
    peers: Array
    region: Array
    notices: Array
    variance: Array
    n: Array
    since: npt.NDArray[np.int64]

    @property
    def own(self) -> Array:
        return self.value - self.peers - self.region - self.notices


def series_of(panel: Panel, pasts: Sequence[NewPast] = ()) -> Series:
    """All channels of a panel; `pasts` are those that began anew."""
    names = (*CHANNELS, *CONTEXT)
    parts = [_measured(panel, name) for name in names]
    value, variance, n = (np.stack([part[i] for part in parts]) for i in range(3))
    notices = np.zeros_like(value)
    for name in PRICED:
        notices[names.index(name)] = panel.notices
    peers, region = _others(panel, value - notices, n)
    since = past_since(panel, names, pasts)
    return Series(names, value, peers, region, notices, variance, n, since)


def _measured(panel: Panel, name: str) -> tuple[Array, Array, Array]:
    """Mean, its variance by chance, and cases, by hospital and month."""
    if name == "cost":
        return _together(adjusted_cost(panel), _COST_CASES)
    if name == "stay":
        return _together(adjusted_stay(panel), _STAY_CASES)
    n, total, squares = panel.measures[name]
    if name in ("unprepared", "unprepared_late"):
        # A file that begins in the middle of pregnancies does not know their first visits.
        n = np.where(np.arange(n.shape[1]) < _PREGNANCY_MONTHS, 0, n)
    mean = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    within = np.where(n > 0, squares - total**2 / np.maximum(n, 1), 0).cumsum(axis=1)
    freedom = np.maximum(n - 1, 0).cumsum(axis=1)
    everywhere = within.sum(axis=0) / np.maximum(freedom.sum(axis=0), 1)
    of_one = (within + _OWN_WEIGHT * everywhere) / (freedom + _OWN_WEIGHT)
    return mean, np.maximum(of_one, _LEAST) / np.maximum(n, 1), n


def _together(adjusted: Adjusted, cases: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """Case types as one series, each beside the hospital's own usual difference between them, which
    is the difference everywhere until its own cases say otherwise.

    Otherwise a hospital whose cesareans are dear would grow dearer by doing more of them.
    """
    kept = [CASES.index(case) for case in cases]
    mean, n = adjusted.mean[kept], adjusted.n[kept]
    weight = n / adjusted.variance[kept][:, None, :]
    present = weight.sum(axis=0)
    value = np.full(present.shape, np.nan)
    everywhere = between_types(adjusted)[kept]
    sums, seen = np.zeros(n.shape[:2]), np.zeros(n.shape[:2])
    for t in range(value.shape[1]):
        typical = everywhere[:, None, t]
        offset = (sums + _OFFSET_WEIGHT * typical) / (seen + _OFFSET_WEIGHT)
        beside = np.nan_to_num(mean[..., t]) - offset
        known = present[:, t] > 0
        of_month = (weight[..., t] * beside).sum(axis=0) / np.maximum(present[:, t], _LEAST)
        value[known, t] = of_month[known]
        sums += n[..., t] * np.nan_to_num(mean[..., t] - of_month)
        seen += n[..., t]
    return value, 1 / np.maximum(present, _LEAST), n.sum(axis=0)


def _others(panel: Panel, value: Array, n: Array) -> tuple[Array, Array]:
    """What peers and region did in each month, by departures from each hospital's recent past."""
    peers, region = np.zeros_like(value), np.zeros_like(value)
    keep = 0.5 ** (1 / _HALF_LIFE_MONTHS)
    sums, weight, months = (np.zeros(value.shape[:2]) for _ in range(3))
    for t in range(value.shape[2]):
        past = sums / np.maximum(weight, _LEAST)
        settled = (months >= min(_SETTLED_MONTHS, t)) & (months > 0) & (n[..., t] >= _ENOUGH)
        departure = np.where(settled, value[..., t] - past, np.nan)
        alone = ~np.isfinite(departure).any(axis=1, keepdims=True)
        departure = np.where(alone & (months > 0), value[..., t] - past, departure)
        of_peers = np.nan_to_num(peer_median(departure.T, panel.level))
        peers[..., t] = of_peers.T
        region[..., t] = region_median(departure.T - of_peers, panel.region).T
        known = n[..., t] > 0
        own = np.where(known, value[..., t] - peers[..., t] - region[..., t], 0)
        sums = keep * sums + n[..., t] * own
        weight = keep * weight + n[..., t]
        months += known
    return peers, region
