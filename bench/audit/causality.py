"""Does a score use only its month and earlier ones? Cut the data, and score again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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


NUMBERS = {
    "series": ("n", "expected", "actual", "excess_yuan", "window"),
    "claims": ("score", "amount_at_risk"),
}
WORDS = {"series": ("channel",), "claims": ("rule_ids",)}
KEYS = {"series": ("hospital_id", "month"), "claims": ("claim_id",)}


def rows_changed(whole: Path, part: Path, kind: Literal["series", "claims"]) -> dict[str, int]:
    """Of two files of flags the columns that differ in rows of the shorter, and in how many rows;
    `missing` counts the rows that the longer lacks."""
    keys = KEYS[kind]
    with duckdb.connect() as engine:
        for name, path in (("whole", whole), ("part", part)):
            engine.register(name, engine.from_csv_auto(str(path), all_varchar=True))
        asked = {"missing": f"w.{keys[0]} IS NULL"}
        for column in NUMBERS[kind]:
            p, w = (f"TRY_CAST({side}.{column} AS DOUBLE)" for side in "pw")
            far = f"abs({p} - {w}) > {NEAR} * greatest(1, abs({p}))"
            asked[column] = f"coalesce({far}, ({p} IS NULL) <> ({w} IS NULL))"
        for column in WORDS[kind]:
            asked[column] = f"coalesce(p.{column}, '') <> coalesce(w.{column}, '')"
        sums = ", ".join(f"count(*) FILTER ({test})" for test in asked.values())
        asking = f"SELECT {sums} FROM part p LEFT JOIN whole w USING ({', '.join(keys)})"  # noqa: S608
        [found] = engine.execute(asking).fetchall()
    return {column: rows for column, rows in zip(asked, found, strict=True) if rows}


def causality(claims: Path, last: str, scratch: Path) -> tuple[dict[str, float], dict[str, int]]:
    """What changes up to a month when later claims are known: the months whose scores do, and the
    columns of flags, of series and of claims, with the rows that do. Nothing may."""
    cut(claims, last, scratch / "part")
    whole = score(claims, scratch / "whole_scored")
    part = score(scratch / "part" / claims.name, scratch / "part_scored")
    changed = rows_changed(whole.series, part.series, "series")
    if whole.claims and part.claims:
        of_claims = rows_changed(whole.claims, part.claims, "claims")
        changed |= {f"claims' {column}": rows for column, rows in of_claims.items()}
    return changed_by_the_future(whole.series, part.series), changed
