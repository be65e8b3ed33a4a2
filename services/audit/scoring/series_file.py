"""What is written of hospital-months: series_flags.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ibis.expr import types as ir

from services.audit.domain.rule import Words
from services.audit.domain.series import Contributor
from services.audit.scoring.contributors import Alarm, contributors
from services.audit.scoring.growth import ALARM_SCORE
from services.audit.scoring.hospital_scores import Scored
from services.audit.scoring.panel import Panel
from services.audit.scoring.price_notices import month_name
from services.audit.scoring.series import CHANNELS, Series
from services.audit.scoring.told import months_of, told_of, with_contributors

COLUMNS = (
    "hospital_id",
    "month",
    "score",
    "channel",
    "window",
    "n",
    "expected",
    "actual",
    "excess_yuan",
    "reason",
)


def write_series_flags(
    panel: Panel, series: Series, scored: Scored, features: ir.Table, path: Path
) -> None:
    """Write every hospital-month with claims, by hospital and month; the reasons of alarms name the
    claims that contribute most. `features` are `features.claim_features` of the same claims."""
    places = list(zip(*np.nonzero(scored.score >= ALARM_SCORE), strict=True))
    alarms = [_alarm(panel, scored, int(hospital), int(t)) for hospital, t in places]
    resting_on = dict(zip(places, contributors(features, alarms), strict=True))
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(_rows(panel, series, scored, resting_on))


def _alarm(panel: Panel, scored: Scored, hospital: int, t: int) -> Alarm:
    channel = CHANNELS[scored.channel[hospital, t]]
    last = panel.first + t
    first = last - months_of(scored, hospital, t) + 1
    return Alarm(panel.hospitals[hospital], channel, first, last)


def _rows(
    panel: Panel,
    series: Series,
    scored: Scored,
    resting_on: Mapping[tuple[int, int], Sequence[Contributor]],
) -> Iterator[Sequence[Any]]:
    """The rows of series_flags.csv, in the order of COLUMNS."""
    for hospital, t in zip(*(at.tolist() for at in np.nonzero(panel.claims)), strict=True):
        place = (panel.hospitals[hospital], month_name(panel.first + t))
        told = told_of(panel, series, scored, hospital, t)
        claims = resting_on.get((hospital, t), ())
        words = with_contributors(Words(zh=told.zh, en=told.en), claims)
        reason = f"{words.zh} {words.en}"
        if told.loud is None:
            n = int(panel.claims[hospital, t])
            yield (*place, "0", "", 0, n, "", "", "0.00", reason)
        else:
            loud = told.loud
            yield (
                *place, f"{told.score:.4f}", loud.channel, loud.window, loud.n,
                f"{loud.expected:.4f}", f"{loud.actual:.4f}", f"{loud.excess:.2f}", reason,
            )  # fmt: skip
