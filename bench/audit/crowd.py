"""Several provinces in one file: as many claims as a large pool sends, for speed and memory."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from bench.audit.generate import province, write

_NAMED = ("claim_id", "person_id", "hospital_id", "region")


def write_crowd(seeds: Sequence[int], out: Path) -> int:
    """Write CLAIMS.csv of all the seeds' provinces, ids kept apart; the number of claims."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "CLAIMS.csv"
    path.unlink(missing_ok=True)
    total = 0
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        for number, seed in enumerate(seeds):
            total += write(province(seed), Path(scratch))
            apart = ", ".join(f"'{number}-' || {name} AS {name}" for name in _NAMED)
            with duckdb.connect() as engine, path.open("ab") as file:
                engine.execute("SET threads = 1")
                one = Path(scratch) / "apart.csv"
                read = f"read_csv('{scratch}/CLAIMS.csv', all_varchar=true)"
                header = "true" if number == 0 else "false"
                engine.execute(
                    f"COPY (SELECT * REPLACE ({apart}) FROM {read}) TO '{one}' (HEADER {header})"  # noqa: S608
                )
                file.write(one.read_bytes())
    return total
