"""What a settled claim would come to without what is disputed of it, all else as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.settlement.domain.adjustment import judge_again
from services.settlement.domain.care import Care, Met, Visit
from services.settlement.domain.cost import Cost, sum_of
from services.settlement.domain.course import EMPTY, Course
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settling import Judged
from services.settlement.domain.stay import Stay
from services.settlement.domain.what_if import Borne, borne_of
from shared.money import Money
from shared.policy.book import Book
from shared.policy.shapes import Circumstance


@dataclass(frozen=True, slots=True)
class Dispute:
    """Lines that are left out, by number or by item code, amounts that items are billed too high by
    (`less`, by item code), and facts that are said otherwise.

    `facts` are by the names of the benefit's own noun; `level` is the hospital's.
    """

    lines: frozenset[int] = frozenset()
    items: frozenset[str] = frozenset()
    less: Mapping[str, Money] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    circumstances: frozenset[Circumstance] | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line of a stored bill with its four parts."""

    number: int
    item_code: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Stored:
    """A claim with what its price rests on.

    It `stands` at its settlement with its released adjustments; `book` (a hash) and `known_on` are
    those of the last that priced it, and so is `met`: what a visit met of its pregnancy's units,
    None where that is to be found in its `care`.
    """

    settlement_id: UUID
    reversed: bool
    level: int
    settled_at: datetime
    settled_on: date
    stands: Borne
    book: str
    known_on: date
    met: Sequence[Met] | None
    stay: Stay
    pregnancy: Pregnancy | None
    person: PersonState | None
    care: Care | None = None


@dataclass(frozen=True, slots=True)
class PricedAgain:
    """A claim as it stands and as it would, or why it cannot be said. Where it `stands` and is
    `refused`, the law would pay none of it."""

    settlement_id: UUID
    stands: Borne | None = None
    again: Borne | None = None
    book: str = ""
    refused: Refused | None = None


def comparable(claim: Stored, book: Book | None) -> Book | Refusal:
    """The book that priced a claim, if disputes of the claim can be priced under it, else why not.

    What differs shall be the dispute's doing alone: a claim that does not come to what stands
    without it, because a fact was corrected since, is to be reconsidered first.
    """
    if claim.reversed:
        return Refusal.ALREADY_REVERSED
    if book is None:
        return Refusal.BOOK_UNKNOWN
    undisputed = _judged(claim, claim.stay, claim.level, book)
    if isinstance(undisputed, Refused) or borne_of(undisputed) != claim.stands:
        return Refusal.FACTS_CHANGED
    return book


def priced_again(
    claim: Stored, dispute: Dispute, lines: Sequence[BilledLine], book: Book
) -> PricedAgain:
    """Price a claim again under the book that makes it comparable; `lines` hold those disputed."""
    number = claim.settlement_id
    stay = _without(claim.stay, dispute, lines)
    if isinstance(stay, Refused):
        return PricedAgain(number, refused=stay)
    if not stay.cost.total:
        nothing = Refused(Refusal.NOTHING_LEFT)
        return PricedAgain(number, claim.stands, book=book.hash, refused=nothing)
    judged = _judged(claim, stay, dispute.level or claim.level, book)
    if isinstance(judged, Refused):
        return PricedAgain(number, claim.stands, book=book.hash, refused=judged)
    return PricedAgain(number, claim.stands, borne_of(judged), book.hash)


def _judged(claim: Stored, stay: Stay, level: int, book: Book) -> Judged | Refused:
    pregnancy, course = _met(claim)
    return judge_again(
        stay, level, pregnancy, claim.person, book, claim.known_on, claim.settled_at,
        claim.settled_on, course,
    )  # fmt: skip


def _met(claim: Stored) -> tuple[Pregnancy | None, Course]:
    if claim.care is None or claim.pregnancy is None:
        return claim.pregnancy, EMPTY
    visit = Visit(claim.settlement_id, claim.settled_at)
    pregnancy, course = claim.care.met_by(visit, claim.pregnancy)
    return pregnancy, course if claim.met is None else claim.care.course_of(visit, claim.met)


def _without(stay: Stay, dispute: Dispute, lines: Sequence[BilledLine]) -> Stay | Refused:
    """The stay as it is without what is disputed."""
    outcome = stay.outcome
    if outcome is None:
        return Refused(Refusal.STAY_NOT_DISCHARGED)
    out = [one for one in lines if one.number in dispute.lines or one.item_code in dispute.items]
    if dispute.lines - {one.number for one in out} or dispute.items - {
        one.item_code for one in out
    }:
        return Refused(Refusal.LINE_UNKNOWN)
    cost = _reduced(stay.cost.less(sum_of([one.cost for one in out])), dispute, lines, out)
    if isinstance(cost, Refused):
        return cost
    claimed = outcome.claimed
    if dispute.facts.keys() - {each.name for each in fields(claimed)}:
        return Refused(Refusal.OUTCOME_OF_ANOTHER_BENEFIT)
    stated = replace(
        outcome,
        claimed=replace(claimed, **dispute.facts),
        bill=cost.total,
        circumstances=outcome.circumstances
        if dispute.circumstances is None
        else dispute.circumstances,
    )
    return replace(stay, cost=cost, outcome=stated)


def _reduced(
    bill: Cost, dispute: Dispute, lines: Sequence[BilledLine], out: Sequence[BilledLine]
) -> Cost | Refused:
    """The bill less what items were billed too high by."""
    for code, amount in sorted(dispute.less.items()):
        billed = [one.cost for one in lines if one.item_code == code and one not in out]
        if not billed:
            return Refused(Refusal.LINE_UNKNOWN)
        whole = sum_of(billed)
        if amount > whole.total:
            return Refused(Refusal.AMOUNT_ABOVE_ITEM)
        bill = bill.less(share_of(whole, amount))
    return bill


def share_of(whole: Cost, amount: Money) -> Cost:
    """So much of a bill, each part by its share; fen that are left over go to the largest
    remainders, the earlier part first between equals."""
    costs = (whole.in_scope, whole.out_of_scope, whole.over_limit, whole.first_copay)
    parts = [cost.fen for cost in costs]
    shares = [part * amount.fen // whole.total.fen for part in parts]
    left = [part * amount.fen % whole.total.fen for part in parts]
    for place in sorted(range(len(parts)), key=lambda n: (-left[n], n))[: amount.fen - sum(shares)]:
        shares[place] += 1
    return Cost(amount, *(Money(fen) for fen in shares))
