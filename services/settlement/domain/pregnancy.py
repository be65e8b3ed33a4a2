"""A registered pregnancy: one open at a time per person, the periods of all of them apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from shared.period import Period


class Ending(StrEnum):
    """How a pregnancy ended."""

    BIRTH = "birth"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """`institution_code` is where the person chose to be cared for; any hospital may deliver.

    `delivered_on` is the day of the birth; a loss leaves it empty.
    """

    pool_code: str
    pregnancy_id: UUID
    person_ref: str
    institution_code: str
    period: Period
    delivered_on: date | None
    version: int
    ended_by: Ending | None = None


def end_after(pregnancy: Pregnancy, event_on: date) -> date | None:
    """The day after the birth or loss, on which the period ends; None where it lies before it.

    A reversal does not reopen the pregnancy: the money is undone, the birth is not.
    """
    if event_on < pregnancy.period.start:
        return None
    return event_on + timedelta(days=1)
