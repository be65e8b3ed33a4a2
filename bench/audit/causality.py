"""Does a score use only its month and earlier ones? Cut the data, and score again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from bench.audit.scoring_run import score

NEAR = 1e-6
"""Scores closer than this are the same: sums run in another order."""


def cut(claims: Path, last: str, out: Path) -> None:
    """The claims discharged up to and in a month, with the notices that were posted beside them."""
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        kept = f"SELECT * FROM read_csv('{claims}', all_varchar=true) WHERE month <= '{last}'"  # noqa: S608
        engine.execute(f"COPY ({kept}) TO '{out / claims.name}' (HEADER)")
    notices = claims.with_name("price_notices.csv")
    if notices.exists():
        (out / notices.name).write_bytes(notices.read_bytes())


def changed_by_the_future(whole: Path, part: Path) -> dict[str, float]:
    """Of two series_flags.csv the months of the shorter whose scores differ, and by how much."""
    with duckdb.connect() as engine:
        engine.register("whole", engine.from_csv_auto(str(whole), all_varchar=True))
        engine.register("part", engine.from_csv_auto(str(part), all_varchar=True))
        found = engine.sql(
            """SELECT p.month, max(abs(CAST(p.score AS DOUBLE) - CAST(w.score AS DOUBLE))) AS by
            FROM part p LEFT JOIN whole w USING (hospital_id, month)
            GROUP BY p.month ORDER BY p.month"""
        ).fetchall()
    return {
        month: float("nan") if by is None else by
        for month, by in found
        if by is None or not np.isfinite(by) or by > NEAR
    }


def causality(claims: Path, last: str, scratch: Path) -> dict[str, float]:
    """The months up to `last` whose scores change when later claims are known: none may."""
    cut(claims, last, scratch / "part")
    whole = score(claims, scratch / "whole_scored")
    part = score(scratch / "part" / claims.name, scratch / "part_scored")
    return changed_by_the_future(whole.series, part.series)
