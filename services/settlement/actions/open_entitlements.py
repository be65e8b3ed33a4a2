"""Open what a birth, a late loss or a surgery entitles to: decided beside its settlement."""

from __future__ import annotations

from services.settlement.domain.entitled import Entitlement, EntitlementState
from services.settlement.domain.entitling import Opening, openings
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import Judged
from services.settlement.domain.steps import stored_steps
from shared.ids import new_id
from shared.policy.book import Book


def open_entitlements(judged: Judged, settlement: Settlement, book: Book) -> list[Entitlement]:
    """The entitlements of a judged case; none where the pool's rules give none."""
    return [_entitlement(opening, settlement) for opening in openings(judged.case, book)]


def _entitlement(opening: Opening, settlement: Settlement) -> Entitlement:
    return Entitlement(
        pool_code=settlement.pool_code,
        entitlement_id=new_id(),
        kind=opening.kind,
        person_ref=settlement.person_ref,
        pregnancy_id=settlement.pregnancy_id,
        settlement_id=settlement.settlement_id,
        event=opening.event,
        days=opening.days,
        amount=opening.amount,
        state=EntitlementState.DEFERRED if opening.until else EntitlementState.OPENED,
        until=opening.until.isoformat() if opening.until else None,
        payee=opening.payee,
        steps=stored_steps(opening.steps),
        rates=opening.rates,
        book=settlement.book,
        engine=settlement.engine,
        opened_at=settlement.settled_at,
        version=1,
    )
