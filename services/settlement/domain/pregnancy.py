"""A registered pregnancy: one open at a time per person, the periods of all of them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.course import Designation
from services.settlement.domain.refusals import Refusal
from shared.period import Period


class Ending(StrEnum):
    """How a pregnancy ended."""

    BIRTH = "birth"
    LOSS = "loss"


class PregnancyState(StrEnum):
    """Open until a birth or loss is settled; cancelled where it was registered by mistake."""

    OPEN = "open"
    ENDED = "ended"
    CANCELLED = "cancelled"


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

    @property
    def ended(self) -> bool:
        """Whether a birth or loss was settled; a reversal does not reopen it."""
        return self.period.end is not None


def end_after(pregnancy: Pregnancy, event_on: date) -> date | None:
    """The day after the birth or loss, on which the period ends; None where it lies before it.

    A reversal does not reopen the pregnancy: the money is undone, the birth is not.
    """
    if event_on < pregnancy.period.start:
        return None
    return event_on + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cared:
    """What there is of a pregnancy in whatever hospital: whether something is `settled`, and
    whether stays or visits that were not cancelled are `standing`."""

    settled: bool
    standing: bool


def begun_on(pregnancy: Pregnancy, since: date, cared: Cared, today: date) -> Pregnancy | Refusal:
    """The pregnancy as it is once its first day was corrected: prices rest on that day, so nothing
    may be settled under it."""
    if cared.settled:
        return Refusal.PREGNANCY_SETTLED
    end = pregnancy.period.end
    if since > today or (end is not None and since >= end):
        return Refusal.DATES_OUT_OF_ORDER
    period = Period(since, end)
    return replace(pregnancy, period=period, version=pregnancy.version + 1)


def why_not_cancelled(cared: Cared) -> Refusal | None:
    """Why a pregnancy cannot be cancelled: no stay or visit loses the pregnancy that it is of."""
    if cared.settled:
        return Refusal.PREGNANCY_SETTLED
    return Refusal.PREGNANCY_HAS_STAYS if cared.standing else None


@dataclass(frozen=True, slots=True)
class KnownPregnancy:
    """A pregnancy as one who asks is told of it; `institution_code` is None where that is another
    hospital's to know."""

    pregnancy_id: UUID
    person_ref: str
    state: PregnancyState
    period: Period
    institution_code: str | None
    designations: tuple[Designation, ...]


def known_to(
    asking: str, pregnancy: Pregnancy, made: Sequence[Designation], *, cancelled: bool = False
) -> KnownPregnancy:
    """What the institution `asking`, empty for the agency's staff, may know of a pregnancy of its
    pool: that it is registered and since when, and of its designations those of itself."""
    state = PregnancyState.ENDED if pregnancy.ended else PregnancyState.OPEN
    own = asking in ("", pregnancy.institution_code)
    return KnownPregnancy(
        pregnancy_id=pregnancy.pregnancy_id,
        person_ref=pregnancy.person_ref,
        state=PregnancyState.CANCELLED if cancelled else state,
        period=pregnancy.period,
        institution_code=pregnancy.institution_code if own else None,
        designations=tuple(one for one in made if asking in ("", one.institution_code)),
    )
