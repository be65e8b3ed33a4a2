"""Half-open periods of days, and months as the insurance counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

_MONTH = re.compile(r"((?:19|20)[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in Asia/Shanghai."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 12:
            raise ValueError("a month is 1 to 12")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2024-03". Raises ValueError otherwise."""
        match = _MONTH.fullmatch(text)
        if not match:
            raise ValueError("a month is written YYYY-MM")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that `day` lies in."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """The month `months` later (earlier if negative)."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)

    def until(self, later: Month) -> int:
        """How many months lie from this one to `later` (0 for the same month)."""
        return (later.year - self.year) * 12 + later.number - self.number

    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.number, 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` up to, not including, `end`; an `end` of None is open."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError("a period ends after it starts")

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether both periods share a day."""
        return (other.end is None or self.start < other.end) and (
            self.end is None or other.start < self.end
        )
