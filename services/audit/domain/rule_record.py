"""What reviews made of a rule: one that people seldom confirm goes on trial by itself (试运行).

On trial it is asked as before and what it finds is kept, but nobody is asked about it. A new
version begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

REVIEWED_LEAST = 100
"""Of fewer reviews nothing is concluded."""
CONFIRMED_PERCENT_LEAST = 10


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """Of the flags of a pool under which a version of a rule found something, how many were decided
    and clear, and in how many of these the suspicion was confirmed."""

    pool_code: str
    rule: str
    version: int
    reviewed: int
    confirmed: int

    @property
    def on_trial(self) -> bool:
        """Whether its precision is too low for it to speak."""
        seldom = self.confirmed * 100 < CONFIRMED_PERCENT_LEAST * self.reviewed
        return self.reviewed >= REVIEWED_LEAST and seldom
