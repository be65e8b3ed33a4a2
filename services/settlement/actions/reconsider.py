"""Price settled claims again with what is known today, and propose what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    cause_of_book,
    cause_of_person,
    judge_again,
    reconsidered,
)
from services.settlement.domain.care import Met, Visit, Waiting
from services.settlement.domain.course import EMPTY, Correction
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.revision import revisions
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
    """One batch. `refused` are claims that the law would not pay any more: their hospitals must
    reverse them. `after` is where the next batch begins, None when there is none."""

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
    changed = [(c, o) for c, o in outcomes if isinstance(o, Reconsidered) and o != Reconsidered()]
    if not await settled.hold(tx, scene.pool_code, [claim for claim, _ in changed]):
        raise Overtaken
    overtaken = [o.overtaken for _, o in changed if o.overtaken]
    proposed = [o.proposed for _, o in changed if o.proposed]
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
        refused=tuple(
            (c.settlement.settlement_id, o.refusal) for c, o in outcomes if isinstance(o, Refused)
        ),
        after=found[-1].settlement.settlement_id if len(found) == BATCH else None,
    )


def _outcomes(
    found: Sequence[Settled], scene: Scene, book: Book, cause: str
) -> list[tuple[Settled, Reconsidered | Refused]]:
    """In the order of settling: a visit meets what was just proposed for those before it."""
    waiting: dict[UUID, Sequence[Correction]] = {}
    for claim in found:
        waiting |= claim.waits
    outcomes = []
    for claim in found:
        outcome = _again(claim, scene, book, cause, waiting)
        if isinstance(outcome, Reconsidered):
            if outcome.overtaken:
                waiting.pop(claim.settlement.settlement_id, None)
            if outcome.proposed:
                waiting[claim.settlement.settlement_id] = outcome.proposed.corrections
        outcomes.append((claim, outcome))
    return outcomes


def _again(
    claim: Settled, scene: Scene, book: Book, cause: str, waiting: Waiting
) -> Reconsidered | Refused:
    settlement, pregnancy = claim.settlement, claim.pregnancy
    course = EMPTY
    met: tuple[Met, ...] = ()
    visit = Visit(settlement.settlement_id, settlement.settled_at)
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
    revised = revisions(judged.case, claim.entitlements, book)
    if isinstance(revised, Refused):
        return revised
    return reconsidered(
        settlement, Again(priced, met, corrections, revised), claim.beside,
        cause or cause_of_person(judged.person.version), new_id(), scene.actor, scene.now,
    )  # fmt: skip


def _subject(adjustment: Adjustment) -> str:
    return f"adjustment:{adjustment.adjustment_id}"
