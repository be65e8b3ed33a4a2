"""Settle a stay: decide what it is worth, write all of it or nothing. A hot action, in groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.settlement.actions.open_entitlements import open_entitlements
from services.settlement.domain.charged import StoredItems
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.entitled import Entitlement
from services.settlement.domain.postings import postings_of
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement, shares_of
from services.settlement.domain.settling import (
    Judged,
    already_operated,
    judge,
    may_be_settled,
)
from services.settlement.domain.steps import stored_steps
from services.settlement.store.encounters import Encounter
from services.settlement.store.settling import CLASHES, Entry, Facts, clash_of, read, write
from services.settlement.told.allowance import allowance_opened
from services.settlement.told.claim import claim_settled
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import Connection
from shared.plumbing.group import Group, Said
from shared.plumbing.journal import Deed, log_row
from shared.plumbing.outbox import outbox_row
from shared.plumbing.repeats import Answer, Ask, DifferentBody
from shared.policy.book import Book

Render = Callable[[Settlement, Judged], bytes]
"""The edge's own form of a settlement, with what it was judged by; its bytes are kept, and given
again for ever."""

Form = Callable[[Encounter | None], Render]
"""The form in which an edge answers for a stay, by what was told of it over the national interface.
Raises Problem where the edge does not know the stay by that."""

Outcome = Answer | Refused | DifferentBody


@dataclass(frozen=True, slots=True)
class Settle:
    """The command: settle this stay, whose bill is `bill`."""

    ask: Ask
    stay_id: UUID
    bill: Money
    actor: str
    request_id: str
    form: Form


class Settling:
    """The three steps of settling, for a group."""

    def __init__(self, clock: Clock, book: Callable[[], Book | None]) -> None:
        self._clock = clock
        self._book = book

    def identity(self, command: Settle) -> Hashable:
        """Twins ask under the same key."""
        ask = command.ask
        return (ask.pool_code, ask.caller, ask.operation, ask.key)

    def share_of(self, command: Settle) -> str:
        """A hospital has its share of the queue."""
        return command.ask.caller

    async def read(self, connection: Connection, commands: Sequence[Settle]) -> list[Facts]:
        """The facts of all, by one statement."""
        asks = [(c.ask, c.stay_id, None) for c in commands]
        return await read(connection, asks, in_transaction=False)

    def decide(self, command: Settle, facts: Facts) -> Entry | Said[Outcome]:
        """Pure, but for the clock and the book in force."""
        if facts.kept is not None:
            same = facts.kept.body_hash == command.ask.body_hash
            return Said(facts.kept.answer if same else DifferentBody())
        book = self._book()
        if book is None:
            return Said(Refused(Refusal.BOOK_MISSING))
        decided = decide(command, facts, book, self._clock.now())
        return Said(decided) if isinstance(decided, Refused) else decided

    async def write(self, connection: Connection, entries: Sequence[Entry]) -> list[bool]:
        """Write all, by one statement."""
        return await write(connection, entries)

    def answer(self, entry: Entry) -> Outcome:
        """The answer that was written with the entry."""
        return entry.answer


Settlements = Group[Settle, Facts, Entry, Outcome]


async def settle_stay(settlements: Settlements, command: Settle) -> Outcome:
    """Have a stay settled with whatever else is settled at the moment."""
    try:
        return await settlements.submit(command)
    except CLASHES as error:
        return Refused(clash_of(error))


def decide(command: Settle, facts: Facts, book: Book, now: datetime) -> Entry | Refused:
    """What settling this stay now would write, or why it is refused. Raises the form's Problem."""
    render = command.form(facts.encounter)
    stay = facts.stay
    if stay is None:
        return Refused(Refusal.STAY_UNKNOWN)
    reason = may_be_settled(stay, command.bill, facts.rival)
    if reason is not None:
        return Refused(reason) if isinstance(reason, Refusal) else reason
    if stay.outcome is None:
        return Refused(Refusal.STAY_NOT_DISCHARGED)
    operated = already_operated(stay.outcome, facts.operated)
    if operated is not None:
        return Refused(operated)
    judged = judge(
        stay=stay,
        outcome=stay.outcome,
        agreement=facts.agreement,
        pregnancy=facts.pregnancy,
        person=facts.person,
        book=book,
        now=now,
        today=business_day(now),
        course=facts.course,
    )
    if isinstance(judged, Refused):
        return judged
    return _entry(command, render, judged, facts.items, book, now)


def settlement_of(judged: Judged, settlement_id: UUID, actor: str, now: datetime) -> Settlement:
    """The settlement that a judgement becomes."""
    stay, outcome, priced = judged.stay, judged.outcome, judged.priced
    delivery = outcome.claimed if isinstance(outcome.claimed, Delivery) else None
    return Settlement(
        pool_code=stay.pool_code,
        settlement_id=settlement_id,
        reverses=None,
        institution_code=stay.institution_code,
        institution_level=judged.agreement.level,
        stay_id=stay.stay_id,
        stay_version=stay.version,
        pregnancy_id=stay.pregnancy_id,
        person_ref=stay.person_ref,
        state_version=judged.person.version,
        county_code=judged.spell.county_code,
        member_kind=judged.spell.kind,
        benefit=stay.benefit.value,
        insurance_type=priced.insurance_type,
        expenditure_item=priced.expenditure_item,
        mode=delivery.mode if delivery else None,
        infants=delivery.infants if delivery else None,
        admitted_on=stay.admitted_on,
        event_on=outcome.event_on,
        discharged_on=outcome.discharged_on,
        rule_on=priced.decided_on,
        shares=shares_of(priced),
        line_count=stay.line_count,
        steps=stored_steps(priced.steps),
        rates=priced.rate_ids,
        book=priced.book_hash,
        engine=priced.engine,
        settled_at=now,
        account_month=business_day(now).replace(day=1),
        actor=actor,
    )


def _entry(
    command: Settle, render: Render, judged: Judged, items: StoredItems | None, book: Book,
    now: datetime,
) -> Entry:  # fmt: skip
    settlement = settlement_of(judged, new_id(), command.actor, now)
    legs = postings_of(judged.priced)
    answer = Answer(201, render(settlement, judged))
    opened = open_entitlements(judged, settlement, book)
    settled = Deed(
        pool_code=settlement.pool_code,
        at=now,
        actor=command.actor,
        institution_code=settlement.institution_code,
        request_id=command.request_id,
        action="settle",
        subject=f"claim:{settlement.settlement_id}",
        from_state="",
        to_state="settled",
        after=answer.body,
    )
    return Entry(
        settlement=settlement,
        pregnancy_end=judged.pregnancy_end,
        pregnancy_version=judged.pregnancy_version,
        uses=judged.uses,
        opened=opened,
        postings=[(leg.account, leg.amount) for leg in legs],
        outbox=[
            outbox_row(claim_settled(settlement, judged, items, legs)),
            *(outbox_row(allowance_opened(one, now)) for one in opened),
        ],
        log=[log_row(settled), *(log_row(_opened(settled, one)) for one in opened)],
        ask=command.ask,
        answer=answer,
    )


def _opened(settled: Deed, one: Entitlement) -> Deed:
    return settled._replace(
        action="open_entitlement",
        subject=f"entitlement:{one.entitlement_id}",
        to_state=one.state.value,
        after=b"",
    )
