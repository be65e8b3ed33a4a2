"""The values of the book in words: short, complete, in either language; the words are data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from shared.money import Money

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_WORDS = Path(__file__).parent / "words"
# A key whose value alone says it: the name of a method.
_SPEAKS_FOR_ITSELF = "method"
_SHORT = 40


@cache
def words(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All words of one language: cells, fields, values, labels, headings, forms."""
    tables: dict[str, dict[str, str]] = tomllib.loads(
        (_WORDS / f"{language}.toml").read_text(encoding="utf-8")
    )
    return tables


@cache
def _advice() -> Mapping[str, str]:
    text = (_WORDS / "advice.zh.toml").read_text(encoding="utf-8")
    found: dict[str, str] = tomllib.loads(text)
    return found


def advice(what: str) -> str:
    """In Chinese, what to do about a fault that the compiler tells in English; "" for none."""
    return next((said for fragment, said in _advice().items() if fragment in what), "")


def spoken(value: Any, language: Language, of: str = "") -> str:
    """A rule's value on one line.

    `of` is the key that holds the value: some words depend on it.
    """
    said = words(language)
    forms = said["forms"]
    match value:
        case bool():
            return said["values"][str(value).lower()]
        case Money():
            return forms["money"].format(value.to_wire())
        case Decimal() | int() | date():
            return str(value)
        case str():
            return said["values"].get(f"{of}.{value}") or said["values"].get(value, str(value))
        case BaseModel():
            return _joined(_stated(value), language)
        case Mapping():
            return _joined(value.items(), language)
        case tuple():
            return forms["between_items"].join(spoken(each, language, of) for each in value)
    raise TypeError(f"no words for {type(value).__name__}")


def _stated(value: BaseModel) -> Iterator[tuple[str, Any]]:
    """The keys that say something, the method first; what has a default is a part of the rule."""
    fields = type(value).model_fields.items()
    for name, field in sorted(fields, key=lambda named: named[0] != _SPEAKS_FOR_ITSELF):
        found = getattr(value, name)
        if field.is_required() or found not in (None, False, (), {}):
            yield name, found


def spoken_in_lines(value: Any, language: Language) -> str:
    """As `spoken`, each part of a long value, each entry of a long list on a line of its own."""
    whole = spoken(value, language)
    if len(whole) <= _SHORT or not isinstance(value, BaseModel):
        return whole
    lines: list[str] = []
    short: list[tuple[str, Any]] = []
    for name, part in _stated(value):
        entries = _entries(part, language)
        if entries and len(spoken(part, language, name)) > _SHORT:
            lines += [*_parts(short, language), _name(name, language), *entries]
            short = []
        else:
            short.append((name, part))
    return "\n".join([*lines, *_parts(short, language)])


def _entries(value: Any, language: Language) -> list[str]:
    if isinstance(value, tuple):
        return [f"· {spoken(each, language)}" for each in value]
    if isinstance(value, Mapping):
        return [f"· {part}" for part in _parts(value.items(), language)]
    return []


def _joined(parts: Iterable[tuple[str, Any]], language: Language) -> str:
    return words(language)["forms"]["between_parts"].join(_parts(parts, language))


def _parts(parts: Iterable[tuple[str, Any]], language: Language) -> list[str]:
    """Names with their values; neighbours of one value share it: level_1/level_2 0.00."""
    forms = words(language)["forms"]
    said = []
    texts = [(name, spoken(value, language, name), value) for name, value in parts]
    for text, alike in groupby(texts, key=lambda part: part[1]):
        group = list(alike)
        if group[0][0] == _SPEAKS_FOR_ITSELF:
            said.append(text)
            continue
        names = "/".join(_name(name, language) for name, _, _ in group)
        compound = isinstance(group[0][2], BaseModel | Mapping | tuple) and (
            forms["between_parts"] in text or forms["between_items"] in text
        )
        said.append(forms["compound" if compound else "plain"].format(names, text))
    return said


def _name(name: str, language: Language) -> str:
    """The word for a field, or for a value that stands as a key; a pool's own names are kept."""
    said = words(language)
    return said["fields"].get(name) or said["values"].get(name, name)
