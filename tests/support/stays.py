"""Many discharged stays at once: copies of one that came through the API, laid by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg

from shared.plumbing.database import Connection

_PERSONS = """
insert into person_state
select pool_code, new.ref, state_version,
       (state::jsonb || jsonb_build_object('person_ref', new.ref))::json, as_of
from person_state, unnest($2::text[]) new(ref)
where person_ref = (select person_ref from stay where stay_id = $1)
"""
_PREGNANCIES = """
insert into pregnancy
select (jsonb_populate_record(old, jsonb_build_object(
    'person_ref', new.ref, 'pregnancy_id', new.id))).*
from pregnancy old, unnest($2::text[], $3::uuid[]) new(ref, id)
where pregnancy_id = (select pregnancy_id from stay where stay_id = $1)
"""
_STAYS = """
insert into stay
select (jsonb_populate_record(old, jsonb_build_object(
    'stay_id', new.id, 'stay_number', new.id, 'institution_code', new.institution,
    'person_ref', new.ref, 'pregnancy_id', new.pregnancy))).*
from stay old, unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[])
    new(id, institution, ref, pregnancy)
where stay_id = $1
"""
_LINES = """
insert into line
select (jsonb_populate_record(old, jsonb_build_object(
    'stay_id', new.id, 'institution_code', new.institution, 'caller', new.institution))).*
from line old, unnest($2::uuid[], $3::text[]) new(id, institution)
where stay_id = $1
"""


async def lay_stays(
    owner: asyncpg.Pool[asyncpg.Record],
    like: str,
    institutions: Sequence[str],
    *,
    pregnancies: int,
) -> list[list[UUID]]:
    """For each of new pregnancies, a stay in each institution, discharged as the stay `like`."""
    stays = [[uuid4() for _ in institutions] for _ in range(pregnancies)]
    flat = [stay for group in stays for stay in group]
    codes = list(institutions) * pregnancies
    async with owner.acquire() as connection, connection.transaction():
        laid = await lay_pregnancies(connection, like, pregnancies)
        await connection.execute(
            _STAYS, UUID(like), flat, codes,
            [ref for ref, _ in laid for _ in institutions],
            [pregnancy for _, pregnancy in laid for _ in institutions],
        )  # fmt: skip
        await connection.execute(_LINES, UUID(like), flat, codes)
    return stays


async def lay_pregnancies(tx: Connection, like: str, number: int) -> list[tuple[str, UUID]]:
    """New persons, each with a pregnancy: copies of those of the stay `like`."""
    laid = [(uuid4().hex, uuid4()) for _ in range(number)]
    refs = [ref for ref, _ in laid]
    await tx.execute(_PERSONS, UUID(like), refs)
    await tx.execute(_PREGNANCIES, UUID(like), refs, [pregnancy for _, pregnancy in laid])
    return laid
