"""New pasts: from a month on a channel of a hospital is compared with itself since then alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.audit.domain.baseline import Baseline
from services.audit.scoring.claims_file import BadFile, rows_beside
from services.audit.scoring.panel import Panel
from services.audit.scoring.price_notices import month_number

COLUMNS = ("hospital_id", "channel", "since")


@dataclass(frozen=True, slots=True)
class NewPast:
    """Of one channel of one hospital, from month `at` on, counted from year 0."""

    hospital_id: str
    channel: str
    at: int


def new_past(baseline: Baseline) -> NewPast:
    """What people explained, as the scan takes it."""
    return NewPast(baseline.institution_code, baseline.channel, month_number(baseline.since))


def past_since(
    panel: Panel, names: Sequence[str], pasts: Sequence[NewPast]
) -> npt.NDArray[np.int64]:
    """By channel (of `names`), hospital and month, the column in which the past that counts then
    begins: 0 where none was begun anew. What is not of the panel is left out."""
    since = np.zeros((len(names), len(panel.hospitals), panel.months), dtype=np.int64)
    for past in sorted(pasts, key=lambda one: one.at):
        column = past.at - panel.first
        known = past.channel in names and past.hospital_id in panel.hospitals
        if known and 0 < column < panel.months:
            row = panel.hospitals.index(past.hospital_id)
            since[names.index(past.channel), row, column:] = column
    return since


def read_new_pasts(path: Path) -> Sequence[NewPast]:
    """The new pasts of a file with columns hospital_id, channel and since (`YYYY-MM`).

    No file, none. Raises BadFile.
    """
    return [_new_past(row, place) for row, place in rows_beside(path, COLUMNS)]


def _new_past(row: dict[str, str], place: str) -> NewPast:
    try:
        at = month_number(row["since"] or "")
    except ValueError as error:
        raise BadFile(f"{place}: column since: {error}") from None
    return NewPast(row["hospital_id"], row["channel"], at)
