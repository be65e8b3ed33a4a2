"""Take people's states as enrollment tells them, by event or look-up: only newer ones count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.settlement.store import person_states
from shared.contracts.person import PersonStateChanged
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
    rows = [
        (
            state.spells[-1].pool_code if state.spells else "",
            person_ref,
            state.state_version,
            state.model_dump_json(),
            as_of,
        )
        for person_ref, (state, as_of) in newest.items()
    ]
    if rows:
        await person_states.upsert(tx, rows)
