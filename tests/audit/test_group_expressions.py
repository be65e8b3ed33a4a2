"""One grouping, two readings: asked of a record, and of a table of them, it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import ibis
import pytest
from ibis.expr import types as ir

from services.audit.domain.grouping import (
    Adrg,
    Grouping,
    episiotomy_moves,
    group,
    read_groupings,
)
from services.audit.scoring.group_expressions import adjacent_group, lifted_by_episiotomy
from tests.audit.test_grouping import RECORDS

VERSIONS = {id(version): version for version in read_groupings().values()}.values()
Codes = tuple[list[str], list[str]]


def records(version: Grouping, seed: int, count: int) -> list[Codes]:
    """The source's own records, and what else codes that the lists name, or nearly, make."""
    draw = Random(seed)  # noqa: S311 - no secret
    told = [(RECORDS[name]["principal"], *RECORDS[name]["secondary"]) for name in RECORDS]
    done = [tuple(RECORDS[name]["procedures"]) for name in RECORDS]
    diagnoses = {code for codes in told for code in codes}
    diagnoses |= {*version.in_no_list, *version.outside, "I10.x00"}
    procedures = {code for codes in done for code in codes} | {*version.episiotomy, "99.9900"}
    for one in version.group:
        procedures |= {*one.procedures}
        if one.diagnoses:
            diagnoses |= {*one.diagnoses.codes, *one.diagnoses.unlike}
            diagnoses |= {f"{category}.900" for category in one.diagnoses.categories}

    def some(codes: set[str]) -> list[str]:
        return draw.sample(sorted(codes), draw.randrange(4))

    drawn = [(some(diagnoses), some(procedures)) for _ in range(count)]
    return [(list(d), list(p)) for d, p in zip(told, done, strict=True)] + drawn


def asked(version: Grouping, table: ir.Table) -> ir.Table:
    return table.select(
        "n",
        adrg=adjacent_group(version, table.diagnoses, table.procedures),
        lifted=lifted_by_episiotomy(version, table.diagnoses, table.procedures),
    ).order_by("n")


def told(version: Grouping, drawn: Sequence[Codes]) -> list[tuple[str | None, bool]]:
    said = []
    for diagnoses, procedures in drawn:
        principal, *secondary = diagnoses or [""]
        one = group(version, principal, secondary, procedures)
        moved = episiotomy_moves(version, principal, secondary, procedures) is not None
        said.append((one.code if isinstance(one, Adrg) else None, moved))
    return said


def rows(drawn: Sequence[Codes]) -> list[tuple[int, str | None, str | None]]:
    return [(n, ";".join(d) or None, ";".join(p) or None) for n, (d, p) in enumerate(drawn)]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.id)
def test_both_readings_group_alike(version: Grouping) -> None:
    drawn = records(version, 1, 4000)
    engine = ibis.duckdb.connect()
    schema = ibis.schema({"n": "int64", "diagnoses": "string", "procedures": "string"})
    table = engine.create_table("records", ibis.memtable(rows(drawn), schema=schema))
    found = engine.to_pyarrow(asked(version, table)).to_pylist()
    engine.disconnect()
    said = [(row["adrg"], row["lifted"]) for row in found]
    assert said == told(version, drawn)
    assert len({*said}) > 10
    assert {moved for _, moved in said} == {True, False}


@pytest.mark.spark
def test_spark_groups_as_duckdb_does() -> None:
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[1]").getOrCreate()
    try:
        engine = ibis.pyspark.connect(session)
        for version in VERSIONS:
            drawn = records(version, 2, 300)
            frame = session.createDataFrame(
                rows(drawn), "n long, diagnoses string, procedures string"
            )
            frame.createOrReplaceTempView("records")
            found = asked(version, engine.table("records")).to_pyarrow().to_pylist()
            assert [(row["adrg"], row["lifted"]) for row in found] == told(version, drawn)
    finally:
        session.stop()
