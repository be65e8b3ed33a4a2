"""The documents as they are printed, and the clause that speaks on a day."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any


class No(Exception):
    """The law says no; `str()` of it is the refusal's slug."""


def load(folders: Sequence[Path]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The pools' own pages by code, and all documents."""
    sheets, documents = {}, []
    for folder in folders:
        for path in sorted(folder.glob("*/*.toml")):
            read = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
            if path.name == "pool.toml":
                sheets[read["pool"]] = read
            else:
                documents.append(read)
    return sheets, documents


def known_since(document: dict[str, Any]) -> date:
    """Publication; else the first day that it states; else the first day on which it was seen."""
    if "published" in document:
        published: date = document["published"]
        return published
    stated: list[date] = [c["from"] for c in document["clause"] if not c.get("start_unknown")]
    first: date = min(stated or [c["from"] for c in document["clause"]])
    return first


class Law:
    """What one pool says to one kind of member, of what was known on one day."""

    def __init__(
        self,
        sheet: dict[str, Any],
        documents: list[dict[str, Any]],
        kind: str,
        known_on: date,
    ) -> None:
        self.sheet = sheet
        self.kind = kind
        self.known_on = known_on
        self.clauses = []
        for document in documents:
            cells = None
            if document["pool"] != sheet["pool"]:
                cells = [
                    cell
                    for inherited in sheet.get("inherits", [])
                    if inherited["pool"] == document["pool"]
                    for cell in inherited["cells"]
                ]
            for clause in document["clause"]:
                for cell, value in clause.get("sets", {}).items():
                    if cells is None or cell in cells:
                        self.clauses.append((cell, clause, known_since(document), value))

    def versions(self, cell: str) -> list[tuple[date, date, Any]]:
        """Each version of a cell that is for this kind of member: start, known since, value."""
        return [
            (clause["from"], known, value)
            for name, clause, known, value in self.clauses
            if name == cell and ("kinds" not in clause or self.kind in clause["kinds"])
        ]

    def find(self, cell: str, on: date) -> Any:
        """What is in force on a day; None where nothing is."""
        if on < self.sheet["first_date"] and cell not in self.sheet.get("begins_earlier", []):
            return None
        best = None
        for start, known, value in self.versions(cell):
            later = best is None or (start, known) > best[:2]
            if start <= on and known <= self.known_on and later:
                best = (start, known, value)
        return best[2] if best else None

    def need(self, cell: str, on: date) -> Any:
        """What is in force on a day, or the refusal."""
        found = self.find(cell, on)
        if found is None:
            raise No("no_rule_on_date" if self.versions(cell) else "not_covered")
        return found

    def next(self, cell: str, on: date) -> tuple[date, Any] | None:
        """The first version that begins after a day."""
        later = [v for v in self.versions(cell) if v[0] > on and v[1] <= self.known_on]
        if not later:
            return None
        first = min(later, key=lambda version: version[:2])
        return first[0], first[2]


def fen(text: str) -> int:
    """Yuan as they are printed, in fen."""
    return int(Fraction(text) * 100)


def rounded(amount: Fraction | int, rule: dict[str, Any]) -> int:
    """An amount of fen that is not negative, rounded as a clause says."""
    step = fen(rule["step"])
    whole, rest = divmod(Fraction(amount), step)
    up = rest > 0 if rule["mode"] == "up" else rule["mode"] == "half_up" and 2 * rest >= step
    return (int(whole) + up) * step


def month(day: date) -> int:
    """A day's month as a count of months."""
    return day.year * 12 + day.month - 1


def month_of(text: str) -> int:
    """ "2024-03" as a count of months."""
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def first_of(count: int) -> str:
    """The first day of a month."""
    return date(count // 12, count % 12 + 1, 1).isoformat()
