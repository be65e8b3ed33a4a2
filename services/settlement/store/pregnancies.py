"""Statements about pregnancies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.settlement.domain.course import Designation
from services.settlement.domain.pregnancy import Cared, Ending, Pregnancy
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


_FIND = f"""
select {PREGNANCY_COLUMNS} from pregnancy
where pool_code = $1 and pregnancy_id = $2 and cancelled_at is null
"""  # noqa: S608


async def find(tx: Connection, pool_code: str, pregnancy_id: UUID) -> Pregnancy | None:
    """A pregnancy of the pool; a cancelled one is none."""
    row = await tx.fetchrow(_FIND, pool_code, pregnancy_id)
    return pregnancy_from_row(row) if row else None


# As the reference of a stay to it holds it: whoever changes other columns does not wait for it.
_KEPT = f"""
select {PREGNANCY_COLUMNS} from pregnancy
where pool_code = $1 and pregnancy_id = any($2) and cancelled_at is null
order by pregnancy_id for key share
"""  # noqa: S608


async def keep_all(
    tx: Connection, pool_code: str, pregnancy_ids: Sequence[UUID]
) -> dict[UUID, Pregnancy]:
    """Pregnancies of the pool by id, to open stays of them: none is cancelled or corrected until
    the transaction ends. What nobody registered is missing."""
    rows = await tx.fetch(_KEPT, pool_code, pregnancy_ids)
    return {row["pregnancy_id"]: pregnancy_from_row(row) for row in rows}


# Against stays that are opened at the same moment too.
_HOLD = f"""
select {PREGNANCY_COLUMNS}, registered_by from pregnancy
where pool_code = $1 and pregnancy_id = $2 and cancelled_at is null for update
"""  # noqa: S608


async def hold(
    tx: Connection, pool_code: str, pregnancy_id: UUID
) -> tuple[Pregnancy, str, Cared] | None:
    """A pregnancy, which institution registered it, and what there is of it: nothing of this
    changes until the transaction ends."""
    row = await tx.fetchrow(_HOLD, pool_code, pregnancy_id)
    if row is None:
        return None
    person_ref = row["pregnancy_person"]
    # A statement of its own, so that it sees what was committed while the row was waited for.
    (cared,) = await tx.fetch(
        "select * from cared_for($1, $2, $3)", pool_code, pregnancy_id, person_ref
    )
    return pregnancy_from_row(row), row["registered_by"], Cared(cared["settled"], cared["standing"])


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


_ALL_OF_PERSON = f"""
select {PREGNANCY_COLUMNS}, made.institutions, made.days
from pregnancy p
left join lateral (
    select array_agg(d.institution_code order by d.number) as institutions,
           array_agg(d.since order by d.number) as days
    from designation d where d.pool_code = p.pool_code and d.pregnancy_id = p.pregnancy_id
) made on true
where hashtextextended(p.person_ref, 0) = hashtextextended($2, 0) and p.person_ref = $2
  and p.pool_code = $1 and p.cancelled_at is null
order by lower(p.period) desc limit $3
"""  # noqa: S608


async def all_of_person(
    tx: Connection, pool_code: str, person_ref: str, limit: int
) -> list[tuple[Pregnancy, tuple[Designation, ...]]]:
    """A person's pregnancies in a pool, the latest first, each with its designations in order; of
    cancelled ones nothing is told."""
    rows = await tx.fetch(_ALL_OF_PERSON, pool_code, person_ref, limit)
    return [
        (
            pregnancy_from_row(row),
            tuple(map(Designation, row["institutions"] or (), row["days"] or ())),
        )
        for row in rows
    ]


_HAVE_OPEN = """
select asked.person_ref from unnest($1::text[]) asked(person_ref), lateral (
    select from pregnancy p
    where hashtextextended(p.person_ref, 0) = hashtextextended(asked.person_ref, 0)
      and p.person_ref = asked.person_ref and upper_inf(p.period) offset 0) open
"""


async def have_open(tx: Connection, person_refs: Sequence[str]) -> set[str]:
    """Those of persons who have a pregnancy that no birth has ended."""
    return {row["person_ref"] for row in await tx.fetch(_HAVE_OPEN, person_refs)}


_INSERT = """
with made as (
    insert into pregnancy (pool_code, pregnancy_id, person_ref, institution_code, period, registered_at,
                           version, registered_by)
    select n.pool_code, n.pregnancy_id, n.person_ref, n.institution_code, daterange(n.since, null),
           n.noted_at, n.version, n.registered_by
    from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::timestamptz[],
                $7::bigint[], $8::text[])
        n(pool_code, pregnancy_id, person_ref, institution_code, since, noted_at, version, registered_by)
    order by n.person_ref
    on conflict do nothing
    returning pool_code, pregnancy_id, institution_code, lower(period) as since, registered_at
),
entrusted as (
    insert into designation
    select pool_code, pregnancy_id, 1, institution_code, since, registered_at from made
)
select pregnancy_id from made
"""


class Noted(NamedTuple):
    """A pregnancy as it is registered, by an institution or (empty) the agency's staff."""

    pregnancy: Pregnancy
    at: datetime
    by: str


async def insert(tx: Connection, noted: Sequence[Noted]) -> set[UUID]:
    """Register pregnancies that run, each with its first designation; which of them: none whose
    period overlaps another one of the person.

    The exclusion constraint is the law: it holds over all hospitals and at the same moment.
    """
    rows = [
        (
            one.pregnancy.pool_code, one.pregnancy.pregnancy_id, one.pregnancy.person_ref,
            one.pregnancy.institution_code, one.pregnancy.period.start, one.at,
            one.pregnancy.version, one.by,
        )
        for one in noted
    ]  # fmt: skip
    made = await tx.fetch(_INSERT, *zip(*rows, strict=True))
    return {row["pregnancy_id"] for row in made}


_CORRECT = """
update pregnancy set period = daterange($3, upper(period)), version = version + 1
where pool_code = $1 and pregnancy_id = $2
"""
_CORRECTED = """
insert into pregnancy_correction
select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5 from pregnancy_correction
where pool_code = $1 and pregnancy_id = $2
"""
_CORRECT_FIRST = """
update designation set since = $3 where pool_code = $1 and pregnancy_id = $2 and number = 1
"""


async def correct(tx: Connection, before: Pregnancy, since: date, at: datetime) -> bool:
    """Correct the first day of a pregnancy that is held, and of its first designation with it;
    False when it then overlaps another one of the person."""
    place = (before.pool_code, before.pregnancy_id)
    try:
        async with tx.transaction():
            await tx.execute(_CORRECT, *place, since)
    except asyncpg.ExclusionViolationError:
        return False
    await tx.execute(_CORRECTED, *place, before.period.start, since, at)
    await tx.execute(_CORRECT_FIRST, *place, since)
    return True


_CANCEL = """
update pregnancy set period = 'empty', cancelled_at = $3, version = version + 1
where pool_code = $1 and pregnancy_id = $2
"""


async def cancel(tx: Connection, pregnancy: Pregnancy, at: datetime) -> None:
    """Cancel a pregnancy that is held: its days are free for another one at once."""
    await tx.execute(_CANCEL, pregnancy.pool_code, pregnancy.pregnancy_id, at)


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
