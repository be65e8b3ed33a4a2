"""A province drawn from a seed: its hospitals, prices, growth and seasons.

Spreads and elasticities are those measured on real deliveries; what differs from place to place
(inflation, sizes, shocks, reforms) is drawn anew for each seed, so that no detector can be tuned
to one world.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

V, C, A, P, F = range(5)
"""Case types: vaginal birth, cesarean, antepartum stay, prenatal visit, family planning."""
CASES = np.array(["V", "C", "A", "P", "F"])
WARM_UP = 12
"""Months without judgement: every detector needs a past."""
AFTER = 8
"""Months of births beyond the panel, so that the visits of its last months are there."""
_SPRING_FESTIVAL = tuple(
    date(*day)
    for day in (
        (2020, 1, 25), (2021, 2, 12), (2022, 2, 1), (2023, 1, 22), (2024, 2, 10),
        (2025, 1, 29), (2026, 2, 17), (2027, 2, 6),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """A price reform that was posted: from this month a region's prices change by a share."""

    region: int
    month: int
    change: float


@dataclass(frozen=True)
class World:
    """What is true before anybody cheats. Arrays are by hospital, or by hospital and month."""

    seed: int
    months: int
    start: Array
    """First days of the months, of the panel and beyond, as days since 1970."""
    level: Array
    region: Array
    volume: Array
    """Births a month, before season and trend."""
    effect: Array
    """Log cost of each case type against the province (hospital, case)."""
    tilt: Array
    """Log weights of the ten kinds of charge (hospital, kind)."""
    price: Array
    """Log price level (hospital, month): inflation, reforms, own growth, noise."""
    own_growth: Array
    """The hospital's own part of it, without what it shares with others."""
    cesarean: Array
    """Logit of the cesarean share (hospital, month)."""
    births: Array
    """Expected births (hospital, month)."""
    scans: Array
    tests: Array
    """Ultrasounds and laboratory tests against the province, as factors."""
    out_of_scope: Array
    cesarean_dearer: float
    visits: float
    """Prenatal visits of a pregnancy that has any."""
    unseen: Array
    """Share of births without a prenatal record, by hospital."""
    notices: tuple[Notice, ...]
    province_step: int | None
    """Month in which all prices of the province moved, without a notice."""

    @property
    def hospitals(self) -> int:
        return len(self.level)

    @property
    def end(self) -> int:
        """First day after the panel, as days since 1970."""
        return int(self.start[self.months])

    def month_of(self, days: Array) -> Array:
        """The number of the month in which a day lies; -1 before the panel."""
        found: Array = np.searchsorted(self.start, days, side="right") - 1
        return found


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days


def drawn_world(seed: int, hospitals: int, months: int, volume: float) -> World:
    """Draw a province; `volume` multiplies the births of every hospital."""
    draw = np.random.default_rng([seed, 1])
    total = months + AFTER
    first = int(draw.choice([0, 3, 6, 9]))
    year = int(draw.integers(2020, 2023))
    start = np.array(
        [
            day_number(date(year + (first + n) // 12, (first + n) % 12 + 1, 1))
            for n in range(total + 1)
        ]
    )
    level = draw.choice([3, 2, 1], hospitals, p=[0.28, 0.44, 0.28])
    regions = max(2, min(hospitals // 5, int(draw.integers(5, 9))))
    region = draw.integers(0, regions, hospitals)
    bigger = np.where(level == 3, 0.85, np.where(level == 2, 0.05, -0.85))
    size = np.exp(np.log(30) + bigger + draw.normal(0, 0.8, hospitals))
    size *= draw.uniform(56, 64) / size.mean() * volume
    spread = draw.uniform(0.20, 0.45)
    shared = draw.normal(0, 1, hospitals)
    effect = np.stack(
        [spread * (r * shared + np.sqrt(1 - r * r) * draw.normal(0, 1, hospitals))
         for r in (0.96, 0.96, 0.8, 0.6, 0.6)], axis=1,
    )  # fmt: skip
    effect += 0.18 * (level - 2)[:, None]
    own = _own_growth(draw, hospitals, total)
    notices, step, common = _prices(draw, regions, months, total)
    noise = draw.normal(0, draw.uniform(0.012, 0.022), (hospitals, total))
    cesarean = (
        draw.uniform(-0.75, -0.1)
        + 0.12 * (level - 2)[:, None]
        + draw.normal(0, 0.31, hospitals)[:, None]
        + np.cumsum(draw.normal(0, 0.079 / np.sqrt(12), (hospitals, total)), axis=1)
    )
    return World(
        seed=seed, months=months, start=start, level=level, region=region, volume=size,
        effect=effect, tilt=draw.normal(0, 0.15, (hospitals, 10)),
        price=own + common[region] + noise, own_growth=own, cesarean=cesarean,
        births=size[:, None] * _seasons(draw, start, hospitals, months),
        scans=np.exp(draw.normal(0, 0.2, hospitals)), tests=np.exp(draw.normal(0, 0.25, hospitals)),
        out_of_scope=draw.normal(draw.uniform(-2.9, -2.2), 0.3, hospitals),
        cesarean_dearer=draw.uniform(1.34, 1.62), visits=draw.uniform(3.4, 4.3),
        unseen=np.clip(draw.beta(4, 40, hospitals), 0.01, 0.35), notices=notices,
        province_step=step,
    )  # fmt: skip


def _own_growth(draw: np.random.Generator, hospitals: int, total: int) -> Array:
    """Log cost that a hospital gains by itself: years that resemble the year before, and a walk."""
    years = total // 12 + 1
    rate = np.empty((hospitals, years))
    rate[:, 0] = draw.normal(0, 0.04, hospitals)
    for year in range(1, years):
        rate[:, year] = 0.27 * rate[:, year - 1] + draw.normal(0, 0.0385, hospitals)
    fast = draw.random(hospitals) < 0.016
    rate[fast] += draw.uniform(0.11, 0.16)
    monthly = np.repeat(rate, 12, axis=1)[:, :total] / 12
    walk = draw.normal(0, 0.0087, (hospitals, total))
    grown: Array = np.cumsum(monthly + walk, axis=1)
    return grown


def _prices(
    draw: np.random.Generator, regions: int, months: int, total: int
) -> tuple[tuple[Notice, ...], int | None, Array]:
    """Posted reforms, a step of the whole province, both with inflation by region and month."""
    inflation = (draw.uniform(0.040, 0.044) + draw.uniform(-0.02, 0.03)) / 12
    season = draw.uniform(0, 0.012) * np.sin(
        2 * np.pi * (np.arange(total) + draw.integers(12)) / 12
    )
    walk = np.cumsum(draw.normal(0, 0.003, (regions, total)), axis=1)
    common = inflation * np.arange(total) + season + walk
    step = int(draw.integers(WARM_UP + 1, months - 3)) if draw.random() < 0.7 else None
    if step is not None:
        common[:, step:] += draw.uniform(0.03, 0.09)
    notices = []
    for region in draw.permutation(regions)[: int(draw.integers(1, min(4, regions + 1)))]:
        month = int(draw.integers(WARM_UP, months - 3))
        change = round(float(draw.choice([-1, 1, 1]) * draw.uniform(0.03, 0.12)), 3)
        # what bills really do scatters around what was posted
        common[region, month:] += np.log1p(change) * draw.uniform(0.85, 1.1)
        notices.append(Notice(int(region), month, change))
    return tuple(notices), step, common


def _seasons(draw: np.random.Generator, start: Array, hospitals: int, months: int) -> Array:
    """Factor on births: trend, season, the Spring Festival's dip, a shock, the hospital's own."""
    total = len(start) - 1
    at = np.arange(total)
    log = draw.uniform(-0.08, 0.01) / 12 * at
    log = log + draw.uniform(0.02, 0.08) * np.sin(2 * np.pi * (at + draw.integers(12)) / 12)
    dip = draw.uniform(0.10, 0.25)
    for day in _SPRING_FESTIVAL:
        number = np.searchsorted(start, day_number(day), side="right") - 1
        if 0 <= number < total and day_number(day) < start[-1]:
            log[number] -= dip
    if draw.random() < 0.5:
        month = int(draw.integers(3, months - 2))
        log[month : month + int(draw.integers(1, 3))] -= draw.uniform(0.15, 0.45)
    own = np.cumsum(draw.normal(0, 0.03, (hospitals, total)), axis=1)
    factor: Array = np.exp(log + own + draw.normal(0, 0.08, (hospitals, total)))
    return factor


def festival_days() -> Array:
    """Days on which the Spring Festival falls, as days since 1970."""
    return np.array([day_number(day) for day in _SPRING_FESTIVAL])
