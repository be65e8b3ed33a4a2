"""The same expressions on DuckDB and on PySpark: equal sums of the months, equal hits of the rules,
and of each claim equal features, residuals among them, and the score that evidence makes of these.

Equal is: of whole numbers and texts the same, of floats, which each engine sums in an order of its
own, within FLOATS or, where features are kept narrow, NARROW of the value and of one.

Needs requirements/spark.txt beside requirements/dev.txt, and Java: `pytest -m spark`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pytest
from ibis.expr import types as ir

from bench.audit.generate import province
from bench.audit.generate import write as write_province
from services.audit.domain.rule import read_rules
from services.audit.scoring.claim_residuals import Kept
from services.audit.scoring.claim_table import COLUMNS as CLAIM_COLUMNS
from services.audit.scoring.claim_table import claim_table
from services.audit.scoring.claims_file import COLUMNS, in_fen, read_claims
from services.audit.scoring.evidence import weigh
from services.audit.scoring.features import claim_features, claim_measures, marks, with_marks
from services.audit.scoring.hospital_months import by_case, by_share
from services.audit.scoring.rule_hits import exclude_each_other, rule_hits
from tests.audit.claims_csv import Row, rows, write

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

FLOATS, NARROW = 1e-9, 1e-4
"""Float32 holds seven digits; the narrowest difference of two sums that one is divided by here
leaves five of them."""
NOT_TOLD = {"a_doubled", "d_doubled", "t_doubled", "claims_of_person"}
"""Features that are the same for every claim of so small a province."""


def of_cases(claims: ir.Table) -> ir.Table:
    return by_case(claim_measures(claims))


def of_hospitals(claims: ir.Table) -> ir.Table:
    return by_share(claim_features(claims))


@contextmanager
def on_spark(path: Path) -> Iterator[tuple[ir.Table, Kept]]:
    """The claims of a file on PySpark, in the form of `History.claims`, and a `History.kept`."""
    sql = pytest.importorskip("pyspark.sql")
    # Code for expressions as wide as these takes far longer to compile than a small file to count.
    session = sql.SparkSession.builder.master("local[1]").config(
        map={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        }
    ).getOrCreate()  # fmt: skip
    try:
        engine = ibis.pyspark.connect(session)
        told = ", ".join(
            f"{name} {kind.replace('VARCHAR', 'STRING')}" for name, kind in COLUMNS.items()
        )
        session.read.csv(str(path), header=True, schema=told).createOrReplaceTempView("claims")

        def kept(name: str, expression: ir.Table) -> ir.Table:
            computed = session.sql(engine.compile(expression)).localCheckpoint()
            computed.createOrReplaceTempView(name)
            return engine.table(name)

        yield in_fen(engine.table("claims")), kept
    finally:
        session.stop()


@pytest.mark.parametrize("sums", [of_hospitals, of_cases])
def test_spark_counts_as_duckdb_does(tmp_path: Path, sums: Callable[[ir.Table], ir.Table]) -> None:
    path = write(tmp_path / "CLAIMS.csv", rows(4, 3, 5, related))
    with read_claims(path) as history:
        here = sums(history.claims).to_pandas()
    with on_spark(path) as (claims, _kept):
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
            np.testing.assert_allclose(ours, theirs, rtol=FLOATS, atol=FLOATS, err_msg=name)


def test_spark_finds_what_the_rules_find_in_a_file(tmp_path: Path) -> None:
    """Every rule, of a small province with wrong claims in it: the same claims, the same fen."""
    write_province(province(5, 5, 20, 0.02, 1.0), tmp_path)
    rules = read_rules().newest().rules
    with read_claims(tmp_path / "CLAIMS.csv") as history:
        here = _hits(rule_hits(history.claims, rules))
    with on_spark(tmp_path / "CLAIMS.csv") as (claims, _kept):
        there = _hits(rule_hits(claims, rules))
    assert len({rule for _, rule, _, _ in here}) >= 8
    assert here == there


def test_spark_gives_a_claim_the_features_and_the_score_that_duckdb_does(tmp_path: Path) -> None:
    """All columns of `claim_table` but `lot`, an engine's own hash of the id, and what is said of
    them; of a province whose claims meet rules, exclude each other and have a past."""
    write_province(province(5, 5, 20, 0.02, 1.0), tmp_path)
    with read_claims(tmp_path / "CLAIMS.csv") as history:
        here = _of_claims(history.claims, history.kept)
    with on_spark(tmp_path / "CLAIMS.csv") as (claims, kept):
        there = _of_claims(claims, kept)
    assert len(here) > 500
    for name in ("claim_id", "hospital_id", "at", "case_type", "rule_ids"):
        assert here[name].tolist() == there[name].tolist(), name
    assert here["rule_ids"].str.contains(";").any()
    for name in CLAIM_COLUMNS:
        ours, theirs = here[name].to_numpy(), there[name].to_numpy()
        assert len({*ours[~np.isnan(ours)]}) > 1 or name in NOT_TOLD, f"{name} tells nothing"
        np.testing.assert_allclose(ours, theirs, rtol=NARROW, atol=NARROW, err_msg=name)
    ours, theirs = (
        weigh({name: some[name].to_numpy() for name in CLAIM_COLUMNS}) for some in (here, there)
    )
    np.testing.assert_allclose(ours.chance, theirs.chance, rtol=NARROW, atol=NARROW)
    np.testing.assert_allclose(ours.yuan, theirs.yuan, rtol=NARROW, atol=NARROW)
    assert ours.kind.tolist() == theirs.kind.tolist()


def _of_claims(claims: ir.Table, kept: Kept) -> Any:
    """The claim table as a run makes it, by claim."""
    rules = read_rules().newest().rules
    features = with_marks(claims, kept("marks", marks(claims)))
    hits = kept("hits", rule_hits(claims, rules))
    table = claim_table(features, hits, exclude_each_other(rules), kept)
    return table.to_pandas().sort_values("claim_id").reset_index(drop=True)


def _hits(found: ir.Table) -> list[tuple[str, str, str, int]]:
    rows_ = found.to_pandas()[["claim_id", "rule_id", "grade", "excess_fen"]]
    return sorted((c, r, g, int(e)) for c, r, g, e in rows_.itertuples(index=False))


def related(row: Row, hospital: int, month: int) -> Row:
    """Three claims to a woman, so that stays touch and visits precede births."""
    number = int(row["claim_id"][1:])
    return row | {"person_id": f"p{number // 3 * 3}"}
