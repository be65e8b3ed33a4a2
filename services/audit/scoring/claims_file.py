"""A file of claims as a table: typed columns, amounts in fen, errors that name line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis import _
from ibis.expr import types as ir

from services.audit.scoring.case_table import SEXES
from shared.money import Money

AMOUNTS = (
    "amt_bed",
    "amt_nursing",
    "amt_exam",
    "amt_lab",
    "amt_surgery",
    "amt_anesthesia",
    "amt_drug",
    "amt_consumable",
    "amt_treatment",
    "amt_other",
    "total_amount",
    "fund_amount",
)
_YUAN = "DECIMAL(14,2)"
COLUMNS = {
    "claim_id": "VARCHAR",
    "person_id": "VARCHAR",
    "sex": "VARCHAR",
    "age": "SMALLINT",
    "hospital_id": "VARCHAR",
    "level": "TINYINT",
    "region": "VARCHAR",
    "kind": "VARCHAR",
    "case_type": "VARCHAR",
    "severity": "TINYINT",
    "admit_date": "DATE",
    "discharge_date": "DATE",
    "month": "VARCHAR",
    "los": "SMALLINT",
    "gest_weeks": "SMALLINT",
    "diag_codes": "VARCHAR",
    "proc_codes": "VARCHAR",
    "n_us": "SMALLINT",
    "n_lab": "SMALLINT",
    **dict.fromkeys(AMOUNTS, _YUAN),
}
_IBIS = {"VARCHAR": "string", "SMALLINT": "int16", _YUAN: "decimal(14, 2)"}
WANTED = {
    "VARCHAR": "a text",
    "SMALLINT": "a whole number",
    "TINYINT": "a whole number",
    "DATE": "a day (YYYY-MM-DD)",
    _YUAN: "an amount in yuan",
}
NEVER_EMPTY = (
    *("claim_id", "person_id", "hospital_id", "level", "region", "kind", "case_type", "severity"),
    *("admit_date", "discharge_date", "month", "total_amount", "fund_amount"),
)
"""The columns that each claim must fill in; of the others what is not known is left empty, and one
that the file does not have is empty in every claim."""
_CASE_TYPES = ("V", "C", "A", "P", "F")
_KINDS = ("delivery", "antepartum", "prenatal", "fp_surgery")
_MEANT = {
    **dict.fromkeys(COLUMNS, "must not be empty"),
    "level": "must be 3, 2 or 1",
    "severity": "must be 1, 2, 3 or 4",
    "kind": f"must be one of {', '.join(_KINDS)}",
    "case_type": f"must be one of {', '.join(_CASE_TYPES)}",
    "month": "must be YYYY-MM, and within twenty years of the file's middle claim",
    "discharge_date": "must not be empty or before admit_date",
    "total_amount": "must not be empty or negative",
    "fund_amount": "must not be empty or negative",
}
_MEMORY = "3GB"
# Every month from the first to the last is looked at: of a year that was mistyped, thousands.
_MONTHS_MOST = 20 * 12


class BadFile(ValueError):
    """The file cannot be scored; the text says which line and column, and what is expected."""


@dataclass(frozen=True, slots=True)
class History:
    """Claims on a columnar engine; `claims` has COLUMNS with amounts in fen and `at`, the month
    counted from year 0 (an integer, so that the distance of two months is their difference).
    `items`, where bills are told by item, are as `case_table.cases` takes them. `remarks` is what
    a file was read otherwise than it stands, one sentence each.
    """

    engine: Any
    claims: ir.Table
    items: ir.Table | None = None
    remarks: Sequence[str] = ()

    def kept(self, name: str, expression: ir.Table) -> ir.Table:
        """The expression computed once, for those who read it several times."""
        return self.engine.create_table(name, expression)

    @contextmanager
    def lent(self, rows: pa.Table) -> Iterator[ir.Table]:
        """Rows of the caller's, on the engine for as long as the context lasts. What is given as
        `ibis.memtable` is held until the engine is closed: too long for what comes in parts.
        """
        self.engine.con.register("lent", rows)
        try:
            yield self.engine.table("lent")
        finally:
            self.engine.con.unregister("lent")


def rows_beside(path: Path, columns: Sequence[str]) -> Iterator[tuple[dict[str, str], str]]:
    """The rows of a small file beside the claims, each with the place to name for a fault.

    No file, no rows. Raises BadFile for a missing column.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = [name for name in columns if name not in (rows.fieldnames or ())]
        if missing:
            raise BadFile(f"{path.name}: line 1: missing column {', '.join(missing)}")
        for row in rows:
            yield row, f"{path.name}: line {rows.line_num}"


@contextmanager
def read_claims(path: Path) -> Iterator[History]:
    """The claims of a CSV file in the form of COLUMNS, for as long as the context lasts.

    Raises BadFile for a missing column of NEVER_EMPTY or a value that is not of its kind.
    """
    header = _header(path)
    with TemporaryDirectory(prefix="claims-") as folder:
        engine = ibis.duckdb.connect(memory_limit=_MEMORY, temp_directory=folder)
        try:
            engine.con.execute("SET preserve_insertion_order = false")
            claims = _load(engine, path, header, "claims")
            if not _possible(claims, path.name):
                raise _fault(_in_order(engine, path, header), path.name)
            once = _each_once(engine, claims)
            if once is None:
                raise _two_of_one(_in_order(engine, path, header), path.name)
            yield History(engine, once, remarks=list(_remarks(path.name, header, claims, once)))
        finally:
            engine.disconnect()


def _header(path: Path) -> list[str]:
    """The names of the columns, all of NEVER_EMPTY among them."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    missing = [name for name in NEVER_EMPTY if name not in header]
    if missing:
        raise BadFile(f"{path.name}: line 1: missing column {', '.join(missing)}")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise BadFile(f"{path.name}: line 1: column {', '.join(doubled)} stands more than once")
    return header


def _left_out(header: Sequence[str]) -> Sequence[str]:
    return [name for name in COLUMNS if name not in header]


def _remarks(file: str, header: Sequence[str], claims: ir.Table, once: ir.Table) -> Iterator[str]:
    """What is told of a file that can be scored."""
    if left_out := _left_out(header):
        yield f"{file}: no such column, taken as empty: {', '.join(left_out)}"
    strange = once.sex.notnull() & once.sex.notin(list(SEXES))
    if unread := _rows(once.filter(strange)):
        yield f"{file}: {unread} rows with a sex that is none of {', '.join(SEXES)}, taken as empty"
    if repeated := _rows(claims) - _rows(once):
        said = "rows repeat another in all columns that are read, and count once"
        yield f"{file}: {repeated} {said}"


def _rows(table: ir.Table) -> int:
    counted: int = table.count().to_pyarrow().as_py()
    return counted


def _in_order(engine: Any, path: Path, header: Sequence[str]) -> ir.Table:
    """The file read once more, in its order and with the `line` of each claim; the header is its
    first one."""
    engine.con.execute("SET preserve_insertion_order = true")
    return _load(engine, path, header, "in_order").mutate(line=ibis.row_number() + 2)


def _load(engine: Any, path: Path, header: Sequence[str], name: str) -> ir.Table:
    types = {column: COLUMNS.get(column, "VARCHAR") for column in header}
    # Nothing is guessed from the file: guessing reads it a second time.
    rows = engine.read_csv(
        str(path), header=True, delim=",", quote='"', escape='"', columns=types, auto_detect=False
    )
    empty = {column: ibis.null().cast(_IBIS[COLUMNS[column]]) for column in _left_out(header)}
    try:
        return engine.create_table(name, in_fen(rows.mutate(**empty).select(*COLUMNS)))
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise BadFile(f"{path.name}: {_place(str(error))}") from None


def in_fen(rows: ir.Table) -> ir.Table:
    """Claims with their amounts in yuan turned into whole fen, and the month as a number."""
    return with_month(rows.mutate(**{name: (_[name] * 100).cast("int64") for name in AMOUNTS}))


def with_month(rows: ir.Table) -> ir.Table:
    """Claims with `at`, their month as a number; null where it is none."""
    # As wide as Ibis takes their product to be: where an engine multiplies narrower, a cast to what
    # the type is already said to be would be left out.
    year, month = (_.month.substr(a, n).try_cast("int64") for a, n in ((0, 4), (5, 2)))
    readable = month.between(1, 12) & (_.month.length() == 7)
    return rows.mutate(at=ibis.cases((readable, year * 12 + month - 1)))


def _place(error: str) -> str:
    """Line, column and value out of the engine's own words, which go on with advice."""
    line = re.search(r"Line: (\d+)", error)
    column = re.search(r'column "(\w+)"', error)
    value = re.search(r'Could not convert string "(.*?)"', error)
    where = f"line {line.group(1)}" if line else "a line"
    if column and value:
        name = column.group(1)
        return f"{where}: column {name}: {value.group(1)!r} is not {WANTED[COLUMNS[name]]}"
    return f"{where}: {error.splitlines()[0] if error else 'cannot be read'}"


def _possible(claims: ir.Table, file: str) -> bool:
    """Whether every value is one that its column can have. Raises BadFile where no claim is."""
    if not _rows(claims):
        raise BadFile(f"{file}: no claim in it")
    tests = (test for name in COLUMNS if (test := _wrong(claims, name)) is not None)
    return not _rows(claims.filter(reduce(or_, tests)))


def _each_once(engine: Any, claims: ir.Table) -> ir.Table | None:
    """The claims without the rows that repeat another whole; None where two rows of one id differ.
    Whole rows are compared only where ids are found twice."""
    ids = claims.claim_id.nunique().to_pyarrow().as_py()
    if ids == _rows(claims):
        return claims
    once: ir.Table = engine.create_table("once", claims.distinct())
    return once if ids == _rows(once) else None


def _two_of_one(numbered: ir.Table, file: str) -> BadFile:
    """The first line whose claim stands otherwise on an earlier one."""
    columns = numbered.drop("line").columns
    first = numbered.group_by(*columns).aggregate(line=numbered.line.min())
    before = ibis.window(group_by="claim_id", order_by="line")
    placed = first.mutate(earlier=first.line.lag().over(before))
    found = placed.filter(placed.earlier.notnull()).order_by("line").limit(1)
    (row,) = found.select("claim_id", "line", "earlier").to_pyarrow().to_pylist()
    return BadFile(
        f"{file}: line {row['line']}: column claim_id: {row['claim_id']}: "
        f"stands on line {row['earlier']} too, with other values"
    )


def _fault(numbered: ir.Table, file: str) -> BadFile:
    """The first value that a column cannot have."""
    for name in COLUMNS:
        wrong = _wrong(numbered, name)
        if wrong is None:
            continue
        for row in numbered.filter(wrong).order_by("line").limit(1).to_pyarrow().to_pylist():
            value = _shown(name, row[name])
            return BadFile(f"{file}: line {row['line']}: column {name}: {value}: {_MEANT[name]}")
    raise AssertionError("no value is wrong")


def _shown(name: str, value: Any) -> str:
    """A value as it stood in the file."""
    if value is None:
        return "empty"
    return Money(value).to_wire() if name in AMOUNTS else str(value)


def _wrong(claims: ir.Table, name: str) -> ir.BooleanValue | None:
    """Where a column's value is not possible; None where every value is."""
    column = claims[name]
    if name == "month":
        far = (claims["at"] - claims["at"].median()).abs() > _MONTHS_MOST
        return claims["at"].isnull() | far
    if name == "level":
        return column.fill_null(0).notin([1, 2, 3])
    if name == "severity":
        return column.fill_null(0).notin([1, 2, 3, 4])
    if name == "kind":
        return column.fill_null("").notin(_KINDS)
    if name == "case_type":
        return column.fill_null("").notin(_CASE_TYPES)
    if name == "discharge_date":
        return column.isnull() | (column < claims["admit_date"])
    if name in ("total_amount", "fund_amount"):
        return column.isnull() | (column < 0)
    return column.isnull() if name in NEVER_EMPTY else None
