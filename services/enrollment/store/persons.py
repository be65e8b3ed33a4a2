"""Statements on persons: who they are, sealed, and where they are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from services.enrollment.domain.id_number import IdNumber
from services.enrollment.domain.person_name import PersonName
from services.enrollment.store.sealed import Vault
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the register; who may not see them gets the masked forms."""

    person_ref: str
    id_number: IdNumber
    name: PersonName
    version: int


_SELECT = "select person_ref, id_number_sealed, name_sealed, version from person where "


async def person_by_id_number(tx: Connection, vault: Vault, number: IdNumber) -> Person | None:
    """The one person of an ID number."""
    row = await tx.fetchrow(_SELECT + "id_index = $1", vault.index(number.text))
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


async def insert_person(tx: Connection, vault: Vault, person: Person, at: datetime) -> None:
    """Write a new person. Another transaction that was faster makes this a UniqueViolationError."""
    await tx.execute(
        "insert into person values ($1, $2, $3, $4, $5, $6)",
        person.person_ref,
        vault.index(person.id_number.text),
        vault.seal(person.id_number.text, f"{person.person_ref}/id_number"),
        vault.seal(person.name.text, f"{person.person_ref}/name"),
        person.version,
        at,
    )


_INSURED = """
select p.id_index from person p
where p.id_index = any($1::bytea[]) and exists (
    select from spell s where s.person_ref = p.person_ref
    and daterange(s.started_on, s.ended_on) @> $2::date)
"""


async def insured_on(
    tx: Connection, vault: Vault, numbers: Sequence[IdNumber], day: date
) -> set[IdNumber]:
    """Those of many ID numbers whose persons are insured on a day, in whichever pool."""
    by_index = {vault.index(number.text): number for number in numbers}
    rows = await tx.fetch(_INSURED, list(by_index), day)
    return {by_index[row["id_index"]] for row in rows}


def _person(row: asyncpg.Record, vault: Vault) -> Person:
    person_ref = row["person_ref"]
    id_number = vault.open(row["id_number_sealed"], f"{person_ref}/id_number")
    born_on = date.fromisoformat(f"{id_number[6:10]}-{id_number[10:12]}-{id_number[12:14]}")
    name = vault.open(row["name_sealed"], f"{person_ref}/name")
    return Person(person_ref, IdNumber(id_number, born_on), PersonName(name), row["version"])
