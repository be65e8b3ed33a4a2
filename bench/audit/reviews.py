"""Reviewers' decisions on a generated province: who was looked at, when, and what they found."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from bench.audit.world import Array

COUNT = 4_500
_AT_RANDOM = 0.10
"""Share picked whatever the score says, so that rates stay estimable."""
_UNTIL = 0.7
"""Reviewed claims are of the first part of the panel; the rest is the future."""
_UNCLEAR = 0.03
_MISTAKEN = 0.02
_DATA_ERROR = 0.1
"""Of honest claims that were looked at."""


class TooFewClaims(Exception):
    """Fewer claims than reviews are wanted of."""


def write_reviews(folder: Path, flags: Path | None, count: int, seed: int) -> int:
    """Write reviews.csv beside CLAIMS.csv: claim_id, outcome, reviewed_on; how many there are.

    With the scores of claim_flags.csv nine of ten are taken from each month's top, otherwise all at
    random. Raises TooFewClaims.
    """
    draw = np.random.default_rng([seed, 9])
    scored = f"read_csv('{flags}', all_varchar=true)" if flags else "(SELECT '' claim_id, 0 score)"
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        found = engine.sql(
            f"""SELECT c.claim_id, c.discharge_date AS day, c.month,
                coalesce(l.provable = '1', false) AS guilty,
                coalesce(CAST(f.score AS DOUBLE), 0) AS score
            FROM read_csv('{folder / "CLAIMS.csv"}', types={{'discharge_date': 'DATE'}}) c
            LEFT JOIN read_csv('{folder / "labels_claims.csv"}', all_varchar=true) l
                USING (claim_id)
            LEFT JOIN {scored} f USING (claim_id) ORDER BY c.claim_id"""  # noqa: S608
        ).fetchnumpy()
    day = found["day"].astype("datetime64[D]")
    able = np.flatnonzero(day < day.min() + (day.max() - day.min()) * _UNTIL)
    if len(able) < count:
        raise TooFewClaims(
            f"{len(able)} claims of the first {_UNTIL:.0%} of the days, {count} reviews wanted"
        )
    at_random = count if flags is None else round(count * _AT_RANDOM)
    _, month = np.unique(found["month"].astype(str)[able], return_inverse=True)
    taken = _tops(month, found["score"][able], count - at_random)
    rest = np.setdiff1d(np.arange(len(able)), taken)
    picked = able[np.concatenate([taken, draw.choice(rest, at_random, replace=False)])]
    guilty = found["guilty"].astype(bool)[picked] ^ (draw.random(len(picked)) < _MISTAKEN)
    other = np.where(draw.random(len(picked)) < _DATA_ERROR, "data error", "explained")
    outcome = np.where(guilty, "confirmed", other)
    outcome = np.where(draw.random(len(picked)) < _UNCLEAR, "unclear", outcome)
    on = day[picked] + draw.integers(20, 61, len(picked)).astype("timedelta64[D]")
    order = np.argsort(on, kind="stable")
    reviews = {"claim_id": found["claim_id"][picked], "outcome": outcome, "reviewed_on": on}
    with duckdb.connect() as engine:
        engine.register(
            "reviews", pa.table({k: pa.array(v[order].tolist()) for k, v in reviews.items()})
        )
        engine.execute(f"COPY reviews TO '{folder / 'reviews.csv'}' (HEADER)")
    return len(picked)


def _tops(month: Array, score: Array, count: int) -> Array:
    """Equally many of each month, those scored highest."""
    order = np.lexsort((-score, month))
    _, first = np.unique(month[order], return_index=True)
    place = np.arange(len(order)) - first[month[order]]
    tops: Array = order[np.argsort(place, kind="stable")[:count]]
    return tops
