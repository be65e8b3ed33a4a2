"""What an institution says to a flag: its right to state its case (decree 735, art. 13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stance(StrEnum):
    """Whether the institution accepts what is held against it."""

    ACCEPTS = "accepts"
    CONTESTS = "contests"


@dataclass(frozen=True, slots=True)
class LineWord:
    """What is said to one fee line."""

    line_number: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, of one round of a flag."""

    round: int
    by: str
    stated_at: datetime
    stance: Stance
    text: str
    lines: tuple[LineWord, ...]
