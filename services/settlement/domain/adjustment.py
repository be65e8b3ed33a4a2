"""What the law says later of a settlement: the difference to what stands, proposed and released.

A late document, or a corrected state of the person, never rewrites a settlement. It is priced
again for its own dates with what is known today, and only the difference is put beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.agreement import Agreement
from services.settlement.domain.care import Met
from services.settlement.domain.case import Case
from services.settlement.domain.course import EMPTY, Correction, Course
from services.settlement.domain.person import PersonState, spell_on
from services.settlement.domain.postings import Leg, entry_of, negated, summed
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.revision import Revision
from services.settlement.domain.settlement import Settlement, Shares
from services.settlement.domain.settling import Judged, case_of, judge
from services.settlement.domain.stay import Stay
from shared.money import Money
from shared.policy.book import Book
from shared.policy.shapes import ExpenditureItem

PRICED_ALONE = ("complication", "delivery", "family_planning", "loss")
"""Benefits whose price rests on the case alone. What is paid per unit or per head rests also on
what the pregnancy had used before, and so on every visit before it."""


BY_ITSELF = "work:late-documents"
"""The proposer where a corrected state started the reconsideration: no person, so two must."""


class AdjustmentState(StrEnum):
    """proposed -> released or rejected, by another person; or withdrawn, when it is overtaken. What
    was proposed by itself a first person endorses before another releases it."""

    PROPOSED = "proposed"
    RELEASED = "released"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The difference between what pricing gives and what stood, in each part.

    `steps` is the stored JSON of the new price, `expenditure_item` the item that the whole claim
    is charged to with it. `cause` is what made somebody price again; `state_version` the person's
    state that it rests on. Of a visit, `corrections` are what it changes of the pregnancy's units,
    and `met` what was used of them before it. `revisions` are what it changes of what the claim
    entitles to. `decided_by` is None while it waits; `account_month`
    the month of the ledger, of a released one only.
    """

    pool_code: str
    adjustment_id: UUID
    settlement_id: UUID
    institution_code: str
    cause: str
    state: AdjustmentState
    state_version: int
    expenditure_item: str
    rule_on: date
    shares: Shares
    steps: str
    rates: tuple[str, ...]
    book: str
    engine: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    account_month: date | None = None
    met: tuple[Met, ...] = ()
    corrections: tuple[Correction, ...] = ()
    revisions: tuple[Revision, ...] = ()
    endorsed_by: str | None = None

    @property
    def needs_endorsement(self) -> bool:
        """Whether no person stands for it yet."""
        return self.proposed_by == BY_ITSELF and self.endorsed_by is None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a claim comes to with its released adjustments, and the item that it is charged to."""

    shares: Shares
    expenditure_item: str

    def with_(self, adjustment: Adjustment) -> Standing:
        """What it comes to with one more."""
        return Standing(plus(self.shares, adjustment.shares), adjustment.expenditure_item)


def cause_of_book(book: Book, appointment: int) -> str:
    """The cause of pricing again because another book became current, or the same one anew: its
    `appointment` is counted."""
    return f"book:{book.hash}/{appointment}"


def cause_of_person(state_version: int) -> str:
    """The cause of pricing again because a person's state was corrected. The book that prices it
    counts too: what was decided by one book is asked anew by a later one."""
    return f"person:{state_version}"


def standing(settlement: Settlement, released: Sequence[Adjustment]) -> Standing:
    """The sum of a settlement and its released adjustments, oldest first."""
    stands = Standing(settlement.shares, settlement.expenditure_item)
    for adjustment in released:
        stands = stands.with_(adjustment)
    return stands


def plus(some: Shares, more: Shares) -> Shares:
    """Two sets of parts, part by part."""
    return Shares(*(getattr(some, f.name) + getattr(more, f.name) for f in fields(Shares)))


def judge_again(
    stay: Stay, level: int, pregnancy: Pregnancy | None, person: PersonState | None, book: Book,
    known_on: date, settled_at: datetime, settled_on: date, course: Course = EMPTY,
) -> Judged | Refused:  # fmt: skip
    """Judge a settled stay by another book, or by what is known on another day.

    Its dates stay what they were, that of settling too, and so does the `level` that its hospital
    then had; `course` is what a visit then met of its pregnancy's.
    """
    if stay.outcome is None:
        return Refused(Refusal.STAY_NOT_DISCHARGED)
    return judge(
        stay=stay,
        outcome=stay.outcome,
        agreement=Agreement(stay.institution_code, level),
        pregnancy=pregnancy,
        person=person,
        book=book,
        now=settled_at,
        today=settled_on,
        known_on=known_on,
        course=course,
    )


def case_again(
    stay: Stay, level: int, person: PersonState | None, book: Book, known_on: date,
    settled_on: date,
) -> Case | None:  # fmt: skip
    """The case of a settled stay as it is known now, whether or not it would be settled again."""
    if stay.outcome is None or person is None:
        return None
    spell = spell_on(person, stay.pool_code, stay.outcome.event_on)
    if spell is None:
        return None
    claimed = stay.outcome.claimed
    return case_of(stay, stay.outcome, claimed, level, person, spell, book, settled_on, known_on)


@dataclass(frozen=True, slots=True)
class Again:
    """What a settlement would be, priced now; of a visit, also what it met of its pregnancy's
    units, and what changes of its own use of them; and what changes of its entitlements."""

    settlement: Settlement
    met: tuple[Met, ...] = ()
    corrections: tuple[Correction, ...] = ()
    revisions: tuple[Revision, ...] = ()


def difference(stands: Standing, again: Again) -> Shares | None:
    """Each part as priced now, less what stands; None when neither a part nor the item, a unit
    or an entitlement changes."""
    now = standing(again.settlement, ())
    delta = plus(now.shares, stands.shares.negated())
    same = not (
        any(getattr(delta, f.name) for f in fields(Shares)) or again.corrections or again.revisions
    )
    return None if same and now.expenditure_item == stands.expenditure_item else delta


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """What pricing again asks for: a proposal, and the older one that it overtakes."""

    proposed: Adjustment | None = None
    overtaken: Adjustment | None = None


def reconsidered(
    settlement: Settlement, again: Again, beside: Sequence[Adjustment], cause: str,
    adjustment_id: UUID, by: str, at: datetime,
) -> Reconsidered:  # fmt: skip
    """Hold a settlement and what is `beside` it against what it would be `again`, priced now.

    What two people decided for the same cause by the same book before, or what waits with the same
    amounts, is not proposed twice: a rejection stands. A proposal that nothing speaks for any more,
    or that rests on what has changed since, is overtaken.
    """
    stands = standing(settlement, released_of(beside))
    waiting = next((a for a in beside if a.state is AdjustmentState.PROPOSED), None)
    delta, priced = difference(stands, again), again.settlement
    if delta is None:
        return Reconsidered(overtaken=waiting)
    decided_on = (AdjustmentState.RELEASED, AdjustmentState.REJECTED)
    asked_for = (cause, priced.book)
    if any((a.cause, a.book) == asked_for and a.state in decided_on for a in beside):
        return Reconsidered()
    asked = (delta, priced.expenditure_item, again.met, again.corrections, again.revisions)
    if waiting and asked == (
        waiting.shares, waiting.expenditure_item, waiting.met, waiting.corrections,
        waiting.revisions,
    ):  # fmt: skip
        return Reconsidered()
    return Reconsidered(
        Adjustment(
            pool_code=settlement.pool_code,
            adjustment_id=adjustment_id,
            settlement_id=settlement.settlement_id,
            institution_code=settlement.institution_code,
            cause=cause,
            state=AdjustmentState.PROPOSED,
            state_version=priced.state_version,
            expenditure_item=priced.expenditure_item,
            rule_on=priced.rule_on,
            shares=delta,
            steps=priced.steps,
            rates=priced.rates,
            book=priced.book,
            engine=priced.engine,
            proposed_by=by,
            proposed_at=at,
            met=again.met,
            corrections=again.corrections,
            revisions=again.revisions,
        ),
        waiting,
    )


def released_of(beside: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """Those of a claim's adjustments that count."""
    return tuple(a for a in beside if a.state is AdjustmentState.RELEASED)


def decided(
    adjustment: Adjustment, state: AdjustmentState, by: str, at: datetime, month: date | None
) -> Adjustment:
    """The adjustment after somebody decided on it; `month` is its month of the ledger."""
    return replace(adjustment, state=state, decided_by=by, decided_at=at, account_month=month)


def legs_between(before: Standing, after: Standing) -> tuple[Leg, ...]:
    """The entry that turns the claim's legs before into those after; it may be empty."""
    return summed((*_legs(after), *negated(_legs(before))))


def _legs(stands: Standing) -> tuple[Leg, ...]:
    item = ExpenditureItem(stands.expenditure_item)
    return entry_of(item, stands.shares.fund, stands.shares.desk_fund)


def may_be_released(
    adjustment: Adjustment, by: str, stands: Standing, deducted: Money
) -> Refusal | None:
    """Why an adjustment may not be released by this person, None if it may.

    A claim from which more was deducted than the fund would have paid is reversed instead.
    """
    if (reason := may_be_decided(adjustment, by)) is not None:
        return reason
    if stands.with_(adjustment).shares.fund < deducted:
        return Refusal.ADJUSTMENT_BELOW_DEDUCTIONS
    return None


def may_be_decided(adjustment: Adjustment, by: str) -> Refusal | None:
    """Why this person may neither release nor reject an adjustment, None if she may."""
    if adjustment.state is not AdjustmentState.PROPOSED:
        return Refusal.ADJUSTMENT_DECIDED
    stood_for = (adjustment.proposed_by, adjustment.endorsed_by)
    return Refusal.SECOND_PERSON_NEEDED if by in stood_for else None
