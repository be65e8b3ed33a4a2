"""Post contributions as income of the one fund, on a cash basis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.settlement.domain.postings import income_of
from services.settlement.store import ledger
from shared.contracts.person import ContributionPosted
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection


async def post_income(tx: Connection, contributions: Sequence[ContributionPosted]) -> None:
    """Post each contribution in the month in which it was booked."""
    rows = []
    for contribution in contributions:
        at = datetime.fromisoformat(contribution.posted_at)
        month = business_day(at).replace(day=1)
        legs = income_of(
            Money.from_wire(contribution.employer), Money.from_wire(contribution.individual)
        )
        rows += [
            (
                month, new_id(), contribution.pool_code, UUID(contribution.contribution_id),
                leg.account.value, leg.amount.fen, at,
            )
            for leg in legs
        ]  # fmt: skip
    if rows:
        await ledger.post_income(tx, rows)
