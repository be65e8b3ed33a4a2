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


_INSERT_INDEX = """
insert into person_index select e.id_index, e.key_id, $1
from unnest($2::bytea[], $3::smallint[]) e(id_index, key_id) order by e.id_index
"""


async def insert_person(tx: Connection, vault: Vault, person: Person, at: datetime) -> None:
    """Write a new person. Another transaction that was faster makes this a UniqueViolationError."""
    await tx.execute(
        "insert into person (person_ref, id_number_sealed, name_sealed, version, created_at, key_id)"
        " values ($1, $2, $3, $4, $5, $6)",
        person.person_ref,
        vault.seal(person.id_number.text, _number_place(person.person_ref)),
        vault.seal(person.name.text, _name_place(person.person_ref)),
        person.version,
        at,
        vault.current,
    )
    indexes = vault.indexes(person.id_number.text)
    await tx.execute(_INSERT_INDEX, person.person_ref, list(indexes.values()), list(indexes))


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
