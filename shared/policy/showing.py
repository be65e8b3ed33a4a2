"""The rules of a day, and what changed between two, as rows for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.policy.book import Book, NoRule, in_force
from shared.policy.cells import CELLS
from shared.policy.rules import Key, Rule
from shared.policy.shapes import MemberKind
from shared.policy.speech import Language, spoken_in_lines, words

SHOWN = ("cell", "kind", "value", "since", "article", "document", "grade", "labels")
CHANGED = ("cell", "kind", "change", "before", "after", "articles")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, already in the reader's language, and the titles of what they cite."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    documents: tuple[str, ...]


def rules_of_day(
    book: Book, pool: str, on: date, kind: MemberKind | None, language: Language
) -> Table:
    """What holds in `pool` on `on`, all documents known: of every kind, or of one.

    Raises NoRule for an unknown pool and before its first day.
    """
    found = _in_force(book, pool, on, kind)
    rows = [_row(key, rule, language) for key, rule in found]
    return Table(_headings(SHOWN, language), tuple(rows), _titles([rule for _, rule in found]))


def changes(
    book: Book, pool: str, days: tuple[date, date], kind: MemberKind | None, language: Language
) -> Table:
    """Cell by cell, what holds otherwise on the second of `days` than on the first, or by another
    article. Raises NoRule as `rules_of_day`."""
    before, after = (dict(_in_force(book, pool, day, kind)) for day in days)
    rows, cited = [], []
    # What has begun never ends: a later version replaces it. So `after` has every key.
    for key, new in after.items():
        old = before.get(key)
        if old is not None and old.sourced.rate_id == new.sourced.rate_id:
            continue
        rows.append(_change(key, old, new, language))
        cited += [old, new] if old else [new]
    return Table(_headings(CHANGED, language), tuple(rows), _titles(cited))


def _in_force(book: Book, pool: str, on: date, kind: MemberKind | None) -> list[tuple[Key, Rule]]:
    first_dates = {sheet.pool: sheet.first_date for sheet in book.pools()}
    if pool not in first_dates:
        raise NoRule(pool, "pool", "pool_unknown")
    if on < first_dates[pool]:
        raise NoRule(pool, "pool", "not_yet")
    order = list(CELLS)
    kinds = [None, *MemberKind]
    table = [
        (key, rule)
        for key, versions in book.parameters().items()
        if key[0] == pool and (kind is None or key[2] in (None, kind))
        if (rule := in_force(versions, on, date.max)) is not None
    ]
    return sorted(table, key=lambda row: (order.index(row[0][1]), kinds.index(row[0][2])))


def _row(key: Key, rule: Rule, language: Language) -> tuple[str, ...]:
    citation = rule.sourced.citation
    return (
        *_names(key, language),
        spoken_in_lines(rule.sourced.value, language),
        rule.sourced.since.isoformat(),
        citation.article,
        citation.document,
        citation.grade,
        _labels(citation.label, language),
    )


def _change(key: Key, old: Rule | None, new: Rule, language: Language) -> tuple[str, ...]:
    said = words(language)["headings"]
    if old is None:
        change = said["begins"]
    elif old.sourced.value == new.sourced.value:
        change = said["restated"]
    else:
        change = said["changed"]
    return (
        *_names(key, language),
        change,
        spoken_in_lines(old.sourced.value, language) if old else "",
        spoken_in_lines(new.sourced.value, language),
        "\n→ ".join(_cited(rule) for rule in (old, new) if rule),
    )


def _cited(rule: Rule) -> str:
    citation = rule.sourced.citation
    return f"{citation.document} {citation.article} ({rule.sourced.since})"


def _names(key: Key, language: Language) -> tuple[str, str]:
    _, cell, kind = key
    said = words(language)
    return f"{said['cells'][cell]} {cell}", said["values"][kind.value] if kind else ""


def _labels(labels: str, language: Language) -> str:
    said = words(language)
    joint = said["forms"]["between_parts"]
    return joint.join(said["labels"][label] for label in labels.split(",") if label)


def _headings(names: Sequence[str], language: Language) -> tuple[str, ...]:
    return tuple(words(language)["headings"][name] for name in names)


def _titles(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_title(rule) for rule in rules))


def _title(rule: Rule) -> str:
    document = rule.document
    number = f" {document.number}" if document.number else ""
    return f"{document.id}: {document.title}{number}"
