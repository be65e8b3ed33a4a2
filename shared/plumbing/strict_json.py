"""JSON as we take it: no NaN, no doubled name, no U+0000, no lone surrogate, not too deep."""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 16
_LARGEST_NUMBER = 2**53


class NotStrict(ValueError):
    """The bytes are not JSON as we take it."""


def parse(body: bytes) -> Any:
    """Parse strictly. Raises NotStrict."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_doubles,
            parse_constant=_refuse,
            parse_float=_refuse,
            parse_int=_small,
        )
    except (ValueError, RecursionError) as error:
        raise NotStrict from error
    _walk(value, 1)
    return value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict
    return found


def _refuse(_: str) -> Any:
    # Amounts and quantities are strings on the wire; a JSON fraction is always a mistake.
    raise NotStrict


def _small(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > _LARGEST_NUMBER:
        raise NotStrict
    return int(digits)


def _walk(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise NotStrict
    if isinstance(value, str):
        clean_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            clean_text(name)
            _walk(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, depth + 1)


def clean_text(text: str) -> None:
    """Raise NotStrict for a U+0000 or a lone surrogate, which no database text can hold."""
    if "\x00" in text:
        raise NotStrict
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotStrict from error
