"""End a person's membership on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.record_state import record_states
from services.enrollment.domain.membership import Spell, leave
from services.enrollment.domain.refusals import Refusal
from services.enrollment.store import histories
from services.enrollment.store.persons import id_numbers
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Ended:
    """The spell as it ended, and the person's new version."""

    spell: Spell
    version: int


async def end_spell(tx: Connection, acting: Acting, person_ref: str, end: date) -> Ended | Refusal:
    """End the spell that runs; `end` is the first day without insurance."""
    known = (await histories.read_histories(tx, [person_ref], acting.pool_code)).get(person_ref)
    if known is None:
        return Refusal.PERSON_UNKNOWN
    moved = leave(known.history, acting.pool_code, end)
    if isinstance(moved, Refusal):
        return moved
    numbers = await id_numbers(tx, acting.vault, [person_ref])
    changed = {person_ref: (known, moved.history)}
    versions = await record_states(tx, acting, "end-spell", changed, numbers)
    assert moved.ended is not None  # noqa: S101 - leaving always ends a spell
    await histories.end_spell(tx, person_ref, moved.ended)
    return Ended(moved.ended, versions[person_ref])
