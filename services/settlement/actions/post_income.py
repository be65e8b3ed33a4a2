"""Post contributions as income of the one fund, on a cash basis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.settlement.domain.postings import income_of, month_of_account
from services.settlement.store import ledger, periods
from shared.contracts.person import ContributionPosted
from shared.ids import new_id
from shared.money import Money
from shared.period import Month
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection


async def post_income(tx: Connection, contributions: Sequence[ContributionPosted]) -> None:
    """Post each contribution in the month in which it was booked; once that is closed, in the
    first that is open."""
    rows = []
    closed = await periods.hold_open(tx, sorted({told.pool_code for told in contributions}))
    for contribution in contributions:
        at = datetime.fromisoformat(contribution.posted_at)
        month = month_of_account(Month.of(business_day(at)), closed.get(contribution.pool_code))
        legs = income_of(
            Money.from_wire(contribution.employer), Money.from_wire(contribution.individual)
        )
        rows += [
            (
                month.first_day(), new_id(), contribution.pool_code,
                UUID(contribution.contribution_id), leg.account.value, leg.amount.fen, at,
            )
            for leg in legs
        ]  # fmt: skip
    if rows:
        await ledger.post_income(tx, rows)
