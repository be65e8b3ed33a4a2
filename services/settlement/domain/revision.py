"""What a late document or a corrected state changes of what a settled case entitles to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.allowance import Base
from services.settlement.domain.case import Case
from services.settlement.domain.entitled import Entitlement, EntitlementKind, EntitlementState
from services.settlement.domain.entitling import Opening, openings, with_base
from services.settlement.domain.pricing import ENGINE, Deferred, price
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.steps import stored_steps
from shared.money import Money
from shared.policy.book import Book


@dataclass(frozen=True, slots=True)
class Sum:
    """What an entitlement comes to; withdrawn where the law gives none."""

    state: EntitlementState
    days: int | None = None
    amount: Money | None = None
    until: str | None = None
    payee: str | None = None


GONE = Sum(EntitlementState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Revision:
    """A change of one entitlement of a settlement, at most one of each kind; `before` is None where
    there was none. `steps` is the stored JSON, empty where the law gives none."""

    kind: EntitlementKind
    event: str
    before: Sum | None
    after: Sum
    steps: str
    rates: tuple[str, ...]


def revisions(
    case: Case, known: Sequence[Entitlement], book: Book
) -> tuple[Revision, ...] | Refused:
    """What the case entitles to now, where it differs from what is `known`, withdrawn included.

    Refused where a fixed allowance cannot be counted again: its base is not known, or no rule is.
    """
    found = []
    for kind in EntitlementKind:
        standing = next((one for one in known if one.kind is kind), None)
        before = None if standing is None else sum_of(standing)
        counted = before is not None and before.state is EntitlementState.FIXED
        now = now_of(
            kind, case, book, fixed=counted, base=standing.base if standing is not None else None
        )
        if isinstance(now, Refused):
            return now
        event, after, steps, rates = now
        if after != (before or GONE):
            event = standing.event if standing is not None else event
            found.append(Revision(kind, event, before, after, steps, rates))
    return tuple(found)


def first_of(opening: Opening) -> Revision:
    """What a settlement opens, as the first change of what there was not before."""
    until = opening.until.isoformat() if opening.until else None
    state = EntitlementState.DEFERRED if until else EntitlementState.OPENED
    after = Sum(state, opening.days, opening.amount, until, opening.payee)
    steps = stored_steps(opening.steps)
    return Revision(opening.kind, opening.event, None, after, steps, opening.rates)


def opened(
    first: Revision, settlement: Settlement, entitlement_id: UUID, book: str, engine: str,
    at: datetime,
) -> Entitlement:  # fmt: skip
    """The entitlement that a settlement opens, or a released adjustment of it; `book` and `engine`
    are those that say so."""
    after = first.after
    return Entitlement(
        pool_code=settlement.pool_code,
        entitlement_id=entitlement_id,
        kind=first.kind,
        person_ref=settlement.person_ref,
        pregnancy_id=settlement.pregnancy_id,
        settlement_id=settlement.settlement_id,
        event=first.event,
        days=after.days,
        amount=after.amount,
        state=after.state,
        until=after.until,
        payee=after.payee,
        steps=first.steps,
        rates=first.rates,
        book=book,
        engine=engine,
        opened_at=at,
        version=1,
    )


def fixed(before: Entitlement, case: Case, base: Base, book: Book) -> Entitlement | Refused:
    """An open allowance, its amount counted from the `base` that a clerk states."""
    counted = _counted(case, base, book)
    if isinstance(counted, Refused):
        return counted
    after, steps, rates = counted
    return replace(
        before,
        days=after.days,
        amount=after.amount,
        state=after.state,
        until=after.until,
        payee=after.payee,
        steps=steps,
        rates=rates,
        book=book.hash,
        engine=ENGINE,
        base=base,
        version=before.version + 1,
    )


def _counted(case: Case, base: Base, book: Book) -> tuple[Sum, str, tuple[str, ...]] | Refused:
    priced, until = price(with_base(case, base), book), None
    if isinstance(priced, Refused):
        return priced
    if isinstance(priced, Deferred):
        until, priced = priced.until.isoformat(), priced.priced
    after = Sum(EntitlementState.FIXED, priced.days, priced.fund, until, priced.payee)
    return after, stored_steps(priced.steps), priced.rate_ids


Now = tuple[str, Sum, str, tuple[str, ...]]
"""Event, what it comes to, its stored steps, and the versions of rules that it rests on."""


def now_of(
    kind: EntitlementKind, case: Case, book: Book, *, fixed: bool, base: Base | None
) -> Now | Refused:
    """What a case entitles to; of an allowance that was `fixed`, counted from its `base`."""
    opening = next((one for one in openings(case, book) if one.kind is kind), None)
    if opening is None:
        return "", GONE, "[]", ()
    if not fixed:
        first = first_of(opening)
        return first.event, first.after, first.steps, first.rates
    if base is None:
        return Refused(Refusal.BASE_NOT_STATED)
    counted = _counted(case, base, book)
    return counted if isinstance(counted, Refused) else (opening.event, *counted)


def sum_of(one: Entitlement) -> Sum:
    """What an entitlement comes to as it stands."""
    if one.state is EntitlementState.WITHDRAWN:
        return GONE
    return Sum(one.state, one.days, one.amount, one.until, one.payee)


def stored_revisions(found: Sequence[Revision]) -> str:
    """The JSON in which revisions lie beside the adjustment that they wait with."""
    return orjson.dumps(
        [
            {
                "kind": one.kind.value,
                "event": one.event,
                "before": one.before and _stored(one.before),
                "after": _stored(one.after),
                "steps": one.steps,
                "rates": one.rates,
            }
            for one in found
        ]
    ).decode()


def revisions_from(stored: str) -> tuple[Revision, ...]:
    """The revisions that `stored_revisions` wrote."""
    return tuple(
        Revision(
            EntitlementKind(said["kind"]),
            said["event"],
            said["before"] and _sum(said["before"]),
            _sum(said["after"]),
            said["steps"],
            tuple(said["rates"]),
        )
        for said in orjson.loads(stored)
    )


def _stored(one: Sum) -> list[Any]:
    amount = None if one.amount is None else one.amount.fen
    return [one.state.value, one.days, amount, one.until, one.payee]


def _sum(said: list[Any]) -> Sum:
    state, days, amount, until, payee = said
    return Sum(
        EntitlementState(state), days, None if amount is None else Money(amount), until, payee
    )
