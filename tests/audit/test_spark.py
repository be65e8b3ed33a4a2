"""The same expressions on DuckDB and on PySpark: equal sums and equal hits of
the rules, which is all that scores are made of.

Needs requirements/spark.txt beside requirements/dev.txt, and Java: `pytest -m spark`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ibis
import numpy as np
import pytest
from ibis.expr import types as ir

from bench.audit.generate import province
from bench.audit.generate import write as write_province
from services.audit.domain.rule import read_rules
from services.audit.scoring.claims_file import COLUMNS, in_fen, read_claims
from services.audit.scoring.features import claim_features, claim_measures
from services.audit.scoring.hospital_months import by_case, by_share
from services.audit.scoring.rule_hits import rule_hits
from tests.audit.claims_csv import Row, rows, write

pytestmark = pytest.mark.spark


def of_cases(claims: ir.Table) -> ir.Table:
    return by_case(claim_measures(claims))


def of_hospitals(claims: ir.Table) -> ir.Table:
    return by_share(claim_features(claims))


@contextmanager
def on_spark(path: Path) -> Iterator[ir.Table]:
    """The claims of a file on PySpark, in the form of `History.claims`."""
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").config(
        "spark.sql.shuffle.partitions", "2"
    ).getOrCreate()  # fmt: skip
    try:
        engine = ibis.pyspark.connect(session)
        told = ", ".join(
            f"{name} {kind.replace('VARCHAR', 'STRING')}" for name, kind in COLUMNS.items()
        )
        session.read.csv(str(path), header=True, schema=told).createOrReplaceTempView("claims")
        yield in_fen(engine.table("claims"))
    finally:
        session.stop()


@pytest.mark.parametrize("sums", [of_hospitals, of_cases])
def test_spark_counts_as_duckdb_does(tmp_path: Path, sums: Callable[[ir.Table], ir.Table]) -> None:
    path = write(tmp_path / "CLAIMS.csv", rows(4, 3, 5, related))
    with read_claims(path) as history:
        here = sums(history.claims).to_pandas()
    with on_spark(path) as claims:
        there = sums(claims).to_pandas()
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


def test_spark_finds_what_the_rules_find_in_a_file(tmp_path: Path) -> None:
    """Every rule, of a small province with wrong claims in it: the same claims, the same fen."""
    write_province(province(5, 5, 20, 0.02, 1.0), tmp_path)
    rules = read_rules().newest().rules
    with read_claims(tmp_path / "CLAIMS.csv") as history:
        here = _hits(rule_hits(history.claims, rules))
    with on_spark(tmp_path / "CLAIMS.csv") as claims:
        there = _hits(rule_hits(claims, rules))
    assert len({rule for _, rule, _, _ in here}) >= 8
    assert here == there


def _hits(found: ir.Table) -> list[tuple[str, str, str, int]]:
    rows_ = found.to_pandas()[["claim_id", "rule_id", "grade", "excess_fen"]]
    return sorted((c, r, g, int(e)) for c, r, g, e in rows_.itertuples(index=False))


def related(row: Row, hospital: int, month: int) -> Row:
    """Three claims to a woman, so that stays touch and visits precede births."""
    number = int(row["claim_id"][1:])
    return row | {"person_id": f"p{number // 3 * 3}"}
