"""One grouping, two readings: asked of a record, and of a table of them, it says the same."""

from __future__ import annotations

from random import Random

import ibis
import pytest

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


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.id)
def test_both_readings_group_alike(version: Grouping) -> None:
    drawn = records(version, 1, 4000)
    rows = [
        {"n": n, "diagnoses": ";".join(d) or None, "procedures": ";".join(p) or None}
        for n, (d, p) in enumerate(drawn)
    ]
    engine = ibis.duckdb.connect()
    schema = ibis.schema({"n": "int64", "diagnoses": "string", "procedures": "string"})
    table = engine.create_table("records", ibis.memtable(rows, schema=schema))
    found = engine.to_pyarrow(
        table.select(
            "n",
            adrg=adjacent_group(version, table.diagnoses, table.procedures),
            lifted=lifted_by_episiotomy(version, table.diagnoses, table.procedures),
        ).order_by("n")
    ).to_pylist()
    engine.disconnect()
    groups = set()
    for (diagnoses, procedures), said in zip(drawn, found, strict=True):
        principal, *secondary = diagnoses or [""]
        one = group(version, principal, secondary, procedures)
        adrg = one.code if isinstance(one, Adrg) else None
        moved = episiotomy_moves(version, principal, secondary, procedures) is not None
        assert (said["adrg"], said["lifted"]) == (adrg, moved), (diagnoses, procedures)
        groups.add((adrg, moved))
    assert len(groups) > 10
    assert {True, False} == {moved for _, moved in groups}
