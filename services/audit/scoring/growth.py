"""Growth of a pool's institutions, from its claims to what the service keeps and people review."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from services.audit.domain.rule import Words
from services.audit.domain.series import (
    ChannelMonth,
    Loudest,
    SeriesFinding,
    SeriesMonth,
    Versions,
)
from services.audit.scoring.baselines import NewPast
from services.audit.scoring.claims_file import History
from services.audit.scoring.contributors import Alarm, contributors
from services.audit.scoring.features import marks, with_marks
from services.audit.scoring.hospital_scores import Scored, scores_of
from services.audit.scoring.panel import Panel, panel_of
from services.audit.scoring.price_notices import PriceStep, month_name, month_number
from services.audit.scoring.series import CHANNELS, Series, series_of
from services.audit.scoring.told import Told, told_of, with_contributors
from shared.money import Money

VERSIONS = Versions(features="features-2", model="window-scan-1")
ALARM_SCORE = 4.0
"""From this score on a month is flagged: of the benchmark's clean hospital-months, which may alarm
5 times in 1,000, about 3 reach it (docs/audit-benchmark.md)."""


@dataclass(frozen=True, slots=True)
class Growth:
    """All months with claims, by institution and month, and those that are alarms."""

    months: list[SeriesMonth]
    alarms: list[SeriesFinding]
    versions: Versions


def growth_of(
    history: History,
    pool_code: str,
    steps: Sequence[PriceStep] = (),
    pasts: Sequence[NewPast] = (),
) -> Growth:
    """Score all months of a pool's claims, beside price notices and the pasts begun anew."""
    features = with_marks(history.claims, history.kept("marks", marks(history.claims)))
    panel = panel_of(features, steps)
    series = series_of(panel, pasts)
    scored = scores_of(series)
    months = list(_months(panel, series, scored))
    alarms = [_alarm(pool_code, one) for one in months if one.loudest and one.score >= ALARM_SCORE]
    resting_on = contributors(features, [_looked_at(alarm) for alarm in alarms])
    named = [
        replace(alarm, contributors=claims, reason=with_contributors(alarm.reason, claims))
        for alarm, claims in zip(alarms, resting_on, strict=True)
    ]
    return Growth(months, named, VERSIONS)


def _months(panel: Panel, series: Series, scored: Scored) -> Iterator[SeriesMonth]:
    for hospital, t in zip(*(at.tolist() for at in np.nonzero(panel.claims)), strict=True):
        told = told_of(panel, series, scored, hospital, t)
        yield SeriesMonth(
            institution_code=panel.hospitals[hospital],
            month=month_name(panel.first + t),
            claims=int(panel.claims[hospital, t]),
            score=_decimal(told.score),
            loudest=_loudest(told),
            reason=Words(zh=told.zh, en=told.en),
            channels=dict(_channels(series, scored, hospital, t)),
        )


def _loudest(told: Told) -> Loudest | None:
    if told.loud is None:
        return None
    spent, excess = (Money(round(100 * yuan)) for yuan in (told.loud.spent, told.loud.excess))
    return Loudest(told.loud.channel, told.loud.window, told.loud.n, spent - excess, spent)


def _channels(
    series: Series, scored: Scored, hospital: int, t: int
) -> Iterator[tuple[str, ChannelMonth]]:
    own = series.own
    for index, name in enumerate(CHANNELS):
        if series.n[index, hospital, t] > 0 and math.isfinite(own[index, hospital, t]):
            z = float(scored.z[index, hospital, t])
            yield (
                name,
                ChannelMonth(
                    value=_decimal(series.value[index, hospital, t]),
                    own=_decimal(own[index, hospital, t]),
                    cases=int(series.n[index, hospital, t]),
                    score=_decimal(z) if math.isfinite(z) else None,
                ),
            )


def _looked_at(alarm: SeriesFinding) -> Alarm:
    last = month_number(alarm.month)
    first = last - alarm.window_months + 1
    return Alarm(alarm.institution_code, alarm.channel, first, last)


def _alarm(pool_code: str, one: SeriesMonth) -> SeriesFinding:
    assert one.loudest is not None  # noqa: S101 - asked before
    return SeriesFinding(
        pool_code=pool_code,
        institution_code=one.institution_code,
        channel=one.loudest.channel,
        month=one.month,
        score=one.score,
        window_months=one.loudest.window_months,
        cases=one.loudest.cases,
        expected=one.loudest.expected,
        actual=one.loudest.actual,
        reason=one.reason,
        features=VERSIONS.features,
        model=VERSIONS.model,
    )


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.4f}")
