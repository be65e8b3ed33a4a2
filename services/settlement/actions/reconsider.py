"""Price settled claims again with what is known today, and propose what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.settlement.actions.decide_adjustment import withdraw
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import settlement_of
from services.settlement.domain.adjustment import (
    Adjustment,
    AdjustmentState,
    Again,
    Reconsidered,
    case_again,
    cause_of_book,
    cause_of_person,
    judge_again,
    reconsidered,
)
from services.settlement.domain.care import Met, Visit, Waiting
from services.settlement.domain.course import EMPTY, Correction
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.revision import Revision, revisions
from services.settlement.domain.taking_back import taken_back
from services.settlement.store import adjustments, books, settled
from services.settlement.store.settled import Settled
from shared.ids import new_id
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.repeats import Overtaken
from shared.policy.book import Book

BATCH = 500
"""Claims in one transaction; a long run is many requests, each beyond the last one's `next`."""


@dataclass(frozen=True, slots=True)
class Range:
    """Which claims: by the day whose rules decided, both ends included; of one person or of all."""

    since: date
    until: date
    person_ref: str
    after: UUID


@dataclass(frozen=True, slots=True)
class Reconsideration:
    """One batch. `refused` are claims that the law would not pay any more: where an article says
    so, taking all back is proposed. `after` is where the next batch begins, None at the end."""

    reconsideration_id: UUID
    looked_at: int
    proposed: tuple[Adjustment, ...]
    withdrawn: int
    refused: tuple[tuple[UUID, Refusal], ...]
    after: UUID | None


async def reconsider(
    tx: Connection, scene: Scene, book: Book | None, which: Range
) -> Reconsideration | Refusal:
    """Reconsider the next claims of a range. Raises Overtaken when one of them moved meanwhile.

    The cause is the book for a range, and the person's state for one person.
    """
    if book is None:
        return Refusal.BOOK_MISSING
    found = await settled.live(
        tx, scene.pool_code, which.since, which.until,
        person_ref=which.person_ref, after=which.after, limit=BATCH,
    )  # fmt: skip
    appointment = await books.appointment(tx, book.hash, scene.now)
    cause = "" if which.person_ref else cause_of_book(book, appointment)
    outcomes = _outcomes(found, scene, book, cause)
    changed = [o for o in outcomes if o.asked != Reconsidered()]
    if not await settled.hold(tx, scene.pool_code, [o.claim for o in changed]):
        raise Overtaken
    overtaken = [o.asked.overtaken for o in changed if o.asked.overtaken]
    proposed = [o.asked.proposed for o in changed if o.asked.proposed]
    deeds = [await withdraw(tx, scene, adjustment) for adjustment in overtaken]
    await adjustments.insert(tx, proposed)
    deeds += [
        scene.deed("propose_adjustment", _subject(a), "", AdjustmentState.PROPOSED)
        for a in proposed
    ]
    number = new_id()
    deeds.append(scene.deed("reconsider", f"reconsideration:{number}", "", "done"))
    await write_log(tx, deeds)
    return Reconsideration(
        reconsideration_id=number,
        looked_at=len(found),
        proposed=tuple(proposed),
        withdrawn=len(overtaken),
        refused=tuple((o.claim.settlement.settlement_id, o.refusal) for o in outcomes if o.refusal),
        after=found[-1].settlement.settlement_id if len(found) == BATCH else None,
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a claim; `refusal` where the law would not pay it any more."""

    claim: Settled
    asked: Reconsidered
    refusal: Refusal | None = None


def _outcomes(found: Sequence[Settled], scene: Scene, book: Book, cause: str) -> list[_Outcome]:
    """In the order of settling: a visit meets what was just proposed for those before it."""
    waiting: dict[UUID, Sequence[Correction]] = {}
    for claim in found:
        waiting |= claim.waits
    outcomes = []
    for claim in found:
        outcome = _outcome(claim, scene, book, cause, waiting)
        if outcome.asked.overtaken:
            waiting.pop(claim.settlement.settlement_id, None)
        if outcome.asked.proposed:
            waiting[claim.settlement.settlement_id] = outcome.asked.proposed.corrections
        outcomes.append(outcome)
    return outcomes


def _outcome(claim: Settled, scene: Scene, book: Book, cause: str, waiting: Waiting) -> _Outcome:
    priced = _again(claim, scene, book, waiting)
    revised = _revised(claim, scene, book)
    refusal = priced.refusal if isinstance(priced, Refused) else None
    again = _taken_back(claim, priced, book, waiting) if isinstance(priced, Refused) else priced
    if again is None:
        return _Outcome(claim, Reconsidered(), refusal)
    if isinstance(revised, Refused):
        return _Outcome(claim, Reconsidered(), revised.refusal)
    asked = reconsidered(
        claim.settlement, replace(again, revisions=revised), claim.beside,
        cause or cause_of_person(again.settlement.state_version), new_id(), scene.actor, scene.now,
    )  # fmt: skip
    return _Outcome(claim, asked, refusal)


def _visit(claim: Settled) -> Visit:
    return Visit(claim.settlement.settlement_id, claim.settlement.settled_at)


def _again(claim: Settled, scene: Scene, book: Book, waiting: Waiting) -> Again | Refused:
    settlement, pregnancy = claim.settlement, claim.pregnancy
    course = EMPTY
    met: tuple[Met, ...] = ()
    visit = _visit(claim)
    if claim.care is not None and pregnancy is not None:
        pregnancy, met = claim.care.met_again(visit, pregnancy, waiting)
        course = claim.care.course_of(visit, met)
    judged = judge_again(
        claim.stay, settlement.institution_level, pregnancy, claim.person, book, scene.today,
        settlement.settled_at, business_day(settlement.settled_at), course,
    )  # fmt: skip
    if isinstance(judged, Refused):
        return judged
    priced = settlement_of(judged, settlement.settlement_id, scene.actor, scene.now)
    corrections: tuple[Correction, ...] = ()
    if claim.care is not None:
        corrections = claim.care.corrections(
            visit, settlement.institution_code, judged.uses, judged.priced.units
        )
    return Again(priced, met, corrections)


def _taken_back(claim: Settled, refused: Refused, book: Book, waiting: Waiting) -> Again | None:
    bill = claim.stay.cost.total
    nothing = taken_back(claim.settlement, refused, claim.person, bill, book)
    if nothing is None:
        return None
    if claim.care is None or claim.pregnancy is None:
        return Again(nothing)
    visit = _visit(claim)
    _, met = claim.care.met_again(visit, claim.pregnancy, waiting)
    back = claim.care.corrections(visit, claim.settlement.institution_code, (), ())
    return Again(nothing, met, back)


def _revised(claim: Settled, scene: Scene, book: Book) -> tuple[Revision, ...] | Refused:
    settlement = claim.settlement
    case = case_again(
        claim.stay, settlement.institution_level, claim.person, book, scene.today,
        business_day(settlement.settled_at),
    )  # fmt: skip
    return () if case is None else revisions(case, claim.entitlements, book)


def _subject(adjustment: Adjustment) -> str:
    return f"adjustment:{adjustment.adjustment_id}"
