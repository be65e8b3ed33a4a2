"""Statements about agreements."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

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


async def all_agreed(tx: Connection, pool_code: str, asked: Collection[tuple[str, date]]) -> bool:
    """Whether institutions, also ones that the caller may not see, have an agreement, each on a
    day."""
    return bool(
        await tx.fetchval(
            "select bool_and(agreed($1, i, d)) from unnest($2::text[], $3::date[]) asked(i, d)",
            pool_code,
            *zip(*asked, strict=True),
        )
    )


async def own_level(tx: Connection, pool_code: str, institution_code: str, on: date) -> int | None:
    """The level of an institution's agreement on a day, behind its own wall."""
    level: int | None = await tx.fetchval(
        "select level from agreement where pool_code = $1 and institution_code = $2"
        " and valid @> $3::date",
        pool_code,
        institution_code,
        on,
    )
    return level


async def agreements(
    tx: Connection, pool_code: str, after: tuple[str, date], limit: int
) -> list[tuple[str, int, date, date | None]]:
    """Agreements that the caller may see, by institution and first day, beyond `after`:
    (institution, level, from, until)."""
    rows = await tx.fetch(
        "select institution_code, level, lower(valid) as start, upper(valid) as ended"
        " from agreement where pool_code = $1 and (institution_code, lower(valid)) > ($2, $3)"
        " order by institution_code, lower(valid) limit $4",
        pool_code,
        *after,
        limit,
    )
    return [(r["institution_code"], r["level"], r["start"], r["ended"]) for r in rows]


_END = """
update agreement set valid = daterange(lower(valid), $3)
where pool_code = $1 and institution_code = $2 and lower(valid) < $3
  and (upper(valid) > $3 or upper_inf(valid))
returning lower(valid)
"""


async def end_agreement(
    tx: Connection, pool_code: str, institution_code: str, end: date
) -> date | None:
    """End the agreement that is in force on the day before `end`; its first day, None without one."""
    start: date | None = await tx.fetchval(_END, pool_code, institution_code, end)
    return start
