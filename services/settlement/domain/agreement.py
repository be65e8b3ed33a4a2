"""The agreement that makes a hospital a designated institution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement in force; `level` is the settlement level 1, 2 or 3."""

    institution_code: str
    level: int
