"""A stay for a complication of pregnancy or birth."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Complication:
    """`months_after`: whole months since the birth, for a complication after it."""

    when: Literal["before_birth", "after_birth"]
    months_after: int = 0


def months_since(birth: date, day: date) -> int:
    """Whole months from a birth to a later day; a month that lacks the birth's day of the month is
    whole on its last one."""
    months = (day.year - birth.year) * 12 + day.month - birth.month
    turns_on = min(birth.day, monthrange(day.year, day.month)[1])
    return max(months - (day.day < turns_on), 0)
