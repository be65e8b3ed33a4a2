"""Ask enrollment for the state of a person who has not arrived by event, or is too old."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from services.settlement.domain.refusals import Refusal
from shared.contracts.person import PersonStateChanged
from shared.plumbing.clock import read_instant
from shared.plumbing.peer import Peer, PeerDown


async def look_up_person(
    peer: Peer | None, person_ref: str
) -> tuple[PersonStateChanged, datetime] | Refusal:
    """The state as enrollment stands by it now; outside any transaction, since it may take long."""
    if peer is None:
        return Refusal.PERSON_STATE_UNREACHABLE
    try:
        found = await peer.get(f"/enrollment/v1/persons/{person_ref}/state")
    except PeerDown:
        return Refusal.PERSON_STATE_UNREACHABLE
    if found is None:
        return Refusal.PERSON_UNKNOWN
    try:
        state = PersonStateChanged.model_validate(found["state"])
        return state, read_instant(found["at"])
    except (ValidationError, KeyError, ValueError, TypeError):
        return Refusal.PERSON_STATE_UNREACHABLE
