"""Faults planted into every clause of every document, shipped and made up: all are refused, each
with its file, a line of the clause, the clause and what is wrong with it.

Seen red: when amounts were read without asking for two decimals, when `_overlaps` held only
documents against each other, when a clause's article might be absent.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.policy.checking import described
from shared.policy.compiler import BUILT_IN, SHEET, Allow, compile_book, demo_allowance
from shared.policy.faults import PolicyFaults

MADE_UP = Path(__file__).parent / "made_up"
FOLDERS = (BUILT_IN, MADE_UP)
DOCUMENTS = sorted(
    path for folder in FOLDERS for path in folder.glob("*/*.toml") if path.name != SHEET
)
HEADER = "[[clause]]\n"
NEVER = date(2090, 1, 1)

EDITS = {
    "no article": (r"^article = .*\n", "", "article: missing"),
    "a fraction of a fen": (r'"(\d+\.\d\d)"', r'"\g<1>5"', "exactly two decimals"),
    "an amount as a number": (r'"(\d+\.\d\d)"', r"\1", "exactly two decimals"),
    "a rate in per cent": (
        r"\b(share|medical|maternity|individual_rate|per_day|portion|share_of_annual_wage)"
        r" = 0\.\d+",
        r"\1 = 8.5",
        "8.5 % is 0.085",
    ),
    "an unknown method": (r'method = "\w+"', 'method = "unheard_of"', "'"),
}
"""What is written in a clause, what is planted there, and what is told of it."""


@dataclass(frozen=True)
class Planted:
    """A document with a fault; `clause` counts from 1, 0 where another clause may be named."""

    kind: str
    text: str
    clause: int
    told: str


def planted_in(path: Path) -> Iterator[Planted]:
    """Every fault of every clause of a document."""
    head, *clauses = path.read_text(encoding="utf-8").split(HEADER)
    for number, clause in enumerate(clauses, 1):
        before, after = clauses[: number - 1], clauses[number:]
        for kind, (was, now, told) in EDITS.items():
            edited = re.sub(was, now, clause, count=1, flags=re.MULTILINE)
            if edited != clause:
                yield Planted(kind, HEADER.join([head, *before, edited, *after]), number, told)
        if "sets" in _read(path)["clause"][number - 1]:
            twice = HEADER.join([head, *clauses, clause])
            yield Planted("a clause twice", twice, len(clauses) + 1, "overlap")
        for kind, day, told in _moved(path, number - 1):
            edited = re.sub(r"^from = \S+", f"from = {day}", clause, flags=re.MULTILINE)
            yield Planted(kind, HEADER.join([head, *before, edited, *after]), 0, told)


def _moved(path: Path, number: int) -> Iterator[tuple[str, date, str]]:
    """Days to which a clause is moved so that a hole is left, or an earlier clause is met."""
    clause = _read(path)["clause"][number]
    sheet = _read(path.with_name(SHEET))
    starts = [
        (key, other["from"])
        for document in sorted(path.parent.glob("*.toml"))
        for other in _read(document).get("clause", [])
        for key in _keys(other)
    ]
    lent = {cell for inherited in sheet.get("inherits", []) for cell in inherited["cells"]}
    for key in _keys(clause):
        among = sorted(start for other, start in starts if other == key)
        earlier = [start for start in among if start < clause["from"]]
        if earlier:
            yield "a clause moved onto another", earlier[-1], f"overlap: {key} of {sheet['pool']}"
        opens = [start for start in among if start <= sheet["first_date"]] == [clause["from"]]
        later_too = key in sheet.get("begins_later", []) or key.split(".")[0] in lent
        if opens and not later_too:
            yield "a clause moved away", NEVER, f"gap: {key} of {sheet['pool']}"
        return  # of a clause that sets several cells, one is enough


def _keys(clause: dict[str, Any]) -> list[str]:
    """Its parameters as faults name them."""
    kinds = clause.get("kinds", [])
    cells = sorted(clause.get("sets", {}))
    return [f"{cell}.{kind}" for cell in cells for kind in kinds] if kinds else cells


@cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _allowance() -> Allow:
    return demo_allowance(FOLDERS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_planted_fault_is_refused_by_name(path: Path, tmp_path: Path) -> None:
    pool = _pools_with(path.parent, tmp_path)
    compile_book([tmp_path], _allowance())  # whole, nothing is wrong with it
    for planted in planted_in(path):
        (pool / path.name).write_text(planted.text, encoding="utf-8")
        with pytest.raises(PolicyFaults) as refused:
            compile_book([tmp_path], _allowance())
        told = list(described(refused.value.faults, tmp_path, "en"))
        assert any(_names(line, pool, path, planted) for line in told), (planted.kind, told)


def _pools_with(folder: Path, into: Path) -> Path:
    """The pool's folder and those that it inherits from, copied; where the pool's own then lies."""
    code = folder.name.split("-")[0]
    waiting, seen = [code], set()
    while waiting:
        code = waiting.pop()
        if code in seen:
            continue
        seen.add(code)
        (found,) = [place for each in FOLDERS for place in each.glob(f"{code}-*")]
        shutil.copytree(found, into / found.name)
        waiting += [i["pool"] for i in _read(found / SHEET).get("inherits", [])]
    return into / folder.name


def _names(line: str, pool: Path, path: Path, planted: Planted) -> bool:
    """Whether a line tells of the fault: where it is, and what it is."""
    if planted.clause == 0:
        return bool(re.match(rf"{pool}/[\w-]+\.toml:\d+: ", line)) and planted.told in line
    found = re.match(rf"{pool / path.name}:(\d+): clause {planted.clause} \(", line)
    if found is None or planted.told not in line:
        return False
    first, last = _lines(planted.text, planted.clause)
    return first <= int(found[1]) <= last


def _lines(text: str, clause: int) -> tuple[int, int]:
    """The first and the last line of a clause."""
    parts: Sequence[str] = text.split(HEADER)
    first = HEADER.join(parts[:clause]).count("\n") + 1
    return first, first + parts[clause].count("\n") + 1


def test_every_kind_of_fault_is_planted_many_times() -> None:
    planted = Counter(each.kind for path in DOCUMENTS for each in planted_in(path))
    assert set(planted) >= {*EDITS, "a clause twice", "a clause moved away"}
    assert "a clause moved onto another" in planted
    assert min(planted.values()) >= 15, planted
    assert planted.total() > 400
