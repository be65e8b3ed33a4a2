"""JSON as we take it: no doubled name, no U+0000, no lone surrogate, not too deep.

A number with a point or an exponent, and NaN, are read, as floats: no form takes one, so whoever
holds the body against its form finds each at its place, beside whatever else is amiss there.
"""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 16


class NotStrict(ValueError):
    """The bytes are not JSON as we take it; `code` is the fault of the whole body."""

    code = "not-strict-json"


class Doubled(NotStrict):
    """A name stands twice in an object."""

    code = "doubled-name"


class TooDeep(NotStrict):
    """It is nested deeper than anything that we take."""

    code = "too-deep"


class NotText(NotStrict):
    """A text holds what no database text can hold."""

    code = "not-strict-text"


def parse(body: bytes) -> Any:
    """Parse strictly. Raises NotStrict."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=no_doubles)
    except NotStrict:
        raise
    except RecursionError as error:
        raise TooDeep from error
    except ValueError as error:
        raise NotStrict from error
    clean(value)
    return value


def no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if no name stands in it twice. Raises Doubled."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Doubled
    return found


def clean(value: Any, depth: int = 1) -> None:
    """Hold texts and depth of a parsed value to what we take. Raises NotText, TooDeep."""
    if depth > _DEEPEST:
        raise TooDeep
    if isinstance(value, str):
        clean_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            clean_text(name)
            clean(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            clean(inner, depth + 1)


def clean_text(text: str) -> None:
    """Raise NotText for a U+0000 or a lone surrogate."""
    if "\x00" in text:
        raise NotText
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotText from error
