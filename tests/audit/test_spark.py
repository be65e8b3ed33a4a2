"""The same expressions on DuckDB and on PySpark: equal sums, so equal scores.

Needs requirements/spark.txt beside requirements/dev.txt, and Java: `pytest -m spark`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import numpy as np
import pytest
from ibis.expr import types as ir

from services.audit.scoring.claims_file import COLUMNS, in_fen, read_claims
from services.audit.scoring.features import claim_features, claim_measures
from services.audit.scoring.hospital_months import by_case, by_share
from tests.audit.claims_csv import Row, rows, write

pytestmark = pytest.mark.spark


def of_cases(claims: ir.Table) -> ir.Table:
    return by_case(claim_measures(claims))


def of_hospitals(claims: ir.Table) -> ir.Table:
    return by_share(claim_features(claims))


@pytest.mark.parametrize("sums", [of_hospitals, of_cases])
def test_spark_counts_as_duckdb_does(tmp_path: Path, sums: Callable[[ir.Table], ir.Table]) -> None:
    sql = pytest.importorskip("pyspark.sql")
    path = write(tmp_path / "CLAIMS.csv", rows(4, 3, 5, related))
    with read_claims(path) as history:
        here = sums(history.claims).to_pandas()
    session = sql.SparkSession.builder.master("local[1]").config(
        "spark.sql.shuffle.partitions", "2"
    ).getOrCreate()  # fmt: skip
    try:
        engine = ibis.pyspark.connect(session)
        told = ", ".join(
            f"{name} {kind.replace('VARCHAR', 'STRING')}" for name, kind in COLUMNS.items()
        )
        session.read.csv(str(path), header=True, schema=told).createOrReplaceTempView("claims")
        there = sums(in_fen(engine.table("claims"))).to_pandas()
    finally:
        session.stop()
    keys = [name for name in here.columns if here[name].dtype.kind not in "fiu"] + ["at"]
    keys += [name for name in ("severity",) if name in here.columns]
    here, there = (some.sort_values(keys).reset_index(drop=True) for some in (here, there))
    assert len(here) == len(there) > 0
    for name in here.columns:
        if name in keys or here[name].dtype.kind not in "fiu":
            assert here[name].tolist() == there[name].tolist()
        else:
            ours, theirs = (some[name].to_numpy(dtype=float) for some in (here, there))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)


def related(row: Row, hospital: int, month: int) -> Row:
    """Three claims to a woman, so that stays touch and visits precede births."""
    number = int(row["claim_id"][1:])
    return row | {"person_id": f"p{number // 3 * 3}"}
