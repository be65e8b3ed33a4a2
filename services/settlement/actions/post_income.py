"""Post contributions as income of the one fund, on a cash basis."""

from __future__ import annotations

from collections.abc import Sequence

from services.settlement.domain.postings import Contribution, income_of, month_of_account
from services.settlement.store import ledger, periods
from shared.ids import new_id
from shared.period import Month
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection


async def post_income(tx: Connection, contributions: Sequence[Contribution]) -> None:
    """Post each contribution in the month in which it was booked; once that is closed, in the
    first that is open."""
    rows = []
    closed = await periods.hold_open(tx, sorted({one.pool_code for one in contributions}))
    for one in contributions:
        came_in = Month.of(business_day(one.posted_at))
        month = month_of_account(came_in, closed.get(one.pool_code)).first_day()
        rows += [
            (
                month, new_id(), one.pool_code, one.contribution_id, leg.account.value,
                leg.amount.fen, one.posted_at,
            )
            for leg in income_of(one.employer, one.individual)
        ]  # fmt: skip
    if rows:
        await ledger.post_income(tx, rows)
