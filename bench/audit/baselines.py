"""What an agency would try first: five detectors that audit's scores must beat in the same run.

Each gives a score for every hospital-month. The forests are fitted on the whole panel at once,
which lets them see the future: an advantage, and it is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from sklearn.ensemble import IsolationForest

from bench.audit.series_judge import Series
from bench.audit.world import Array
from services.audit.scoring.claims_file import read_claims
from services.audit.scoring.features import claim_features
from services.audit.scoring.hospital_scores import scores_of
from services.audit.scoring.panel import panel_of
from services.audit.scoring.price_notices import read_price_notices
from services.audit.scoring.series import series_of

RAW = ("claims", "births", "mean", "stay", "cesareans", "severity", "scans", "lab", "drug", "fund")
ADJUSTED = ("cost", "stay", "cesareans", "severity", "tests", "visit", "scans", "touching")
WINDOWS = (1, 2, 3, 4, 6, 9, 12)
PAST = 12
_PEERS = 8
"""Hospitals of a level from which on they are compared among themselves."""


@dataclass(frozen=True)
class Panel:
    """Monthly means by hospital and month (hospital, month, column); nan where there is none."""

    raw: Array
    adjusted: Array
    """Own measures beside the case mix, minus the peers' median of the month."""
    weight: Array
    """Claims behind each adjusted mean."""
    channels: Array
    """How far audit's own channels have risen, in its standard errors."""
    hospital: Array
    month: Array
    """Where each judged hospital-month lies in the panel."""

    def judged(self, score: Array) -> Array:
        """A score of the panel in the order of the labels; nothing known is nothing suspicious."""
        values: Array = np.nan_to_num(score[self.hospital, self.month], nan=-1e6, neginf=-1e6)
        return values


def read_panel(claims: Path, judged: Series) -> Panel:
    """The panel of a file of claims, in the order of its labels."""
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        engine.execute(
            f"""CREATE TABLE claims AS SELECT hospital_id, month, level, case_type, severity,
                ln(greatest(los, 0.5)) AS days, ln(greatest(total_amount, 1)) AS cost, los,
                total_amount, fund_amount, n_us, n_lab, amt_lab + amt_exam AS tests, amt_drug,
                person_id, admit_date, discharge_date
            FROM '{claims}'"""  # noqa: S608
        )
        raw = engine.sql(_RAW).fetchnumpy()
        adjusted = engine.sql(_ADJUSTED).fetchnumpy()
    hospital_at = judged.hospital
    month_at = judged.month - judged.month.min()
    shape = (int(hospital_at.max()) + 1, int(month_at.max()) + 1)
    level = np.zeros(shape[0])
    level[hospital_at] = np.ma.filled(raw["level"], 0)
    own = np.full((*shape, len(ADJUSTED)), np.nan)
    weight = np.zeros((*shape, len(ADJUSTED)))
    columns = np.full((*shape, len(RAW)), np.nan)
    for number, name in enumerate(RAW):
        columns[hospital_at, month_at, number] = np.ma.filled(raw[name].astype(float), np.nan)
    for number, name in enumerate(ADJUSTED):
        own[hospital_at, month_at, number] = np.ma.filled(adjusted[name].astype(float), np.nan)
        counted = np.ma.filled(adjusted[f"{name}_n"].astype(float), 0)
        weight[hospital_at, month_at, number] = counted
    adjusted_to_peers = own - _peers(own, level)
    return Panel(columns, adjusted_to_peers, weight, _channels(claims), hospital_at, month_at)


def _channels(claims: Path) -> Array:
    """Hospitals lie in the order of their ids, months from the first one on, as in the labels."""
    with read_claims(claims) as history:
        steps = read_price_notices(claims.with_name("price_notices.csv"))
        best = scores_of(series_of(panel_of(claim_features(history.claims), steps))).z
    known: Array = np.nan_to_num(np.moveaxis(best, 0, 2), nan=0.0, neginf=0.0)
    return known


_RAW = """SELECT min(level) AS level, count(*) AS claims,
    count(*) FILTER (case_type IN ('V', 'C')) AS births, avg(total_amount) AS mean,
    avg(los) AS stay, avg((case_type = 'C')::INT) FILTER (case_type IN ('V', 'C')) AS cesareans,
    avg(severity) AS severity, avg(n_us) AS scans, avg(n_lab) AS lab, avg(amt_drug) AS drug,
    sum(fund_amount) AS fund
FROM claims GROUP BY hospital_id, month ORDER BY hospital_id, month"""

_ADJUSTED = """WITH usual AS (
    SELECT case_type, severity, avg(cost) AS cost, avg(days) AS days,
        regr_slope(cost, days) AS slope
    FROM claims GROUP BY ALL
), beside AS (
    SELECT c.*, c.cost - u.cost - CASE WHEN case_type IN ('V', 'C', 'A')
            THEN coalesce(u.slope, 0) * (c.days - u.days) ELSE 0 END AS own_cost,
        c.days - u.days AS own_days, case_type IN ('V', 'C') AS birth, case_type = 'P' AS visit,
        tests / greatest(total_amount, 1) AS share
    FROM claims c JOIN usual u USING (case_type, severity)
), touched AS (
    SELECT hospital_id, month, count(*) AS touching FROM (
        SELECT hospital_id, month, admit_date - lag(discharge_date) OVER (
            PARTITION BY person_id, hospital_id ORDER BY discharge_date, admit_date) AS gap
        FROM claims WHERE case_type IN ('V', 'C', 'A'))
    WHERE gap BETWEEN 0 AND 1 GROUP BY ALL
)
SELECT avg(own_cost) FILTER (birth) AS cost, avg(own_days) FILTER (birth) AS stay,
    avg((case_type = 'C')::INT) FILTER (birth) AS cesareans,
    avg(severity) FILTER (birth) AS severity, avg(share) FILTER (birth) AS tests,
    avg(own_cost) FILTER (visit) AS visit, avg(n_us) FILTER (visit) AS scans,
    coalesce(any_value(touching), 0) / greatest(count(*) FILTER (birth), 1) AS touching,
    count(*) FILTER (birth) AS cost_n, cost_n AS stay_n, cost_n AS cesareans_n,
    cost_n AS severity_n, cost_n AS tests_n, count(*) FILTER (visit) AS visit_n,
    visit_n AS scans_n, cost_n AS touching_n
FROM beside LEFT JOIN touched USING (hospital_id, month)
GROUP BY hospital_id, month ORDER BY hospital_id, month"""


def _peers(own: Array, level: Array) -> Array:
    """Each month's median among hospitals of the same level, among all where they are few."""
    peers = np.empty_like(own)
    for one in np.unique(level):
        same = level == one
        of = own[same] if same.sum() >= _PEERS else own
        peers[same] = np.nanmedian(of, axis=0)
    return peers


def year_on_year(panel: Panel) -> Array:
    """Growth of the raw mean against the same month a year before."""
    mean = panel.raw[:, :, RAW.index("mean")]
    score = np.full(mean.shape, np.nan)
    score[:, PAST:] = mean[:, PAST:] / mean[:, :-PAST] - 1
    return panel.judged(score)


def shewhart(panel: Panel) -> Array:
    """Standard deviations of the raw mean's logarithm above the twelve months before."""
    log = np.log(panel.raw[:, :, RAW.index("mean")])
    score = np.full(log.shape, np.nan)
    for month in range(PAST, log.shape[1]):
        past = log[:, month - PAST : month]
        spread = np.maximum(np.nanstd(past, axis=1, ddof=1), 0.01)
        score[:, month] = (log[:, month] - np.nanmean(past, axis=1)) / spread
    return panel.judged(score)


def forest_raw(panel: Panel) -> Array:
    """IsolationForest on the raw columns of each hospital-month."""
    return panel.judged(_forest(panel.raw))


def forest_adjusted(panel: Panel) -> Array:
    """IsolationForest on how far each of audit's channels has risen; falls count as nothing."""
    return panel.judged(_forest(np.maximum(panel.channels, 0)))


def window_scan(panel: Panel) -> Array:
    """The greatest rise of any channel, the plainest form: channels and past of its own."""
    return panel.judged(_risen(panel).max(axis=2))


def _risen(panel: Panel) -> Array:
    """The greatest rise of each channel, in any last months against the twelve before them, in
    standard deviations; very low where there is no past."""
    n = panel.weight
    value = np.nan_to_num(panel.adjusted) * n
    best = np.full(n.shape, -1e3)
    steps = np.abs(np.diff(panel.adjusted, axis=1)) * np.sqrt(n[:, 1:])
    spread = np.nanmedian(steps, axis=(0, 1))
    for window in WINDOWS:
        for month in range(PAST + window - 1, n.shape[1]):
            since = month - window + 1
            now, then = slice(since, month + 1), slice(since - PAST, since)
            n_now, n_then = (np.maximum(n[:, span].sum(axis=1), 1) for span in (now, then))
            rise = value[:, now].sum(axis=1) / n_now - value[:, then].sum(axis=1) / n_then
            noise = spread**2 * (1 / n_now + 1 / n_then) + 0.02**2
            best[:, month] = np.maximum(best[:, month], rise / np.sqrt(noise))
    return best


def _forest(columns: Array) -> Array:
    flat = np.nan_to_num(columns.reshape(-1, columns.shape[2]))
    forest = IsolationForest(n_estimators=200, random_state=0, n_jobs=1).fit(flat)
    return np.asarray(-forest.score_samples(flat)).reshape(columns.shape[:2])


BASELINES: dict[str, Callable[[Panel], Array]] = {
    "year_on_year": year_on_year, "shewhart": shewhart, "forest_raw": forest_raw,
    "forest_adjusted": forest_adjusted, "window_scan": window_scan,
}  # fmt: skip
