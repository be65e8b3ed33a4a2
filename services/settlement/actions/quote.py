"""Quote a stay: settling without writing, so that the quote equals the settlement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.settlement.actions.settle import settlement_of
from services.settlement.domain.claimed import benefit_of
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import Judged, already_ended, already_operated, judge
from services.settlement.domain.stay import Outcome, StayState
from services.settlement.store.settling import Facts
from shared.ids import NO_ID
from shared.plumbing.clock import business_day
from shared.policy.book import Book


def quote(facts: Facts, outcome: Outcome | None, book: Book, now: datetime) -> Settlement | Refused:
    """What settling would come to, with the outcome as given, else as discharged."""
    judged = judge_now(facts, outcome, book, now)
    return judged if isinstance(judged, Refused) else quoted(judged, now)


def quoted(judged: Judged, now: datetime) -> Settlement:
    """The settlement that is not made."""
    return settlement_of(judged, NO_ID, "", now)


def judge_now(facts: Facts, outcome: Outcome | None, book: Book, now: datetime) -> Judged | Refused:
    """The judgement that settling now would rest on, with the outcome as given, else as
    discharged."""
    stay = facts.stay
    if stay is None:
        return Refused(Refusal.STAY_UNKNOWN)
    if stay.state is StayState.CANCELLED:
        return Refused(Refusal.STAY_CANCELLED)
    if stay.state is StayState.SETTLED:
        return Refused(Refusal.STAY_ALREADY_SETTLED)
    ended = already_ended(stay, facts.rival)
    if ended is not None:
        return Refused(ended)
    stated = outcome or stay.outcome
    if stated is None:
        return Refused(Refusal.STAY_NOT_DISCHARGED)
    if benefit_of(stated.claimed) is not stay.benefit:
        return Refused(Refusal.OUTCOME_OF_ANOTHER_BENEFIT)
    if not stay.admitted_on <= stated.event_on <= stated.discharged_on:
        return Refused(Refusal.DATES_OUT_OF_ORDER)
    operated = already_operated(stated, facts.operated)
    if operated is not None:
        return Refused(operated)
    return judge(
        stay=replace(stay, outcome=stated),
        outcome=stated,
        agreement=facts.agreement,
        pregnancy=facts.pregnancy,
        person=facts.person,
        book=book,
        now=now,
        today=business_day(now),
        course=facts.course,
    )
