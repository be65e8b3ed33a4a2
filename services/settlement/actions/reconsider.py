"""Price settled claims again with what is known today, and propose what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.settlement.actions.decide_adjustment import withdraw
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import settlement_of
from services.settlement.domain.adjustment import (
    Adjustment,
    AdjustmentState,
    Reconsidered,
    cause_of_book,
    cause_of_person,
    judge_again,
    reconsidered,
)
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.store import adjustments, settled
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
    outcomes = [(claim, _again(claim, scene, book, which)) for claim in found]
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


def _again(claim: Settled, scene: Scene, book: Book, which: Range) -> Reconsidered | Refused:
    settlement = claim.settlement
    judged = judge_again(
        claim.stay, settlement.institution_level, claim.pregnancy, claim.person, book, scene.today,
        settlement.settled_at, business_day(settlement.settled_at),
    )  # fmt: skip
    if isinstance(judged, Refused):
        return judged
    cause = cause_of_person(judged.person.version) if which.person_ref else cause_of_book(book)
    again = settlement_of(judged, settlement.settlement_id, scene.actor, scene.now)
    return reconsidered(settlement, again, claim.beside, cause, new_id(), scene.actor, scene.now)


def _subject(adjustment: Adjustment) -> str:
    return f"adjustment:{adjustment.adjustment_id}"
