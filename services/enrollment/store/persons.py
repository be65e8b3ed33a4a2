"""Statements on persons: who they are, sealed, and where they are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from services.enrollment.domain.id_number import IdNumber
from services.enrollment.domain.person_name import PersonName
from shared.plumbing.database import Connection
from shared.plumbing.sealed import Vault


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the register; who may not see them gets the masked forms."""

    person_ref: str
    id_number: IdNumber
    name: PersonName
    version: int


_SELECT = "select person_ref, id_number_sealed, name_sealed, version from person where "
_INDEXED = """person_ref = (
    select person_ref from person_index where id_index = any($1::bytea[]) limit 1)"""


async def person_by_id_number(tx: Connection, vault: Vault, number: IdNumber) -> Person | None:
    """The one person of an ID number, under whichever key the number was indexed."""
    row = await tx.fetchrow(_SELECT + _INDEXED, list(vault.indexes(number.text).values()))
    return None if row is None else _person(row, vault)


_BY_NUMBERS = """
select i.id_index, p.person_ref, p.id_number_sealed, p.name_sealed, p.version
from person_index i join person p using (person_ref) where i.id_index = any($1::bytea[])
"""


async def persons_by_id_numbers(
    tx: Connection, vault: Vault, numbers: Sequence[IdNumber]
) -> dict[IdNumber, Person]:
    """The persons of those of many ID numbers that somebody has."""
    by_index = {
        index: number for number in numbers for index in vault.indexes(number.text).values()
    }
    rows = await tx.fetch(_BY_NUMBERS, list(by_index))
    return {by_index[row["id_index"]]: _person(row, vault) for row in rows}


async def person_by_ref(
    tx: Connection, vault: Vault, person_ref: str, pool_code: str
) -> Person | None:
    """A person who belongs or belonged to the pool; "" asks without the wall."""
    row = await tx.fetchrow(
        _SELECT + "person_ref = $1 and ($2 = '' or exists (select from spell s"
        " where s.person_ref = person.person_ref and s.pool_code = $2))",
        person_ref, pool_code,
    )  # fmt: skip
    return None if row is None else _person(row, vault)


async def id_numbers(
    tx: Connection, vault: Vault, person_refs: Sequence[str]
) -> dict[str, IdNumber]:
    """The ID numbers of persons."""
    rows = await tx.fetch(
        "select person_ref, id_number_sealed from person where person_ref = any($1)", person_refs
    )
    return {row["person_ref"]: _number(row, vault) for row in rows}


_INSERT = """
insert into person (person_ref, id_number_sealed, name_sealed, version, created_at, key_id)
select e.person_ref, e.number, e.name, e.version, $1, $2
from unnest($3::text[], $4::bytea[], $5::bytea[], $6::bigint[]) e(person_ref, number, name, version)
"""
_INSERT_INDEX = """
insert into person_index select e.id_index, e.key_id, e.person_ref
from unnest($1::bytea[], $2::smallint[], $3::text[]) e(id_index, key_id, person_ref)
order by e.id_index
"""


async def insert_persons(
    tx: Connection, vault: Vault, persons: Sequence[Person], at: datetime
) -> None:
    """Write new persons. Another transaction that was faster with one of them makes this a
    UniqueViolationError."""
    if not persons:
        return
    refs = [person.person_ref for person in persons]
    await tx.execute(
        _INSERT,
        at,
        vault.current,
        refs,
        [vault.seal(p.id_number.text, _number_place(p.person_ref)) for p in persons],
        [vault.seal(p.name.text, _name_place(p.person_ref)) for p in persons],
        [person.version for person in persons],
    )
    entries = [
        (index, key_id, person.person_ref)
        for person in persons
        for key_id, index in vault.indexes(person.id_number.text).items()
    ]
    await tx.execute(_INSERT_INDEX, *zip(*entries, strict=True))


_INSURED = """
select i.id_index from person_index i
where i.id_index = any($1::bytea[]) and exists (
    select from spell s where s.person_ref = i.person_ref
    and daterange(s.started_on, s.ended_on) @> $2::date)
"""


async def insured_on(
    tx: Connection, vault: Vault, numbers: Sequence[IdNumber], day: date
) -> set[IdNumber]:
    """Those of many ID numbers whose persons are insured on a day, in whichever pool."""
    by_index = {
        index: number for number in numbers for index in vault.indexes(number.text).values()
    }
    rows = await tx.fetch(_INSURED, list(by_index), day)
    return {by_index[row["id_index"]] for row in rows}


def _person(row: asyncpg.Record, vault: Vault) -> Person:
    person_ref = row["person_ref"]
    name = vault.open(row["name_sealed"], _name_place(person_ref))
    return Person(person_ref, _number(row, vault), PersonName(name), row["version"])


def _number(row: asyncpg.Record, vault: Vault) -> IdNumber:
    text = vault.open(row["id_number_sealed"], _number_place(row["person_ref"]))
    born_on = date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    return IdNumber(text, born_on)


def _number_place(person_ref: str) -> str:
    return f"{person_ref}/id_number"


def _name_place(person_ref: str) -> str:
    return f"{person_ref}/name"


_UNDER_OTHER_KEYS = """
select person_ref, id_number_sealed, name_sealed from person where key_id = any($1::smallint[])
order by person_ref limit $2 for no key update skip locked
"""
_INDEX_AGAIN = """
insert into person_index select e.id_index, $1, e.person_ref
from unnest($2::text[], $3::bytea[]) e(person_ref, id_index) order by e.id_index
on conflict (id_index) do nothing
"""
_SEAL_AGAIN = """
update person p set id_number_sealed = e.number, name_sealed = e.name, key_id = $1
from unnest($2::text[], $3::bytea[], $4::bytea[]) e(person_ref, number, name)
where p.person_ref = e.person_ref
"""


async def seal_again(tx: Connection, vault: Vault, most: int) -> int:
    """Seal and index under the current key persons that are under another; how many there were.

    Rows that somebody else holds are left for the next call: 0 does not say that none is left.
    """
    others = [key_id for key_id in vault.key_ids if key_id != vault.current]
    rows = await tx.fetch(_UNDER_OTHER_KEYS, others, most)
    refs = [row["person_ref"] for row in rows]
    numbers = [
        vault.open(row["id_number_sealed"], _number_place(row["person_ref"])) for row in rows
    ]
    names = [vault.open(row["name_sealed"], _name_place(row["person_ref"])) for row in rows]
    indexes = [vault.index(number) for number in numbers]
    await tx.execute(_INDEX_AGAIN, vault.current, refs, indexes)
    await tx.execute(
        _SEAL_AGAIN,
        vault.current,
        refs,
        [vault.seal(text, _number_place(ref)) for ref, text in zip(refs, numbers, strict=True)],
        [vault.seal(text, _name_place(ref)) for ref, text in zip(refs, names, strict=True)],
    )
    return len(rows)


async def count_under_other_keys(tx: Connection, vault: Vault) -> int:
    """How many persons are sealed under any key but the current one."""
    count: int = await tx.fetchval(
        "select count(*) from person where key_id <> $1::smallint", vault.current
    )
    return count


async def forget_indexes(tx: Connection, vault: Vault, most: int) -> int:
    """Delete entries under keys that are no longer held; how many."""
    done = await tx.execute(
        "delete from person_index where id_index = any(array("
        "select id_index from person_index where key_id <> all($1::smallint[]) limit $2))",
        list(vault.key_ids), most,
    )  # fmt: skip
    return int(done.rpartition(" ")[2])


# One row of each key that is in use, found by the index: a table of any size is asked quickly.
_SAMPLES = """
select p.* from generate_series(1, 255) k cross join lateral (
    select person_ref, id_number_sealed, key_id from person
    where key_id = k order by person_ref limit 1) p
"""


async def check_keys(tx: Connection, vault: Vault) -> None:
    """Open one person of each key in use: a key that is missing, or is another under the same
    number, would let a known number be registered again. Raises as `Vault.open` does.
    """
    for row in await tx.fetch(_SAMPLES):
        vault.open(row["id_number_sealed"], _number_place(row["person_ref"]))
