"""Settle a complete case in one act: the stay is opened, billed, discharged and settled, or nothing
of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from services.settlement.actions import add_lines, discharge, open_stay
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Render, Settle, decide
from services.settlement.domain.line import FeeLine
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome
from services.settlement.store import settling
from shared.plumbing.database import Connection
from shared.plumbing.repeats import Answer, Ask, Overtaken
from shared.policy.book import Book
from shared.policy.shapes import Benefit


@dataclass(frozen=True, slots=True)
class CompleteCase:
    """What a desk tells of a stay or visit from its beginning to its bill."""

    stay_number: str
    person_ref: str
    pregnancy_id: UUID | None
    admitted_on: date
    benefit: Benefit
    lines: Sequence[FeeLine]
    outcome: Outcome


async def settle_case(
    tx: Connection, scene: Scene, ask: Ask, case: CompleteCase, book: Book | None, render: Render
) -> Answer | Refused:
    """Settle a case that is told whole; the answer is kept under `ask`. What is refused is rolled
    back by the caller. Raises Overtaken where somebody else was faster."""
    if book is None:
        return Refused(Refusal.BOOK_MISSING)
    stay = await open_stay.open_stay(
        tx, scene, stay_number=case.stay_number, person_ref=case.person_ref,
        pregnancy_id=case.pregnancy_id, admitted_on=case.admitted_on, benefit=case.benefit,
    )  # fmt: skip
    if isinstance(stay, Refusal):
        return Refused(stay)
    billed = await add_lines.add_lines(tx, scene, stay.stay_id, case.lines)
    if isinstance(billed, Refusal):
        return Refused(billed)
    left = await discharge.discharge(tx, scene, stay.stay_id, case.outcome)
    if isinstance(left, Refusal):
        return Refused(left)
    (facts,) = await settling.read(tx, [(ask, stay.stay_id, None)], in_transaction=True)
    command = Settle(ask, stay.stay_id, case.outcome.bill, scene.actor, scene.request_id, render)
    entry = decide(command, facts, book, scene.now)
    if isinstance(entry, Refused):
        return entry
    try:
        (won,) = await settling.write(tx, [entry])
    except (asyncpg.ExclusionViolationError, asyncpg.CheckViolationError) as error:
        clash = settling.clash_of(error)
        if clash is None:
            raise
        return Refused(clash)
    if not won:
        raise Overtaken
    return entry.answer
