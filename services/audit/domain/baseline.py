"""Baselines: from which month on a channel of an institution has a new past.

People who found a flag on a channel explained (a referral centre, a new ward) have said that the
new level is lawful: from the first month of what was explained it is the level that later months
are compared with. Nothing is written for it: the decision of two people is the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.period import Month


@dataclass(frozen=True, slots=True)
class Baseline:
    """A new past of one channel from the month `since` (`YYYY-MM`) on, by the decision on a flag
    that `by` proposed and `approved_by` approved."""

    institution_code: str
    channel: str
    since: str
    flag_id: UUID
    reason_code: str
    by: str
    approved_by: str
    decided_at: datetime


def first_month(last: str, months: int) -> str:
    """The first month of so many that end with `last`, both as `YYYY-MM`."""
    return str(Month.parse(last).plus(1 - months))
