"""docs/files.md: each sample runs as it lies, and what it says of columns is what the code does."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.files_page import COLUMNS, files
from services.audit.__main__ import commands
from services.audit.scoring.claims_file import COLUMNS as CLAIMS
from services.audit.scoring.claims_file import NEVER_EMPTY, BadFile, read_claims
from services.audit.scoring.series import CHANNELS
from services.settlement.api.catalogue_command import read_listings
from tests.support.source import ROOT

SAMPLES = ROOT / "docs" / "examples"


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("said", files(), ids=lambda said: said["name"])
def test_a_sample_has_the_columns_that_are_described(said: dict[str, str]) -> None:
    if "sample" in said:
        assert lines(SAMPLES / said["sample"])[0] == list(COLUMNS[said["columns"]])


def test_the_sample_of_claims_is_scored_with_all_that_lies_beside_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        commands, ["score", str(SAMPLES / "claims.csv"), "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    claims = [row[0] for row in lines(SAMPLES / "claims.csv")[1:]]
    for name in ("claim_flags", "series_flags", "queue"):
        head, *rows = lines(tmp_path / f"{name}.csv")
        assert head == list(COLUMNS[name])
        assert rows
    assert sorted(row[0] for row in lines(tmp_path / "claim_flags.csv")[1:]) == claims
    # What lies beside it speaks of what is in it, else it would show nothing.
    of = {name: set() for name in ("claim_id", "region", "hospital_id")}
    head, *rows = lines(SAMPLES / "claims.csv")
    for name, values in of.items():
        values |= {row[head.index(name)] for row in rows}
    for beside in ("price_notices", "reviews", "baselines"):
        head, *rows = lines(SAMPLES / f"{beside}.csv")
        assert {row[0] for row in rows} <= of[head[0]]
    assert lines(SAMPLES / "baselines.csv")[1][1] in CHANNELS


@pytest.mark.parametrize("column", CLAIMS)
def test_a_column_may_be_empty_where_the_page_says_so(column: str, tmp_path: Path) -> None:
    head, *rows = lines(SAMPLES / "claims.csv")
    rows[3][head.index(column)] = ""
    path = tmp_path / "claims.csv"
    path.write_text("\n".join(map(",".join, [head, *rows])), encoding="utf-8")
    if column in NEVER_EMPTY:
        with pytest.raises(BadFile, match=f"line 5: column {column}: empty"), read_claims(path):
            pass
    else:
        with read_claims(path):
            pass


def test_the_sample_of_a_catalogue_is_read() -> None:
    listings = read_listings(SAMPLES / "catalogue.csv")
    assert len(listings) == len(lines(SAMPLES / "catalogue.csv")) - 1
