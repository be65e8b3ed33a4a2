"""Take people's states as enrollment tells them, by event or look-up: only newer ones count. One
that corrects the past has the person's settled claims reconsidered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.settlement.domain.person import PersonState, corrects_the_past
from services.settlement.store import person_states
from services.settlement.store.person_states import person_from_json
from shared.contracts.person import PersonStateChanged
from shared.ids import NO_ID
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection


async def note_person_states(
    tx: Connection, states: Sequence[tuple[PersonStateChanged, datetime]]
) -> None:
    """Keep each person's newest state, with the instant at which enrollment stood by it."""
    newest: dict[str, tuple[PersonStateChanged, datetime]] = {}
    for state, as_of in states:
        known = newest.get(state.person_ref)
        if known is None or state.state_version >= known[0].state_version:
            newest[state.person_ref] = (state, as_of)
    # As it was told: what an older version did not tell is not kept as null.
    rows = [
        (
            state.spells[-1].pool_code if state.spells else "",
            person_ref,
            state.state_version,
            state.model_dump_json(exclude_unset=True),
            as_of,
        )
        for person_ref, (state, as_of) in newest.items()
    ]
    if not rows:
        return
    before = await person_states.known(tx, sorted(newest))
    await person_states.upsert(tx, rows)
    due = [
        (pool, person_ref, version, as_of)
        for _, person_ref, version, state, as_of in rows
        if person_ref in before
        for pool in _pools_to_reconsider(before[person_ref], person_from_json(state, as_of))
    ]
    if due:
        at = max(as_of for *_, as_of in due)
        await person_states.note_due(tx, [one[:3] for one in due], NO_ID, at)


def _pools_to_reconsider(before: PersonState, after: PersonState) -> list[str]:
    if after.version <= before.version:
        return []
    if not corrects_the_past(before, after, business_day(before.as_of)):
        return []
    return sorted({spell.pool_code for spell in (*before.spells, *after.spells)})
