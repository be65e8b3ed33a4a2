"""Statements that find the whole course of pregnancies again: entries, designations, visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

import asyncpg

from services.settlement.domain.adjustment import AdjustmentState
from services.settlement.domain.care import Care, Waiting, Written
from services.settlement.domain.course import Designation
from services.settlement.store import adjustments
from services.settlement.store.courses import entry_from_row
from shared.plumbing.database import Connection

ENTRIES = """
select u.*, a.decided_at as corrected_at from unit_entry u
left join adjustment a using (pool_code, adjustment_id)
where u.pool_code = any($1) and u.pregnancy_id = any($2) order by u.unit, u.number
"""
DESIGNATIONS = """
select pregnancy_id, institution_code, since, recorded_at from designation
where pool_code = any($1) and pregnancy_id = any($2) order by number
"""
ENDINGS = """
select pregnancy_id, min(settlement_id::text)::uuid as first from settlement
where pool_code = any($1) and pregnancy_id = any($2) and benefit in ('delivery', 'loss') and reverses is null
group by pregnancy_id
"""
STANDING = """
select pregnancy_id, settlement_id from claim
where pool_code = any($1) and pregnancy_id = any($2) and visit is not null and state = 'settled'
"""


async def cares(
    tx: Connection | asyncpg.Connection[asyncpg.Record],
    pool_codes: Collection[str],
    pregnancy_ids: Collection[UUID],
) -> dict[UUID, Care]:
    """The care of each of these pregnancies of some pools."""
    pools, ids = list(set(pool_codes)), list(set(pregnancy_ids))
    written: dict[UUID, list[Written]] = defaultdict(list)
    designations = defaultdict(list)
    standing = defaultdict(set)
    if not ids:
        return {}
    for row in await tx.fetch(ENTRIES, pools, ids):
        entry = Written(row["settlement_id"], entry_from_row(row), row["corrected_at"])
        written[row["pregnancy_id"]].append(entry)
    for row in await tx.fetch(DESIGNATIONS, pools, ids):
        designation = Designation(row["institution_code"], row["since"])
        designations[row["pregnancy_id"]].append((row["recorded_at"], designation))
    for row in await tx.fetch(STANDING, pools, ids):
        standing[row["pregnancy_id"]].add(row["settlement_id"])
    ended = {row["pregnancy_id"]: row["first"] for row in await tx.fetch(ENDINGS, pools, ids)}
    return {
        one: Care(
            tuple(written[one]), tuple(designations[one]), ended.get(one), frozenset(standing[one])
        )
        for one in ids
    }


async def of_pregnancies(
    tx: Connection, pool_code: str, pregnancy_ids: Collection[UUID]
) -> dict[UUID, tuple[Care, Waiting]]:
    """The care of each of these pregnancies, and what is proposed to correct of its units."""
    found = await cares(tx, [pool_code], pregnancy_ids)
    visits = [visit for one in found.values() for visit in one.standing]
    beside = await adjustments.of_claims(tx, pool_code, visits)
    return {
        pregnancy: (
            one,
            {
                visit: adjustment.corrections
                for visit in one.standing
                for adjustment in beside.get(visit, ())
                if adjustment.state is AdjustmentState.PROPOSED
            },
        )
        for pregnancy, one in found.items()
    }
