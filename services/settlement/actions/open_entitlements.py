"""Open what a birth, a late loss or a surgery entitles to: decided beside its settlement."""

from __future__ import annotations

from services.settlement.domain.entitled import Entitlement
from services.settlement.domain.entitling import openings
from services.settlement.domain.revision import first_of, opened
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import Judged
from shared.ids import new_id
from shared.policy.book import Book


def open_entitlements(judged: Judged, settlement: Settlement, book: Book) -> list[Entitlement]:
    """The entitlements of a judged case; none where the pool's rules give none."""
    by, engine, at = settlement.book, settlement.engine, settlement.settled_at
    return [
        opened(first_of(opening), settlement, new_id(), by, engine, at)
        for opening in openings(judged.case, book)
    ]
