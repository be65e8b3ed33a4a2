"""Snoozes of rules, by institution."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from uuid import UUID

import asyncpg

from services.audit.domain.rule import Grade
from services.audit.domain.snooze import Snooze, SnoozeState
from services.audit.store.rows import insert_rows
from shared.plumbing.database import Connection

_LOCK = "select * from rule_snooze where pool_code = $1 and snooze_id = $2 for update"
_UPDATE = """
update rule_snooze set approved_by = $3, ended_by = $4 where pool_code = $1 and snooze_id = $2
"""
_PAGE = """
select * from rule_snooze where pool_code = $1 and ($2::uuid is null or snooze_id > $2)
order by snooze_id limit $3
"""
_OF_INSTITUTIONS = """
select s.* from rule_snooze s
join (select distinct * from unnest($1::text[], $2::text[]) as u(pool_code, institution_code)) i
    using (pool_code, institution_code)
where s.ended_by is null and s.until > $3
"""


async def insert(tx: Connection, snooze: Snooze) -> None:
    """Record what was asked for."""
    await insert_rows(tx, "rule_snooze", [asdict(snooze)])


async def lock(tx: Connection, pool_code: str, snooze_id: UUID) -> Snooze | None:
    """One snooze, nobody else changing it until this transaction ends."""
    row = await tx.fetchrow(_LOCK, pool_code, snooze_id)
    return None if row is None else _to_snooze(row)


async def update(tx: Connection, snooze: Snooze) -> None:
    """Record who approved and who ended it."""
    await tx.execute(
        _UPDATE, snooze.pool_code, snooze.snooze_id, snooze.approved_by, snooze.ended_by
    )


async def page(tx: Connection, pool_code: str, after: UUID | None, limit: int) -> list[Snooze]:
    """Snoozes in the order asked for, after one of them."""
    return [_to_snooze(row) for row in await tx.fetch(_PAGE, pool_code, after, limit)]


async def muted(
    tx: Connection, institutions: Collection[tuple[str, str]], on: date
) -> set[tuple[str, str, str]]:
    """Which rules are quiet on a day for these (pool, institution), as (pool, institution, rule)."""
    pools, codes = [pool for pool, _ in institutions], [code for _, code in institutions]
    found = [_to_snooze(row) for row in await tx.fetch(_OF_INSTITUTIONS, pools, codes, on)]
    return {
        (one.pool_code, one.institution_code, one.rule)
        for one in found
        if one.since <= on and one.state(on) is SnoozeState.STANDING
    }


def _to_snooze(row: asyncpg.Record) -> Snooze:
    return Snooze(**(dict(row) | {"grade": Grade(row["grade"])}))
