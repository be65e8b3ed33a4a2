"""Quote a stay: settling without writing, so that the quote equals the settlement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.settlement.actions.settle import settlement_of
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import judge
from services.settlement.domain.stay import Outcome, StayState
from services.settlement.store.settling import Facts
from shared.plumbing.clock import business_day
from shared.policy.book import Book

NO_ID = UUID(int=0)
"""The id of a settlement that was not made."""


def quote(facts: Facts, outcome: Outcome | None, book: Book, now: datetime) -> Settlement | Refused:
    """What settling would come to, with the outcome as given, else as discharged."""
    stay = facts.stay
    if stay is None:
        return Refused(Refusal.STAY_UNKNOWN)
    if stay.state is StayState.SETTLED:
        return Refused(Refusal.STAY_ALREADY_SETTLED)
    if facts.rival:
        return Refused(Refusal.DELIVERY_ALREADY_SETTLED)
    stated = outcome or stay.outcome
    if stated is None:
        return Refused(Refusal.STAY_NOT_DISCHARGED)
    if not stay.admitted_on <= stated.event_on <= stated.discharged_on:
        return Refused(Refusal.DATES_OUT_OF_ORDER)
    judged = judge(
        stay=replace(stay, outcome=stated),
        outcome=stated,
        agreement=facts.agreement,
        pregnancy=facts.pregnancy,
        person=facts.person,
        book=book,
        now=now,
        today=business_day(now),
    )
    return judged if isinstance(judged, Refused) else settlement_of(judged, NO_ID, "", now)
