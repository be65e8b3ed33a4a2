"""JSON as we take it: no NaN, no doubled name, no U+0000, no lone surrogate, not too deep."""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 16
_LARGEST_NUMBER = 2**53


class NotStrict(ValueError):
    """The bytes are not JSON as we take it."""


class HasFraction(NotStrict):
    """A number with a point or an exponent stands in it. Amounts and quantities are texts on the
    wire, so that is always a mistake, and of all mistakes the first that is made."""


class TooDeep(NotStrict):
    """It is nested deeper than anything that we take."""


def parse(body: bytes) -> Any:
    """Parse strictly. Raises NotStrict."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=no_doubles,
            parse_constant=refuse,
            parse_float=_fraction,
            parse_int=_small,
        )
    except NotStrict:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrict from error
    clean(value)
    return value


def no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if no name stands in it twice. Raises NotStrict."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict
    return found


def refuse(_: str) -> Any:
    """A hook for what is not taken. Raises NotStrict."""
    raise NotStrict


def _fraction(_: str) -> Any:
    raise HasFraction


def _small(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > _LARGEST_NUMBER:
        raise NotStrict
    return int(digits)


def clean(value: Any, depth: int = 1) -> None:
    """Hold texts and depth of a parsed value to what we take. Raises NotStrict, TooDeep."""
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
    """Raise NotStrict for a U+0000 or a lone surrogate, which no database text can hold."""
    if "\x00" in text:
        raise NotStrict
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotStrict from error
