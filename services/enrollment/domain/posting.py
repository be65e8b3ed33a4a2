"""A contribution as it is booked: one month of one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.enrollment.domain.contribution import Due, Rates
from services.enrollment.domain.membership import Spell
from shared.period import Month
from shared.policy.rules import Citation


@dataclass(frozen=True, slots=True)
class Contribution:
    """What was owed and is booked, under which spell, by which rates of which book."""

    contribution_id: UUID
    person_ref: str
    month: Month
    spell: Spell
    due: Due
    rates: Rates
    book: str
    posted_at: datetime

    def citation(self) -> Citation:
        """The article that decides: the employer's rate, else, where none pays, the member's."""
        if self.rates.employer.value.total:
            return self.rates.employer.citation
        return self.rates.individual.citation
