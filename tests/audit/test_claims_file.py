"""A file of claims is read with its types, or refused with the place of what is wrong."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from services.audit.scoring.claims_file import COLUMNS, NEVER_EMPTY, BadFile, read_claims
from services.audit.scoring.price_notices import read_price_notices
from tests.audit.claims_csv import Row, rows, write


def one_month(tmp_path: Path, line: int = 0, **wrong: object) -> Path:
    """Four claims, of which the one on a line of the file is changed."""
    some: list[Row] = list(rows(1, 1, 1))
    if wrong:
        some[line - 2] |= wrong
    return write(tmp_path / "CLAIMS.csv", iter(some))


def test_amounts_are_fen_and_months_numbers(tmp_path: Path) -> None:
    path = one_month(tmp_path, 2, total_amount="1234.56", month="2021-03", los="")
    with read_claims(path) as history:
        first = history.claims.order_by("claim_id").limit(1).execute().iloc[0]
    assert (first["total_amount"], first["at"]) == (123_456, 2021 * 12 + 2)


def test_what_is_lent_to_the_engine_is_given_back(tmp_path: Path) -> None:
    """Red where parts of a large file are given as `ibis.memtable`: each stays until the end."""
    with read_claims(one_month(tmp_path)) as history:
        before = pa.total_allocated_bytes()
        for _part in range(5):
            with history.lent(pa.table({"fen": pa.array(list(range(100_000)))})) as part:
                assert part.count().execute() == 100_000
        assert pa.total_allocated_bytes() < before + 1_000_000


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("age", "thirty", "line 4: column age: 'thirty' is not a whole number"),
        ("total_amount", "12,5", "line 4: column total_amount: '12,5' is not an amount in yuan"),
        ("total_amount", "-1.00", "line 4: column total_amount: -1.00: must not be"),
        ("total_amount", "", "line 4: column total_amount"),
        ("admit_date", "2021-02-30", "line 4: column admit_date: '2021-02-30' is not a day"),
        ("discharge_date", "2020-01-01", "line 4: column discharge_date"),
        ("month", "2021-13", "line 4: column month: 2021-13: must be YYYY-MM"),
        ("month", "202101", "line 4: column month"),
        ("month", "0201-01", "line 4: column month: 0201-01: must be YYYY-MM, and within twenty"),
        ("month", "2201-01", "line 4: column month: 2201-01: must be YYYY-MM, and within twenty"),
        ("case_type", "X", "line 4: column case_type: X: must be one of V, C, A, P, F"),
        ("level", "0", "line 4: column level: 0: must be 3, 2 or 1"),
        ("severity", "", "line 4: column severity"),
        ("hospital_id", "", "line 4: column hospital_id"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, column: str, value: str, said: str) -> None:
    path = one_month(tmp_path, 4, **{column: value})
    with pytest.raises(BadFile) as refused, read_claims(path):
        pass
    assert said in str(refused.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "CLAIMS.csv"
    path.write_text("claim_id,person_id\n1,2\n", encoding="utf-8")
    said = r"line 1: missing column hospital_id, level"
    with pytest.raises(BadFile, match=said), read_claims(path):
        pass


def test_a_column_that_may_be_empty_may_be_left_out(tmp_path: Path) -> None:
    """Red where such a file is refused, or read otherwise than one whose columns are empty."""
    optional = [name for name in COLUMNS if name not in NEVER_EMPTY]
    some = [row | dict.fromkeys(optional, "") for row in rows(1, 1, 1)]
    empty, without = write(tmp_path / "CLAIMS.csv", iter(some)), tmp_path / "WITHOUT.csv"
    with without.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NEVER_EMPTY, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(some)
    with read_claims(empty) as one, read_claims(without) as other:
        assert one.remarks == []
        (remark,) = other.remarks
        assert remark == f"WITHOUT.csv: no such column, taken as empty: {', '.join(optional)}"
        of_one, of_other = (some.claims.order_by("claim_id").to_pyarrow() for some in (one, other))
        assert of_one.equals(of_other)


def test_a_row_written_twice_is_one_claim(tmp_path: Path) -> None:
    """Red where each of two rows meets the other in every join, and one claim becomes four."""
    some = list(rows(1, 1, 1))
    path = write(tmp_path / "CLAIMS.csv", iter([*some, *some[1:], some[1]]))
    with read_claims(path) as history:
        ids = sorted(history.claims.claim_id.execute())
        assert history.remarks == [
            "CLAIMS.csv: 4 rows repeat another in all columns that are read, and count once"
        ]
    assert ids == [row["claim_id"] for row in some]


def test_a_sex_that_is_not_read_is_told(tmp_path: Path) -> None:
    """As empty it contradicts nothing: the rules of the sexes would be silent without a word."""
    some = [row | {"sex": sex} for row, sex in zip(rows(1, 1, 1), ("F", "", "Male"), strict=False)]
    with read_claims(write(tmp_path / "CLAIMS.csv", iter(some))) as history:
        (told,) = history.remarks
    assert told.startswith("CLAIMS.csv: 1 rows with a sex that is none of F, female, 2")


def test_two_claims_of_one_id_are_refused(tmp_path: Path) -> None:
    some = list(rows(1, 1, 1))
    path = write(tmp_path / "CLAIMS.csv", iter([*some, some[0], some[1] | {"age": 99}]))
    said = "line 7: column claim_id: c2: stands on line 3 too, with other values"
    with pytest.raises(BadFile, match=said), read_claims(path):
        pass


def test_a_file_without_claims_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "CLAIMS.csv", iter(()))
    with pytest.raises(BadFile, match="no claim"), read_claims(path):
        pass


@pytest.mark.parametrize("change", ["five", "", "-1", "nan", "inf"])
def test_a_notice_that_says_nothing_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "price_notices.csv"
    path.write_text(f"region,month,change\nr0,2021-05,{change}\n", encoding="utf-8")
    with pytest.raises(BadFile, match="line 2: column change"):
        read_price_notices(path)


def test_the_command_says_what_is_wrong_and_exits_2(tmp_path: Path) -> None:
    from services.audit.__main__ import commands

    path = one_month(tmp_path, 4, age="thirty")
    result = CliRunner().invoke(commands, ["score", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "line 4: column age" in result.output
