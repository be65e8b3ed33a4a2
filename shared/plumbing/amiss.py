"""What may be amiss at one place of a request: a code, and words in both languages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from pydantic_core import PydanticCustomError


class Words(NamedTuple):
    """What is said of a fault; nothing that was sent is in it."""

    en: str
    zh: str


def _read(file: str) -> dict[str, Words]:
    told = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return {of: Words(**words) for of, words in told.items()}


FAULTS: dict[str, Words] = _read("faults.toml")
FORMS: dict[str, Words] = _read("forms.toml")
"""How a text is to be written, by the pattern that it is held to."""


def words_of(code: str) -> Words:
    """The words of a code; of one that has none of its own, the plainest."""
    return FAULTS.get(code) or FAULTS["value_error"]


def amiss(code: str) -> PydanticCustomError:
    """What a validator raises, where a rule of ours is broken. Raises KeyError without words."""
    return PydanticCustomError(code, FAULTS[code].en)
