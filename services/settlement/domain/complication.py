"""A stay for a complication of pregnancy or birth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Complication:
    """`months_after`: whole months since the birth, for a complication after it."""

    when: Literal["before_birth", "after_birth"]
    months_after: int = 0
