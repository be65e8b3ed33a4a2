"""What is written of hospital-months: series_flags.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from services.audit.scoring.hospital_scores import Scored
from services.audit.scoring.panel import Panel
from services.audit.scoring.price_notices import month_name
from services.audit.scoring.series import Series
from services.audit.scoring.told import told_of

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


def write_series_flags(panel: Panel, series: Series, scored: Scored, path: Path) -> None:
    """Write every hospital-month with claims, by hospital and month."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(series_rows(panel, series, scored))


def series_rows(panel: Panel, series: Series, scored: Scored) -> Iterator[Sequence[Any]]:
    """The rows of series_flags.csv, in the order of COLUMNS."""
    for hospital, t in zip(*(at.tolist() for at in np.nonzero(panel.claims)), strict=True):
        place = (panel.hospitals[hospital], month_name(panel.first + t))
        told = told_of(panel, series, scored, hospital, t)
        reason = f"{told.zh} {told.en}"
        if told.loud is None:
            n = int(panel.claims[hospital, t])
            yield (*place, "0", "", 0, n, "", "", "0.00", reason)
        else:
            loud = told.loud
            yield (
                *place, f"{told.score:.4f}", loud.channel, loud.window, loud.n,
                f"{loud.expected:.4f}", f"{loud.actual:.4f}", f"{loud.excess:.2f}", reason,
            )  # fmt: skip
