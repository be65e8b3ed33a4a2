"""Limits of agreements' indicators, and what institutions' months came to beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from services.audit.domain.indicator import Indicator, IndicatorLimit, Measured
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection

_INSERT = """
insert into indicator_limit (pool_code, id, indicator, institution_code, since, window_months,
    "limit", reason, by, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (pool_code, indicator, coalesce(institution_code, ''), since)
    where approved_by is null and ended_by is null
do nothing returning true
"""
_LOCK = "select * from indicator_limit where pool_code = $1 and id = $2 for update"
_STANDS = "approved_by is not null and ended_by is null and replaced_by is null"
_LOCK_STANDING = f"""
select * from indicator_limit
where pool_code = $1 and indicator = $2 and institution_code is not distinct from $3
  and since = $4 and {_STANDS} for update
"""  # noqa: S608
_UPDATE = """
update indicator_limit set approved_by = $3, ended_by = $4, replaced_by = $5
where pool_code = $1 and id = $2
"""
_PAGE = """
select * from indicator_limit where pool_code = $1 and ($2::uuid is null or id > $2)
order by id limit $3
"""
_STANDING = f"""
select * from indicator_limit where pool_code = $1 and {_STANDS} order by since
"""  # noqa: S608
_CLEAR = "delete from indicator_month where pool_code = $1"
_OF_INSTITUTION = """
select * from indicator_month where pool_code = $1 and institution_code = $2
order by month, indicator
"""
_BATCH = 1000


async def insert(tx: Connection, new: IndicatorLimit) -> bool:
    """Record what was asked for; False where one of that indicator, place and month waits."""
    done: bool | None = await tx.fetchval(
        _INSERT, new.pool_code, new.id, new.indicator, new.institution_code, new.since,
        new.window_months, new.limit, new.reason, new.by, new.asked_at,
    )  # fmt: skip
    return bool(done)


async def lock(tx: Connection, pool_code: str, id: UUID) -> IndicatorLimit | None:
    """One limit, nobody else changing it until this transaction ends."""
    row = await tx.fetchrow(_LOCK, pool_code, id)
    return None if row is None else _limit(row)


async def lock_standing(tx: Connection, like: IndicatorLimit) -> IndicatorLimit | None:
    """The limit that counts for the same indicator, place and month, locked."""
    row = await tx.fetchrow(
        _LOCK_STANDING, like.pool_code, like.indicator, like.institution_code, like.since
    )
    return None if row is None else _limit(row)


async def update(tx: Connection, one: IndicatorLimit) -> None:
    """Record who approved and who ended it, or what replaced it."""
    await tx.execute(_UPDATE, one.pool_code, one.id, one.approved_by, one.ended_by, one.replaced_by)


async def page(
    tx: Connection, pool_code: str, after: UUID | None, limit: int
) -> list[IndicatorLimit]:
    """Limits in the order asked for, after one of them."""
    return [_limit(row) for row in await tx.fetch(_PAGE, pool_code, after, limit)]


async def standing(tx: Connection, pool_code: str) -> list[IndicatorLimit]:
    """The limits of a pool that two people agreed on."""
    return [_limit(row) for row in await tx.fetch(_STANDING, pool_code)]


async def lay(tx: Connection, pool_code: str, months: Sequence[Measured], at: datetime) -> None:
    """Lay what a pool's institutions came to anew: what was measured before is gone."""
    await tx.execute(_CLEAR, pool_code)
    for first in range(0, len(months), _BATCH):
        rows = [_to_row(pool_code, one, at) for one in months[first : first + _BATCH]]
        await insert_rows(tx, "indicator_month", rows)


async def of_institution(tx: Connection, pool_code: str, institution_code: str) -> list[Measured]:
    """What an institution's months came to when they were last measured."""
    return [
        Measured(
            institution_code=row["institution_code"],
            month=row["month"],
            months=row["months"],
            indicator=Indicator(row["indicator"]),
            cases=row["cases"],
            value=row["value"],
            limit=row["limit"],
            spent=Money(row["spent_fen"]),
            excess=Money(row["excess_fen"]),
        )
        for row in await tx.fetch(_OF_INSTITUTION, pool_code, institution_code)
    ]


def _limit(row: asyncpg.Record) -> IndicatorLimit:
    given = None if row["limit"] is None else Decimal(row["limit"])
    return IndicatorLimit(
        **(dict(row) | {"indicator": Indicator(row["indicator"]), "limit": given})
    )


def _to_row(pool_code: str, one: Measured, at: datetime) -> dict[str, Any]:
    told = asdict(one) | {
        "pool_code": pool_code, "spent_fen": one.spent.fen, "excess_fen": one.excess.fen,
        "measured_at": at,
    }  # fmt: skip
    return {name: value for name, value in told.items() if name not in ("spent", "excess")}
