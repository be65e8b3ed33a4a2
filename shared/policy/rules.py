"""From clauses to rules: for each pool and cell, what holds since which day and who says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from shared.policy.cells import CELLS
from shared.policy.document import Clause, Document, Inheritance, PoolSheet
from shared.policy.shapes import MemberKind

T_co = TypeVar("T_co", covariant=True)
# pool, cell, kind of member (None for a cell of the whole pool)
Key = tuple[str, str, MemberKind | None]


@dataclass(frozen=True, slots=True)
class Citation:
    """The article that decides, and how well it is known."""

    article: str
    document: str
    document_title: str
    grade: str
    label: str
    """Labels joined by a comma, "" for none: default, reading, proxy, operational,
    start_unknown, open, grade_d."""


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T_co]):
    """A value with the day since which it holds, its citation, and the id of this version."""

    value: T_co
    since: date
    citation: Citation
    rate_id: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a cell, and what the compiler needs to judge it."""

    sourced: Sourced[Any]
    known_on: date
    grade: str
    is_open: bool
    clause: Clause
    document: Document


def key_name(key: Key) -> str:
    """How a parameter is named in a pool's page: "delivery" or "waiting.flexible"."""
    _, cell, kind = key
    return cell if kind is None else f"{cell}.{kind.value}"


def arrange(
    sheets: Sequence[PoolSheet], documents: Sequence[Document]
) -> dict[Key, tuple[Rule, ...]]:
    """All rules by key, oldest first."""
    table: dict[Key, list[Rule]] = {}
    for sheet in sheets:
        for key, rule in _rules_of(sheet, documents):
            table.setdefault(key, []).append(rule)
    return {
        key: tuple(sorted(rules, key=lambda rule: (rule.sourced.since, rule.known_on)))
        for key, rules in table.items()
    }


def _rules_of(sheet: PoolSheet, documents: Sequence[Document]) -> Iterator[tuple[Key, Rule]]:
    for document in documents:
        if document.pool == sheet.pool:
            yield from _rules_in(document, sheet.pool, tuple(CELLS), None)
    for inherited in sheet.inherits:
        for document in documents:
            if document.pool == inherited.pool:
                yield from _rules_in(document, sheet.pool, inherited.cells, inherited)


def _rules_in(
    document: Document, pool: str, cells: tuple[str, ...], inherited: Inheritance | None
) -> Iterator[tuple[Key, Rule]]:
    for clause in document.clause:
        citation = _citation(document, clause, inherited)
        for name in clause.cell_names():
            if name not in cells:
                continue
            for kind in clause.kinds or (None,):
                key: Key = (pool, name, kind)
                version = f"{pool}/{key_name(key)}@{clause.start.isoformat()}#{document.id}"
                value = getattr(clause.sets, name)
                yield (
                    key,
                    Rule(
                        sourced=Sourced(value, clause.start, citation, version),
                        known_on=document.known_on(),
                        grade=citation.grade,
                        is_open=_is_open(clause),
                        clause=clause,
                        document=document,
                    ),
                )


def _is_open(clause: Clause) -> bool:
    return clause.conflict is not None and clause.conflict.state == "open"


def _citation(document: Document, clause: Clause, inherited: Inheritance | None) -> Citation:
    grade = clause.grade or document.grade
    labels = [
        clause.label,
        inherited.label if inherited else None,
        "start_unknown" if clause.start_unknown else None,
        "open" if _is_open(clause) else None,
        "grade_d" if grade == "D" else None,
    ]
    shown = dict.fromkeys(label for label in labels if label)
    return Citation(clause.article, document.id, document.title, grade, ",".join(shown))
