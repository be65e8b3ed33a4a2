"""Statements about pregnancies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.settlement.domain.course import Designation
from services.settlement.domain.pregnancy import Ending, Pregnancy
from shared.period import Period
from shared.plumbing.database import Connection

PREGNANCY_COLUMNS = """
pool_code, pregnancy_id, institution_code as pregnancy_institution, person_ref as pregnancy_person,
lower(period) as period_start, upper(period) as period_end, delivered_on, ended_by,
version as pregnancy_version
"""


def pregnancy_from_row(row: Any) -> Pregnancy:
    """A pregnancy from a row with the columns that READ names."""
    return Pregnancy(
        pool_code=row["pool_code"],
        pregnancy_id=row["pregnancy_id"],
        person_ref=row["pregnancy_person"],
        institution_code=row["pregnancy_institution"],
        period=Period(row["period_start"], row["period_end"]),
        delivered_on=row["delivered_on"],
        version=row["pregnancy_version"],
        ended_by=Ending(row["ended_by"]) if row["ended_by"] else None,
    )


async def find(tx: Connection, pool_code: str, pregnancy_id: UUID) -> Pregnancy | None:
    """A pregnancy of the pool."""
    row = await tx.fetchrow(
        f"select {PREGNANCY_COLUMNS} from pregnancy where pool_code = $1 and pregnancy_id = $2",  # noqa: S608
        pool_code,
        pregnancy_id,
    )
    return pregnancy_from_row(row) if row else None


async def find_all(
    tx: Connection, pool_code: str, pregnancy_ids: Sequence[UUID]
) -> dict[UUID, Pregnancy]:
    """Pregnancies of the pool by id; what nobody registered is missing."""
    rows = await tx.fetch(
        f"select {PREGNANCY_COLUMNS} from pregnancy"  # noqa: S608
        " where pool_code = $1 and pregnancy_id = any($2)",
        pool_code,
        pregnancy_ids,
    )
    return {row["pregnancy_id"]: pregnancy_from_row(row) for row in rows}


async def of_person(tx: Connection, pool_code: str, person_ref: str, on: date) -> Pregnancy | None:
    """The pregnancy of a person that a day belongs to: the last one registered by then, and still
    hers on the days that follow its end until the next."""
    row = await tx.fetchrow(
        f"select {PREGNANCY_COLUMNS} from pregnancy"  # noqa: S608
        " where hashtextextended(person_ref, 0) = hashtextextended($2, 0) and person_ref = $2"
        " and pool_code = $1 and lower(period) <= $3 order by lower(period) desc limit 1",
        pool_code,
        person_ref,
        on,
    )
    return pregnancy_from_row(row) if row else None


async def has_open(tx: Connection, person_ref: str) -> bool:
    """Whether the person has a pregnancy that no birth has ended."""
    return bool(
        await tx.fetchval(
            "select true from pregnancy where hashtextextended(person_ref, 0) = hashtextextended($1, 0)"
            " and person_ref = $1 and upper_inf(period)",
            person_ref,
        )
    )


async def insert(tx: Connection, pregnancy: Pregnancy, at: datetime) -> bool:
    """Register a pregnancy with its first designation; False when its period overlaps another one
    of the person.

    The exclusion constraint is the law: it holds over all hospitals and at the same moment.
    """
    try:
        async with tx.transaction():
            await tx.execute(
                "insert into pregnancy values ($1, $2, $3, $4, daterange($5, $6), $7, $8, $9)",
                pregnancy.pool_code, pregnancy.pregnancy_id, pregnancy.person_ref,
                pregnancy.institution_code, pregnancy.period.start, pregnancy.period.end,
                pregnancy.delivered_on, at, pregnancy.version,
            )  # fmt: skip
            await _designate(
                tx, pregnancy, Designation(pregnancy.institution_code, pregnancy.period.start), at
            )
    except asyncpg.ExclusionViolationError:
        return False
    return True


async def transfer(
    tx: Connection, before: Pregnancy, institution_code: str, since: date, at: datetime
) -> bool:
    """Designate another institution; False when the pregnancy changed since `before` was read."""
    changed = await tx.fetchval(
        "update pregnancy set institution_code = $4, version = version + 1"
        " where pool_code = $1 and pregnancy_id = $2 and version = $3 returning version",
        before.pool_code,
        before.pregnancy_id,
        before.version,
        institution_code,
    )
    if changed is None:
        return False
    await _designate(tx, before, Designation(institution_code, since), at)
    return True


_DESIGNATE = """
insert into designation
select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5 from designation
where pool_code = $1 and pregnancy_id = $2
"""


async def _designate(
    tx: Connection, pregnancy: Pregnancy, designation: Designation, at: datetime
) -> None:
    await tx.execute(
        _DESIGNATE,
        pregnancy.pool_code,
        pregnancy.pregnancy_id,
        designation.institution_code,
        designation.since,
        at,
    )


async def designations(
    tx: Connection, pool_code: str, pregnancy_id: UUID
) -> tuple[Designation, ...]:
    """Whom a pregnancy was entrusted to, in order."""
    rows = await tx.fetch(
        "select institution_code, since from designation"
        " where pool_code = $1 and pregnancy_id = $2 order by number",
        pool_code,
        pregnancy_id,
    )
    return tuple(Designation(row["institution_code"], row["since"]) for row in rows)
