"""Heard from enrollment: contributions, the income of the fund."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.settlement.actions.post_income import post_income
from services.settlement.domain.postings import Contribution
from shared.contracts.contract import Unreadable
from shared.contracts.person import ContributionPosted
from shared.money import Money
from shared.plumbing.bus.record import Event, Undecodable
from shared.plumbing.clock import read_instant
from shared.plumbing.database import Connection

TOPIC = ContributionPosted.topic


async def handle(tx: Connection, events: Sequence[Event]) -> None:
    """Post what was booked."""
    booked = [_contribution(event) for event in events if event.type == ContributionPosted.type]
    await post_income(tx, booked)


def _contribution(event: Event) -> Contribution:
    try:
        told = ContributionPosted.from_bytes(event.record.data)
        return Contribution(
            pool_code=told.pool_code,
            contribution_id=UUID(told.contribution_id),
            employer=Money.from_wire(told.employer),
            individual=Money.from_wire(told.individual),
            posted_at=read_instant(told.posted_at),
        )
    except (Unreadable, ValueError) as error:
        raise Undecodable(event.type) from error
