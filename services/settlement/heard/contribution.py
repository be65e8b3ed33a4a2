"""Heard from enrollment: contributions, the income of the fund."""

from __future__ import annotations

from collections.abc import Sequence

from services.settlement.actions.post_income import post_income
from shared.contracts.contract import Unreadable
from shared.contracts.person import ContributionPosted
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.database import Connection

TOPIC = ContributionPosted.topic


async def handle(tx: Connection, events: Sequence[Event]) -> None:
    """Post what was booked."""
    try:
        posted = [
            ContributionPosted.from_bytes(event.record.data)
            for event in events
            if event.type == ContributionPosted.type
        ]
    except Unreadable as error:
        raise Undecodable(ContributionPosted.type) from error
    await post_income(tx, posted)
