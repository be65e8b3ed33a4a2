"""Months paid without a gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.period import Month


@dataclass(frozen=True, slots=True)
class Run:
    """Months paid one after the other, `first` and `last` included."""

    first: Month
    last: Month

    def length(self) -> int:
        """How many months it holds."""
        return self.first.until(self.last) + 1


def runs(months: Iterable[Month]) -> tuple[Run, ...]:
    """The runs that months in order make."""
    found: list[tuple[Month, Month]] = []
    for month in months:
        if found and found[-1][1].until(month) == 1:
            found[-1] = (found[-1][0], month)
        else:
            found.append((month, month))
    return tuple(Run(first, last) for first, last in found)


def run_until(months: Iterable[Month], month: Month) -> Run | None:
    """The last run that had begun by `month`, as far as that month."""
    begun = [run for run in runs(months) if run.first <= month]
    return Run(begun[-1].first, min(begun[-1].last, month)) if begun else None
