"""Where in a file something is written: the line that a parser forgets once it has parsed.

A TOML file cut off at the end of a statement is itself a TOML file. So what the first lines say is
asked of the parser, and no second, weaker reading of the grammar is needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

Place = Sequence[str | int]
_STATED_BY_THE_PARSER = re.compile(r"\(at line (\d+), column \d+\)")


def line_of(text: str, place: Place) -> int:
    """The line, counted from 1, on which the statement of `place` begins.

    Of a key that is missing, the line of what should hold it; of the whole file, and of a file that
    does not parse at an unknown place, 1 or its last line.
    """
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        stated = _STATED_BY_THE_PARSER.search(str(error))
        return int(stated[1]) if stated else len(lines)
    path = _written(whole, place)
    if not path:
        return 1
    return _begin(lines, path)


def _begin(lines: list[str], path: Place) -> int:
    """The first line of the statement with which `path` comes to be there: found by halving."""
    without, with_it = 0, len(lines)
    while with_it - without > 1:
        middle = (without + with_it) // 2
        if len(_written(_said(lines, middle)[1], path)) == len(path):
            with_it = middle
        else:
            without = middle
    return _said(lines, without)[0] + 1


def _said(lines: list[str], count: int) -> tuple[int, dict[str, Any]]:
    """What the whole statements of the first `count` lines say, and how many lines these take."""
    for whole in range(count, 0, -1):
        try:
            return whole, tomllib.loads("\n".join(lines[:whole]))
        except tomllib.TOMLDecodeError:
            continue
    return 0, {}


def _written(data: Any, place: Place) -> list[str | int]:
    """The parts of `place` that the file has; a validator's own parts (the name of a variant) and
    a key that is missing are passed over."""
    path: list[str | int] = []
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(part)
    return path
