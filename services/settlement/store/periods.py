"""Statements about the ledger's months: which are closed, and closing one.

A month is closed under its pool's lock, which whoever posts into a month that may be over holds
shared: so nothing is posted into a month whose movement is already summed up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from shared.period import Month
from shared.plumbing.database import Connection

_LOCK = "select pg_advisory_xact_lock(hashtextextended('period/' || $1::text, 0))"
_HOLD = """
select pg_advisory_xact_lock_shared(hashtextextended('period/' || pool, 0))
from unnest($1::text[]) pool
"""
_CLOSED_THROUGH = """
select pool_code, max(month) as month from closed_period where pool_code = any($1::text[])
group by pool_code
"""


async def hold_open(tx: Connection, pools: Sequence[str]) -> dict[str, Month]:
    """Keep the pools from closing a month until the transaction ends; returns the last one that is
    closed, of each pool that closed one."""
    await tx.execute(_HOLD, pools)
    # A statement of its own: it sees what was closed while the lock was awaited.
    rows = await tx.fetch(_CLOSED_THROUGH, pools)
    return {row["pool_code"]: Month.of(row["month"]) for row in rows}


async def lock(tx: Connection, pool_code: str) -> None:
    """Keep everybody else from closing the pool's months, and from posting into one that is over,
    until the transaction ends."""
    await tx.execute(_LOCK, pool_code)


# Asked month by month: the ledger of years is never read through.
_OPEN_BEFORE = """
select exists (
    select from generate_series((select min(month) from posting)::timestamp, $2::date - interval '1 day',
                                interval '1 month') earlier(month)
    where not exists (select from closed_period c
                      where c.pool_code = $1 and c.month = earlier.month::date)
      and exists (select from posting p
                  where p.pool_code = $1 and p.month = earlier.month::date))
"""


async def is_open_before(tx: Connection, pool_code: str, month: date) -> bool:
    """Whether an earlier month with postings is open."""
    found: bool = await tx.fetchval(_OPEN_BEFORE, pool_code, month)
    return found


async def is_closed(tx: Connection, pool_code: str, month: date) -> bool:
    """Whether a month was closed."""
    found: bool = await tx.fetchval(
        "select exists (select from closed_period where pool_code = $1 and month = $2)",
        pool_code,
        month,
    )
    return found


async def close(tx: Connection, pool_code: str, month: date, by: str, at: datetime) -> bool:
    """Close a month and keep each account's movement; False if it was closed before."""
    closed = await tx.fetchval(
        "insert into closed_period values ($1, $2, $3, $4) on conflict do nothing returning true",
        pool_code,
        month,
        by,
        at,
    )
    if closed:
        await tx.execute(
            "insert into period_balance select pool_code, month, account, institution_code,"
            " sum(amount_fen) from posting where pool_code = $1 and month = $2"
            " group by pool_code, month, account, institution_code",
            pool_code,
            month,
        )
    return bool(closed)
