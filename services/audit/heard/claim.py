"""What settlement tells of claims. A poll's events are worked on as one group: all claims that
it settles, adjusts or reverses are recorded first, so that a claim settled anew is never compared
with the one that it replaces, then the new ones are judged, then deductions are noted in their
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.audit.actions.adjust_claims import adjust_claims
from services.audit.actions.judge_claims import judge_claims
from services.audit.actions.note_deduction import note_deduction
from services.audit.actions.reverse_claims import reverse_claims
from services.audit.actions.take_in_claims import take_in_claims
from services.audit.domain.claim import (
    Adjustment,
    Claim,
    ClaimStatus,
    ItemCharged,
    Parts,
    Reversal,
)
from services.audit.domain.flag import Answer, DeductionAnswer
from services.audit.domain.library import Library
from shared.contracts.claim import (
    ClaimAdjusted,
    ClaimReversed,
    ClaimSettled,
    DeductionRefused,
    DeductionReleased,
    DeductionTaken,
)
from shared.contracts.claim import ItemCharged as ToldItem
from shared.contracts.claim import Parts as Told
from shared.contracts.contract import Unreadable
from shared.money import Money
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.clock import Clock, business_day, read_instant
from shared.plumbing.database import Connection
from shared.plumbing.inbox import Handle

TOPIC = ClaimSettled.topic

Heard = Claim | Adjustment | Reversal | DeductionAnswer


def claim_handler(clock: Clock, library: Library) -> Handle:
    """The handler of the claim topic, judging by the rules of `library`."""

    async def handle(tx: Connection, events: Sequence[Event]) -> None:
        at = clock.now()
        heard = [(fact, str(event.id)) for event in events if (fact := read(event)) is not None]
        settled = [fact for fact, _ in heard if isinstance(fact, Claim)]
        reversals = [fact for fact, _ in heard if isinstance(fact, Reversal)]
        adjusted = {fact: event for fact, event in heard if isinstance(fact, Adjustment)}
        told_by = {fact.claim_id: event for fact, event in heard if isinstance(fact, Claim)}
        undone_by = {fact.claim_id: event for fact, event in heard if isinstance(fact, Reversal)}
        if settled or adjusted or reversals:
            new = await take_in_claims(tx, settled, reversals, told_by, at)
            if adjusted:
                await adjust_claims(tx, list(adjusted), adjusted, at)
            if reversals:
                await reverse_claims(tx, reversals, undone_by, library.time_limits, at)
            await judge_claims(tx, new, library, told_by, at)
        for fact, event in heard:
            if isinstance(fact, DeductionAnswer):
                await note_deduction(tx, fact, event, library.time_limits, at)

    return handle


def read(event: Event) -> Heard | None:
    """What an event says; None for a type that audit does not know. Raises Undecodable."""
    data = event.record.data
    try:
        match event.type:
            case ClaimSettled.type:
                return _claim(ClaimSettled.from_bytes(data), event.sequence)
            case ClaimAdjusted.type:
                return _adjustment(ClaimAdjusted.from_bytes(data), event.sequence)
            case ClaimReversed.type:
                return _reversal(ClaimReversed.from_bytes(data), event.sequence)
            case DeductionTaken.type:
                taken = DeductionTaken.from_bytes(data)
                return _answer(taken, event.sequence, Answer.TAKEN)
            case DeductionRefused.type:
                refused = DeductionRefused.from_bytes(data)
                return _answer(refused, event.sequence, Answer.REFUSED, refused.reason)
            case DeductionReleased.type:
                released = DeductionReleased.from_bytes(data)
                return _answer(released, event.sequence, Answer.RELEASED)
    except (Unreadable, ValueError) as error:
        raise Undecodable(event.type) from error
    return None


def _claim(event: ClaimSettled, sequence: int) -> Claim:
    settled_at = read_instant(event.settled_at)
    return Claim(
        pool_code=event.pool_code,
        claim_id=UUID(event.claim_id),
        institution_code=event.institution_code,
        county_code=event.county_code,
        institution_level=event.institution_level,
        stay_id=event.stay_id,
        person_ref=event.person_ref,
        pregnancy_id=event.pregnancy_id,
        benefit=event.benefit,
        insurance_type=event.insurance_type,
        expenditure_item=event.expenditure_item,
        member_kind=event.member_kind,
        mode=event.mode,
        infants=event.infants,
        admitted_on=date.fromisoformat(event.admitted_on),
        event_on=date.fromisoformat(event.event_on),
        discharged_on=date.fromisoformat(event.discharged_on),
        settled_at=settled_at,
        settled_on=business_day(settled_at),
        account_month=event.account_month,
        parts=_parts(event.parts),
        out_of_scope=Money.from_wire(event.out_of_scope),
        line_count=event.line_count,
        book=event.book,
        engine=event.engine,
        status=ClaimStatus.SETTLED,
        reversed_at=None,
        version=sequence,
        sex=event.sex,
        age=event.age,
        weeks=event.weeks,
        mode_stated=_mode_stated(event),
        diagnoses=tuple(event.diagnoses),
        procedures=tuple(event.procedures),
        items=tuple(map(_item, event.items)) if event.items is not None else None,
        items_left_out=event.items_left_out,
    )


def _item(told: ToldItem) -> ItemCharged:
    return ItemCharged(
        code=told.code,
        quantity=Decimal(told.quantity),
        amount=Money.from_wire(told.amount),
        in_scope=Money.from_wire(told.in_scope),
        first_on=date.fromisoformat(told.first_on),
        last_on=date.fromisoformat(told.last_on),
        lines=told.lines,
        days=told.days,
    )


def _mode_stated(event: ClaimSettled) -> str | None:
    stated = (event.particulars or {}).get("mode_stated")
    return None if stated is None else str(stated)


def _adjustment(event: ClaimAdjusted, sequence: int) -> Adjustment:
    return Adjustment(
        event.pool_code, UUID(event.claim_id), _parts(event.parts), event.expenditure_item, sequence
    )


def _reversal(event: ClaimReversed, sequence: int) -> Reversal:
    reversed_at = read_instant(event.reversed_at)
    return Reversal(event.pool_code, UUID(event.claim_id), reversed_at, sequence)


def _answer(
    event: DeductionTaken | DeductionRefused | DeductionReleased,
    sequence: int,
    said: Answer,
    reason: str = "",
) -> DeductionAnswer:
    return DeductionAnswer(
        pool_code=event.pool_code,
        claim_id=UUID(event.claim_id),
        flag_id=UUID(event.flag_id),
        decision=event.decision,
        amount=Money.from_wire(event.amount),
        said=said,
        reason=reason,
        sequence=sequence,
    )


def _parts(told: Told) -> Parts:
    names = Parts.__dataclass_fields__
    return Parts(**{name: Money.from_wire(getattr(told, name)) for name in names})
