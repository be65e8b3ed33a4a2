"""Heard from enrollment: people's whole histories."""

from __future__ import annotations

from collections.abc import Sequence

from services.settlement.actions.note_person_states import note_person_states
from shared.contracts.contract import Unreadable
from shared.contracts.person import PersonStateChanged
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.clock import read_instant
from shared.plumbing.database import Connection

TOPIC = PersonStateChanged.topic


async def handle(tx: Connection, events: Sequence[Event]) -> None:
    """Keep each person's newest state."""
    states = []
    for event in events:
        if event.type != PersonStateChanged.type:
            continue
        try:
            state = PersonStateChanged.from_bytes(event.record.data)
            as_of = read_instant(event.record.headers["ce_time"])
        except (Unreadable, KeyError, ValueError) as error:
            raise Undecodable(event.type) from error
        states.append((state, as_of))
    await note_person_states(tx, states)
