"""Statements on persons' histories: spells, paid months, and each state that was told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.enrollment.domain.membership import History, Spell
from shared.period import Month, Period
from shared.plumbing.database import Connection, Pool
from shared.plumbing.gathered import Gathered
from shared.policy.shapes import InsuranceType, MemberKind


@dataclass(frozen=True, slots=True)
class Known:
    """A history with the version under which it was read."""

    version: int
    history: History


@dataclass(frozen=True, slots=True)
class State:
    """A person's state under a version, as the very bytes that were told."""

    person_ref: str
    version: int
    at: datetime
    data: bytes


_HISTORIES = """
select asked.person_ref, asked.pool_code, p.version,
       array(select s from spell s where s.person_ref = p.person_ref order by s.started_on) as spells,
       array(select c.month from contribution c
             where c.person_ref = p.person_ref order by c.month) as months
from unnest($1::text[], $2::text[]) asked(person_ref, pool_code)
join person p on p.person_ref = asked.person_ref
where asked.pool_code = '' or exists (
    select from spell s where s.person_ref = p.person_ref and s.pool_code = asked.pool_code)
"""

Asked = tuple[str, str]
"""Whose history is asked for, and behind which pool's wall: `person_ref`, `pool_code`."""

Histories = Gathered[Asked, Known]
"""Histories that are looked up by many callers at once."""


async def read_histories(
    tx: Connection, person_refs: Sequence[str], pool_code: str
) -> dict[str, Known]:
    """The histories of persons who belong or belonged to the pool; "" asks without the wall.

    One statement sees one moment: what another transaction changes afterwards has a higher
    version, and a write conditional on this one then fails.
    """
    known = await read_asked(tx, [(person_ref, pool_code) for person_ref in person_refs])
    return {person_ref: history for (person_ref, _), history in known.items()}


async def read_asked(tx: Connection, asked: Collection[Asked]) -> dict[Asked, Known]:
    """The same for callers of several pools, each behind the wall of its own."""
    refs, pool_codes = [ref for ref, _ in asked], [pool for _, pool in asked]
    rows = await tx.fetch(_HISTORIES, refs, pool_codes)
    return {
        (row["person_ref"], row["pool_code"]): Known(
            row["version"],
            History(
                tuple(_spell(spell) for spell in row["spells"]),
                tuple(Month.of(month) for month in row["months"]),
            ),
        )
        for row in rows
    }


def read_together(pool: Pool) -> Histories:
    """Histories by whom and behind which wall, those asked for at once read by one statement."""

    async def read(asked: Collection[Asked]) -> dict[Asked, Known]:
        async with pool.acquire() as connection:  # one statement needs no transaction
            return await read_asked(connection, asked)

    return Gathered(read)


async def insert_spells(tx: Connection, spells: Sequence[tuple[str, Spell]]) -> None:
    """Write new spells, each of a person."""
    await tx.executemany(
        "insert into spell values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                spell.pool_code, person_ref, spell.period.start, spell.period.end,
                spell.county_code, spell.kind.value, [i.value for i in spell.insurance],
                spell.employer_ref,
            )
            for person_ref, spell in spells
        ],
    )  # fmt: skip


async def end_spell(tx: Connection, person_ref: str, spell: Spell) -> None:
    """Write the end of a spell that is in the table."""
    await tx.execute(
        "update spell set ended_on = $4"
        " where pool_code = $1 and person_ref = $2 and started_on = $3",
        spell.pool_code, person_ref, spell.period.start, spell.period.end,
    )  # fmt: skip


_INSERT_STATES = """
insert into person_version
select * from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::bytea[])
"""
_MOVE_ON = """
update person p set version = new.version
from unnest($1::text[], $2::bigint[]) new(person_ref, version)
where p.person_ref = new.person_ref and p.version < new.version
"""


async def insert_states(tx: Connection, states: Sequence[State]) -> None:
    """Write persons' next states. Another writer of the same version, who was faster, makes this
    a UniqueViolationError: nothing of the transaction stays, and the edge asks again.

    In the order of `person_ref`, so that two writers of the same persons wait, never lock up.
    """
    ordered = sorted(states, key=lambda state: state.person_ref)
    refs, versions = [s.person_ref for s in ordered], [s.version for s in ordered]
    await tx.execute(
        _INSERT_STATES, refs, versions, [s.at for s in ordered], [s.data for s in ordered]
    )
    await tx.execute(_MOVE_ON, refs, versions)


async def read_state(tx: Connection, person_ref: str, pool_code: str) -> State | None:
    """The present state of a person who belongs or belonged to the pool; "" without the wall."""
    row = await tx.fetchrow(
        "select v.person_ref, v.version, v.at, v.state from person p"
        " join person_version v on v.person_ref = p.person_ref and v.version = p.version"
        " where p.person_ref = $1 and ($2 = '' or exists (select from spell s"
        " where s.person_ref = p.person_ref and s.pool_code = $2))",
        person_ref, pool_code,
    )  # fmt: skip
    return None if row is None else State(*row)


def _spell(row: asyncpg.Record) -> Spell:
    return Spell(
        pool_code=row["pool_code"],
        county_code=row["county_code"],
        kind=MemberKind(row["kind"]),
        insurance=tuple(InsuranceType(code) for code in row["insurance"]),
        employer_ref=row["employer_ref"],
        period=Period(row["started_on"], row["ended_on"]),
    )
