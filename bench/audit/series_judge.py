"""What the scores of hospital-months are worth, against labels: pure functions over columns.

An alarm is a score above the bar. The bar is found on the clean hospital-months alone, at no more
than five false alarms in a thousand of them, and counted in two ways: by months (each month alarmed
counts) and by onsets (alarms in a row of clean months count once). By months an event is caught if
any of its months is alarmed; by onsets only if alarms begin within it, so that an alarm that never
ends catches nothing. Months before a past is known, and a year after a violation's end, count
nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sklearn.metrics import average_precision_score

from bench.audit.labels import CLEAN, LOOK_ALIKE, VIOLATION
from bench.audit.world import Array

FALSE_MOST = 5
"""False alarms allowed in a thousand clean hospital-months."""
SOON = 3
"""Months, that of the onset included, within which an event is caught early."""


SINGLE = ("natural_drift", "referral_centre", "volume_jump", "huge_case", "lawful_transfers")
"""Look-alikes that no other hospital shares."""


class Unscored(Exception):
    """Something that must be scored is not, twice, or not by a finite number."""


@dataclass(frozen=True)
class Series:
    """One row a hospital-month, by hospital and month; months are numbers on one calendar."""

    hospital: Array
    month: Array
    score: Array
    state: Array
    event: Array
    kind: Array
    onset: Array
    """Month in which the event began; -1 where there is none."""
    excess: Array


@dataclass(frozen=True)
class Caught:
    """What one way of counting finds."""

    bar: float
    false_alarms: float
    """In a thousand clean hospital-months."""
    recall: float
    soon: float
    stopped: float
    """Share of the excess of all events that came after the month of the first alarm."""
    look_alikes: float
    """Alarms in a thousand lawful look-alike months."""
    single: float
    """The same, of what befell one hospital alone."""


def read_series(labels: Path, flags: Path) -> Series:
    """Labels with their scores. Raises Unscored."""
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        of_labels = engine.from_csv_auto(str(labels), all_varchar=True)
        of_flags = engine.from_csv_auto(str(flags), all_varchar=True)
        engine.register("labels", of_labels)
        engine.register("flags", of_flags)
        found = engine.sql(
            """SELECT l.*, TRY_CAST(f.score AS DOUBLE) AS score, f.hospital_id IS NULL AS missing
            FROM labels l LEFT JOIN flags f USING (hospital_id, month)
            ORDER BY hospital_id, month"""
        ).fetchnumpy()
        rows = len(of_labels)
    score = _plain(found["score"], np.nan).astype(float)
    if len(score) != rows or not np.isfinite(score).all():
        raise Unscored(f"{int((~np.isfinite(score)).sum())} of {rows} hospital-months")
    text = {name: _plain(found[name], "") for name in ("state", "event_id", "kind", "onset")}
    _, hospital = np.unique(found["hospital_id"].astype(str), return_inverse=True)
    return Series(
        hospital=hospital, month=_months(found["month"].astype(str)), score=score,
        state=text["state"], event=text["event_id"], kind=text["kind"],
        onset=_months(text["onset"]), excess=_plain(found["amount_excess"], "0").astype(float),
    )  # fmt: skip


def run_starts(some: Series, alarm: Array) -> Array:
    """Alarms that do not follow an alarm of the same hospital's month before."""
    goes_on = np.zeros(len(alarm), dtype=bool)
    next_month = some.month[1:] == some.month[:-1] + 1
    goes_on[1:] = alarm[:-1] & next_month & (some.hospital[1:] == some.hospital[:-1])
    starts: Array = alarm & ~goes_on
    return starts


def bar_by_months(some: Series) -> float:
    """The lowest bar with no more false alarms than allowed, each month counted."""
    clean = np.sort(some.score[some.state == CLEAN])[::-1]
    allowed = len(clean) * FALSE_MOST // 1000
    return float(clean[allowed]) if allowed < len(clean) else -np.inf


def bar_by_onsets(some: Series) -> float:
    """The same, alarms in a row counted once: the lowest at which it and every higher one hold."""
    clean = some.state == CLEAN
    allowed = int(clean.sum()) * FALSE_MOST // 1000
    best = np.inf
    for bar in (*np.unique(some.score)[::-1], -np.inf):
        if int(run_starts(some, clean & (some.score > bar)).sum()) > allowed:
            break
        best = float(bar)
    return best


def caught_by_months(some: Series) -> Caught:
    bar = bar_by_months(some)
    alarm = some.score > bar
    return _caught(some, bar, alarm, alarm)


def caught_by_onsets(some: Series) -> Caught:
    bar = bar_by_onsets(some)
    alarm = some.score > bar
    false = run_starts(some, alarm & (some.state == CLEAN))
    return _caught(some, bar, run_starts(some, alarm), false)


def average_precision(some: Series) -> float:
    """Over the hospital-months: violations against clean and lawful look-alike months."""
    judged = np.isin(some.state, [CLEAN, LOOK_ALIKE, VIOLATION])
    positive = some.state[judged] == VIOLATION
    return float(average_precision_score(positive, some.score[judged]))


def recall_by_kind(some: Series, bar: float) -> dict[str, tuple[int, int]]:
    """Of each kind of violation, how many events are caught by months, and how many there are."""
    found: dict[str, tuple[int, int]] = {}
    alarm = some.score > bar
    for at in _events(some).values():
        caught, of = found.get(str(some.kind[at[0]]), (0, 0))
        found[str(some.kind[at[0]])] = (caught + bool(alarm[at].any()), of + 1)
    return found


def alarms_by_look_alike(some: Series, bar: float) -> dict[str, tuple[int, int]]:
    """Of each lawful look-alike, how many months are alarmed, and how many there are."""
    alike = some.state == LOOK_ALIKE
    kinds = np.unique(some.kind[alike])
    return {
        str(kind): (
            int((alike & (some.kind == kind) & (some.score > bar)).sum()),
            int((alike & (some.kind == kind)).sum()),
        )
        for kind in kinds
    }


def _caught(some: Series, bar: float, alarm: Array, false: Array) -> Caught:
    first = {name: _first(some, at, alarm) for name, at in _events(some).items()}
    caught = [found for found in first.values() if found is not None]
    soon = [found for found in caught if some.month[found] < some.onset[found] + SOON]
    stopped = sum(
        float(some.excess[at][some.month[at] > some.month[found]].sum())
        for name, at in _events(some).items()
        if (found := first[name]) is not None
    )
    events = max(len(first), 1)
    return Caught(
        bar=bar, false_alarms=_in_a_thousand(false, some.state == CLEAN),
        recall=len(caught) / events, soon=len(soon) / events,
        stopped=stopped / max(float(some.excess[some.state == VIOLATION].sum()), 0.01),
        look_alikes=_in_a_thousand(alarm, some.state == LOOK_ALIKE),
        single=_in_a_thousand(alarm, np.isin(some.kind, SINGLE) & (some.state == LOOK_ALIKE)),
    )  # fmt: skip


def _events(some: Series) -> Mapping[str, Array]:
    at = np.flatnonzero(some.state == VIOLATION)
    return {str(name): at[some.event[at] == name] for name in np.unique(some.event[at])}


def _first(some: Series, at: Array, alarm: Array) -> int | None:
    alarmed = at[alarm[at]]
    return int(alarmed[np.argmin(some.month[alarmed])]) if len(alarmed) else None


def _in_a_thousand(alarm: Array, of: Array) -> float:
    return 1000 * float((alarm & of).sum()) / max(int(of.sum()), 1)


def _months(names: Array) -> Array:
    """'2024-03' as a number of months; -1 for an empty name."""
    return np.array([int(n[:4]) * 12 + int(n[5:7]) if n else -1 for n in names.tolist()])


def _plain(column: Array, empty: Any) -> Array:
    values: Array = np.ma.filled(column, empty) if np.ma.isMaskedArray(column) else column
    if values.dtype == object:
        values = np.array([empty if value is None else value for value in values], dtype=str)
    return values
