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


FAULTS: dict[str, Words] = {
    code: Words(**words)
    for code, words in tomllib.loads(
        Path(__file__).with_name("faults.toml").read_text(encoding="utf-8")
    ).items()
}


def words_of(code: str) -> Words:
    """The words of a code; of one that has none of its own, the plainest."""
    return FAULTS.get(code) or FAULTS["value_error"]


def amiss(code: str) -> PydanticCustomError:
    """What a validator raises, where a rule of ours is broken. Raises KeyError without words."""
    return PydanticCustomError(code, FAULTS[code].en)
