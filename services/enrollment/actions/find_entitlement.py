"""Find how a person stands on a day."""

from __future__ import annotations

from datetime import date

from services.enrollment.actions.acting import Acting
from services.enrollment.domain.entitlement import Entitlement, entitlement
from services.enrollment.domain.refusals import Refusal
from services.enrollment.store.histories import Histories


async def find_entitlement(
    histories: Histories, acting: Acting, person_ref: str, on: date, benefit: str | None
) -> Entitlement | Refusal:
    """A person's standing on a day in the caller's pool, by the rules known today."""
    known = await histories.find((person_ref, acting.pool_code))
    if known is None:
        return Refusal.PERSON_UNKNOWN
    history = known.history.of_pool(acting.pool_code) if acting.pool_code else known.history
    return entitlement(history, on, benefit, acting.book, acting.today)
