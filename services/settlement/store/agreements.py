"""Statements about agreements and the catalogue."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import asyncpg

from shared.plumbing.database import Connection


async def insert_agreement(
    tx: Connection, pool_code: str, institution_code: str, level: int, start: date,
    end: date | None, by: str, at: datetime,
) -> bool:  # fmt: skip
    """Note an agreement; False when it overlaps another one of the institution."""
    try:
        async with tx.transaction():
            await tx.execute(
                "insert into agreement values ($1, $2, $3, daterange($4, $5), $6, $7)",
                pool_code, institution_code, level, start, end, by, at,
            )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        return False
    return True


async def agreed(tx: Connection, pool_code: str, institution_code: str, on: date) -> bool:
    """Whether an institution, also one that the caller may not see, has an agreement on a day."""
    return bool(await tx.fetchval("select agreed($1, $2, $3)", pool_code, institution_code, on))


async def agreements(
    tx: Connection, pool_code: str, limit: int
) -> list[tuple[str, int, date, date | None]]:
    """Agreements that the caller may see: (institution, level, from, until)."""
    rows = await tx.fetch(
        "select institution_code, level, lower(valid) as start, upper(valid) as ended"
        " from agreement where pool_code = $1 order by institution_code, valid limit $2",
        pool_code,
        limit,
    )
    return [(r["institution_code"], r["level"], r["start"], r["ended"]) for r in rows]


async def insert_item(
    tx: Connection, pool_code: str, item_code: str, name: str, item_class: str,
    first_copay_rate: Decimal, limit_fen: int | None, start: date, end: date | None, by: str,
    at: datetime,
) -> bool:  # fmt: skip
    """Note a catalogue item; False when it overlaps another version of the item."""
    try:
        async with tx.transaction():
            await tx.execute(
                "insert into catalogue_item"
                " values ($1, $2, $3, $4, $5, $6, daterange($7, $8), $9, $10)",
                pool_code, item_code, name, item_class, first_copay_rate, limit_fen, start, end,
                by, at,
            )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        return False
    return True
