"""From folders of TOML to a book, or to the full list of what is wrong with them.

Every fault is found at load: nothing is guessed, skipped or silently overruled later.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.policy.book import Book
from shared.policy.cells import CELLS
from shared.policy.document import Document, PoolSheet
from shared.policy.faults import PolicyFault, PolicyFaults
from shared.policy.rules import Key, Rule, arrange, key_name
from shared.policy.shapes import Strict

BUILT_IN = Path(__file__).parent / "pools"
SHEET = "pool.toml"
M = TypeVar("M", bound=Strict)


@dataclass(frozen=True, slots=True)
class Allow:
    """What the operator admits by name: (pool, grade) and (pool, cell). Nothing, by default."""

    grades: frozenset[tuple[str, str]] = frozenset()
    open_cells: frozenset[tuple[str, str]] = frozenset()


PRODUCTION = Allow()


@dataclass(slots=True)
class _Reading:
    """What was read so far, with the file that each piece came from."""

    sheets: list[PoolSheet] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: list[PolicyFault] = field(default_factory=list)


def compile_book(folders: Sequence[Path] = (BUILT_IN,), allow: Allow = PRODUCTION) -> Book:
    """The book of all pools under `folders`. Raises PolicyFaults with every fault found."""
    reading = _read_all(folders)
    _refuse(reading.faults)
    rules = arrange(reading.sheets, reading.documents)
    _refuse([*_structure_faults(reading, rules), *_admission_faults(reading, rules, allow)])
    return Book(reading.sheets, reading.documents)


def demo_allowance(folders: Sequence[Path] = (BUILT_IN,)) -> Allow:
    """What the pools' own pages list for a demo: for show and what-if, never for payment."""
    reading = _read_all(folders)
    _refuse(reading.faults)
    return Allow(
        frozenset((sheet.pool, grade) for sheet in reading.sheets for grade in sheet.demo.grades),
        frozenset((sheet.pool, cell) for sheet in reading.sheets for cell in sheet.demo.open_cells),
    )


def allowance(mode: str, named: Sequence[str]) -> Allow:
    """What an operator admits: all that pools list in a demo, else what is named.

    A name is "pool:D" for grade D, or "pool:cell" for an open cell.
    """
    if mode == "demo":
        return demo_allowance()
    pairs = {(pool, what) for pool, _, what in (name.partition(":") for name in named)}
    grades = frozenset(pair for pair in pairs if pair[1] == "D")
    return Allow(grades, frozenset(pairs - grades)) if pairs else PRODUCTION


def _refuse(faults: Sequence[PolicyFault]) -> None:
    if faults:
        raise PolicyFaults(faults)


def _read_all(folders: Sequence[Path]) -> _Reading:
    reading = _Reading()
    for folder in folders:
        pool_folders = (
            sorted(path for path in folder.iterdir() if path.is_dir()) if (folder.is_dir()) else []
        )
        if not pool_folders:
            what = f"no pool here: write <code>-<name>/{SHEET} in it"
            if (folder / SHEET).is_file():
                what = "this is one pool: name the folder that holds it"
            reading.faults.append(PolicyFault(str(folder), "", what))
        for pool_folder in pool_folders:
            _read_pool(pool_folder, reading)
    return reading


def _read_pool(folder: Path, reading: _Reading) -> None:
    code = folder.name.split("-")[0]
    if not (folder / SHEET).is_file():
        reading.faults.append(PolicyFault(folder.name, "", f"write its {SHEET}"))
    for path in sorted(folder.glob("*.toml")):
        name = f"{folder.name}/{path.name}"
        model: type[Strict] = PoolSheet if path.name == SHEET else Document
        read = _read(path, name, model, reading.faults)
        if not isinstance(read, PoolSheet | Document):
            continue
        if read.pool != code:
            reading.faults.append(
                PolicyFault(name, "", f'pool "{read.pool}" in the folder of "{code}"', ("pool",))
            )
        identity = (read.pool, "" if isinstance(read, PoolSheet) else read.id)
        if identity in reading.files:
            key = "pool" if isinstance(read, PoolSheet) else "id"
            other = f"duplicate of {reading.files[identity]}: choose another {key}"
            reading.faults.append(PolicyFault(name, "", other, (key,)))
        reading.files[identity] = name
        if isinstance(read, PoolSheet):
            reading.sheets.append(read)
        else:
            reading.documents.append(read)


def _read(path: Path, name: str, model: type[M], faults: list[PolicyFault]) -> M | None:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(PolicyFault(name, "", f"not TOML (a key written twice?): {error}"))
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults.extend(_explained(error, raw, name))
        return None


def _explained(error: ValidationError, raw: dict[str, Any], name: str) -> Iterator[PolicyFault]:
    problems = error.errors(include_url=False, include_input=False)
    for problem in problems:
        if _follows_from_another(problem, problems):
            continue
        place = whole = _as_written(problem["loc"], raw)
        clause = ""
        if len(place) > 1 and place[0] == "clause" and isinstance(place[1], int):
            article = raw["clause"][place[1]].get("article", "without article")
            clause = f"clause {place[1] + 1} ({article})"
            place = place[2:]
        where = ".".join(str(part) for part in place)
        what = f"{where}: {_advice(problem, place)}".lstrip(": ")
        yield PolicyFault(name, clause, what, tuple(whole))


def _as_written(place: Sequence[int | str], raw: Any) -> list[int | str]:
    """A fault's place by the file's own keys: without the names of variants that a validator adds
    on its way. The last part stays, it may be the key that is missing."""
    written = []
    for part in place[:-1]:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            continue
        written.append(part)
    return [*written, *place[-1:]]


def _follows_from_another(problem: Any, problems: Sequence[Any]) -> bool:
    """A list whose entries are all at fault is then also too short; that alone mends nothing."""
    whole = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(whole) and other["loc"][: len(whole)] == whole for other in problems
    )


def _advice(problem: Any, place: list[int | str]) -> str:
    kind, message = problem["type"], problem["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden" and place[:1] == ["sets"] and len(place) == 2:
        return f"unknown key; the cells are {', '.join(CELLS)}"
    if kind == "extra_forbidden":
        return "unknown key: remove it or correct its spelling"
    if kind == "missing":
        return "missing: write it"
    if place[-1:] == ["pool"]:
        return "write the pool code as a string of six digits in quotes (numbers lose zeros)"
    return str(message)


def _structure_faults(
    reading: _Reading, rules: dict[Key, tuple[Rule, ...]]
) -> Iterator[PolicyFault]:
    sheets = {sheet.pool: sheet for sheet in reading.sheets}
    for sheet in reading.sheets:
        for number, inherited in enumerate(sheet.inherits):
            if inherited.pool not in sheets:
                yield PolicyFault(
                    reading.files[(sheet.pool, "")],
                    "",
                    f'inherits from "{inherited.pool}", which is not loaded',
                    ("inherits", number, "pool"),
                )
    for key, versions in rules.items():
        sheet = sheets[key[0]]
        first = versions[0]
        late = key_name(key) in sheet.begins_later
        if first.sourced.since > sheet.first_date and not late:
            yield _at(
                reading,
                key,
                first,
                "from",
                f"gap: {key_name(key)} of {key[0]} says nothing from {sheet.first_date} to"
                f" {first.sourced.since}; write the earlier rule, or name it in begins_later",
            )
        yield from _overlaps(reading, key, versions)


def _overlaps(reading: _Reading, key: Key, versions: tuple[Rule, ...]) -> Iterator[PolicyFault]:
    """Two rules for one day. A later document rules from its own first day on; where it begins
    before a rule of an earlier document, both would speak: the writer must say which holds."""
    for earlier, later in pairwise(versions):
        same_day = earlier.sourced.since == later.sourced.since
        if same_day or earlier.known_on > later.known_on:
            # The pool's own clause is named, not the one that it inherits.
            mine, other = (earlier, later) if later.document.pool != key[0] else (later, earlier)
            remedy = "keep one"
            if other.document.pool != key[0]:
                remedy = f"take {key[1]} out of `inherits`, or begin on another day"
            yield _at(
                reading,
                key,
                mine,
                "from",
                f"overlap: {key_name(key)} of {key[0]} is set twice from {later.sourced.since}:"
                f" also by {other.document.id} {other.clause.article}; {remedy}",
            )


def _admission_faults(
    reading: _Reading, rules: dict[Key, tuple[Rule, ...]], allow: Allow
) -> Iterator[PolicyFault]:
    for key, versions in rules.items():
        pool, cell, _ = key
        for rule in versions:
            if rule.grade == "D" and (pool, "D") not in allow.grades:
                what = f"{key_name(key)} of {pool} has grade D: admit it by name"
                yield _at(reading, key, rule, "grade", what)
            if rule.is_open and (pool, cell) not in allow.open_cells:
                yield _at(
                    reading,
                    key,
                    rule,
                    "conflict",
                    f"{key_name(key)} of {pool} is an open conflict: resolve it by a source, or"
                    " admit the cell by name",
                )


def _at(reading: _Reading, key: Key, rule: Rule, to_mend: str, what: str) -> PolicyFault:
    """A fault of `key`, to be mended in the clause behind `rule`; where that is another pool's
    clause, on the page that inherits it."""
    if rule.document.pool != key[0]:
        return _at_inheritance(reading, key, rule, what)
    # By identity: a clause written twice is equal to its twin, and the second is at fault.
    number = next(n for n, each in enumerate(rule.document.clause) if each is rule.clause)
    file = reading.files[(rule.document.pool, rule.document.id)]
    clause = f"clause {number + 1} ({rule.clause.article})"
    return PolicyFault(file, clause, what, ("clause", number, to_mend))


def _at_inheritance(reading: _Reading, key: Key, rule: Rule, what: str) -> PolicyFault:
    sheet = next(sheet for sheet in reading.sheets if sheet.pool == key[0])
    taken = enumerate(sheet.inherits)
    number = next(n for n, i in taken if i.pool == rule.document.pool and key[1] in i.cells)
    by = f"inherited: {rule.document.id} {rule.clause.article}"
    place = ("inherits", number, "cells")
    return PolicyFault(reading.files[(sheet.pool, "")], "", f"{what} ({by})", place)
