"""Statements about the course of prenatal care: units used, and whom it was entrusted to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.course import EMPTY, Course, Designation, UnitEntry
from services.settlement.domain.settlement import Settlement
from shared.money import Money
from shared.plumbing.database import Connection


def course_from_row(row: Any) -> Course:
    """The course as READ tells of it; of other benefits than prenatal care its flags alone."""
    within, holds, designations = row["within_ending"], row["holds_visits"], row["designations"]
    if not (within or holds or designations):
        return EMPTY
    return Course(
        designations=tuple(
            Designation(institution, date.fromisoformat(since))
            for institution, since in orjson.loads(designations or "[]")
        ),
        entries=tuple(
            UnitEntry(unit, number, institution, weeks, Money(amount), Money(after), Money(limit))
            for unit, number, institution, weeks, amount, after, limit in orjson.loads(
                row["units"] or "[]"
            )
        ),
        within_ending=bool(within),
        holds_visits=bool(holds),
    )


def unit_row(
    settlement: Settlement, use: UnitEntry, adjustment_id: UUID | None = None
) -> tuple[object, ...]:
    """A row of `unit_entry`, in the table's order: of a settlement, or of an adjustment of it."""
    return (
        settlement.pool_code, settlement.pregnancy_id, use.unit, use.number,
        use.number - 1 or None, settlement.settlement_id, use.institution_code, use.weeks,
        use.used_before.fen, use.amount.fen, use.used_after.fen, use.limit.fen,
        adjustment_id,
    )  # fmt: skip


def entry_from_row(row: Any) -> UnitEntry:
    """An entry from its row."""
    return UnitEntry(
        unit=row["unit"],
        number=row["number"],
        institution_code=row["institution_code"],
        weeks=row["weeks"],
        amount=Money(row["amount_fen"]),
        used_after=Money(row["used_after_fen"]),
        limit=Money(row["limit_fen"]),
    )


async def entries(tx: Connection, pool_code: str, pregnancy_id: UUID) -> tuple[UnitEntry, ...]:
    """All entries of a pregnancy, each unit's in order."""
    rows = await tx.fetch(
        "select * from unit_entry where pool_code = $1 and pregnancy_id = $2 order by unit, number",
        pool_code,
        pregnancy_id,
    )
    return tuple(entry_from_row(row) for row in rows)


async def entries_of(tx: Connection, pool_code: str, settlement_id: UUID) -> tuple[UnitEntry, ...]:
    """What a settlement used, its adjustments included."""
    rows = await tx.fetch(
        "select * from unit_entry where pool_code = $1 and settlement_id = $2 order by unit, number",
        pool_code,
        settlement_id,
    )
    return tuple(entry_from_row(row) for row in rows)


async def visited(tx: Connection, pool_code: str, pregnancy_id: UUID) -> bool:
    """Whether a check of the pregnancy stands settled, in whatever hospital."""
    found: bool = await tx.fetchval(
        "select exists (select from claim where pool_code = $1 and pregnancy_id = $2"
        " and state = 'settled' and visit is not null)",
        pool_code,
        pregnancy_id,
    )
    return found


async def insert_entries(
    tx: Connection, settlement: Settlement, uses: tuple[UnitEntry, ...]
) -> None:
    """Write entries behind the last ones of their units."""
    await tx.execute(
        "insert into unit_entry select * from unnest($1::unit_entry[])",
        [unit_row(settlement, use) for use in uses],
    )


async def insert_corrections(
    tx: Connection, corrections: Sequence[tuple[Settlement, UUID, UnitEntry]]
) -> None:
    """Write entries of adjustments, each with its settlement and adjustment, behind the last ones
    of their units. A visit that met the units before is not settled on what it met."""
    if not corrections:
        return
    await tx.execute(
        "insert into unit_entry select * from unnest($1::unit_entry[])",
        [unit_row(settlement, use, adjustment) for settlement, adjustment, use in corrections],
    )
    settlement = corrections[0][0]
    await tx.execute(
        "update pregnancy set version = version + 1 where pool_code = $1 and pregnancy_id = $2",
        settlement.pool_code,
        settlement.pregnancy_id,
    )


_FREE_DAYS = """
update pregnancy p
set version = version + 1,
    confined = case when $3 then null else confined end,
    visited = coalesce((
        select range_agg(c.visit) from claim c
        where c.pool_code = $1 and c.pregnancy_id = $2 and c.state = 'settled' and c.visit is not null
    ), '{}')
where pool_code = $1 and pregnancy_id = $2
"""


async def lock_course(tx: Connection, pool_code: str, pregnancy_id: UUID) -> None:
    """Let no visit of the pregnancy be settled or reversed until the transaction ends."""
    await tx.execute(
        "select from pregnancy where pool_code = $1 and pregnancy_id = $2 for update",
        pool_code,
        pregnancy_id,
    )


async def free_days(tx: Connection, pool_code: str, pregnancy_id: UUID, *, ending: bool) -> None:
    """Free the days of a reversed visit, or of the reversed stay of the pregnancy's ending."""
    await tx.execute(_FREE_DAYS, pool_code, pregnancy_id, ending)
