"""Price notices, in the table `posted_price`: its older name."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import asyncpg

from services.audit.domain.price_notice import PriceNotice
from shared.plumbing.database import Connection

_INSERT = """
insert into posted_price (pool_code, id, region, month, change, reason, by, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (pool_code, region, month) where approved_by is null and ended_by is null
do nothing returning true
"""
_LOCK = "select * from posted_price where pool_code = $1 and id = $2 for update"
_STANDS = "approved_by is not null and ended_by is null and replaced_by is null"
_LOCK_STANDING = f"""
select * from posted_price
where pool_code = $1 and region = $2 and month = $3 and {_STANDS} for update
"""  # noqa: S608
_UPDATE = """
update posted_price set approved_by = $3, ended_by = $4, replaced_by = $5
where pool_code = $1 and id = $2
"""
_PAGE = """
select * from posted_price where pool_code = $1 and ($2::uuid is null or id > $2)
order by id limit $3
"""
_STANDING = f"""
select * from posted_price where pool_code = $1 and {_STANDS} order by month, region
"""  # noqa: S608


async def insert(tx: Connection, new: PriceNotice) -> bool:
    """Record what was asked for; False where one of that county and month waits."""
    done: bool | None = await tx.fetchval(
        _INSERT, new.pool_code, new.id, new.region, new.month, new.change, new.reason, new.by,
        new.asked_at,
    )  # fmt: skip
    return bool(done)


async def lock(tx: Connection, pool_code: str, id: UUID) -> PriceNotice | None:
    """One notice, nobody else changing it until this transaction ends."""
    row = await tx.fetchrow(_LOCK, pool_code, id)
    return None if row is None else _of(row)


async def lock_standing(tx: Connection, like: PriceNotice) -> PriceNotice | None:
    """The notice that counts for the same county and month, locked."""
    row = await tx.fetchrow(_LOCK_STANDING, like.pool_code, like.region, like.month)
    return None if row is None else _of(row)


async def update(tx: Connection, one: PriceNotice) -> None:
    """Record who approved and who ended it, or what replaced it."""
    await tx.execute(_UPDATE, one.pool_code, one.id, one.approved_by, one.ended_by, one.replaced_by)


async def page(tx: Connection, pool_code: str, after: UUID | None, limit: int) -> list[PriceNotice]:
    """Notices in the order asked for, after one of them."""
    return [_of(row) for row in await tx.fetch(_PAGE, pool_code, after, limit)]


async def standing(tx: Connection, pool_code: str) -> list[PriceNotice]:
    """The notices of a pool that count."""
    return [_of(row) for row in await tx.fetch(_STANDING, pool_code)]


def _of(row: asyncpg.Record) -> PriceNotice:
    return PriceNotice(**(dict(row) | {"change": Decimal(row["change"])}))
