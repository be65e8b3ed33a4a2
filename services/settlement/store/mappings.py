"""Statements about hospitals' own codes for items of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.settlement.domain.mapping import Mapping, MappingState
from shared.period import Period
from shared.plumbing.database import Connection


async def listed(tx: Connection, pool_code: str, item_code: str, on: date) -> bool:
    """Whether the catalogue has an item on a day, or will have it."""
    found: bool = await tx.fetchval(
        "select exists (select from catalogue_item where pool_code = $1 and item_code = $2"
        " and (upper_inf(valid) or upper(valid) > $3))",
        pool_code,
        item_code,
        on,
    )
    return found


async def insert(tx: Connection, one: Mapping) -> bool:
    """Note a mapping; False when the code of the institution has one that stands."""
    made = await tx.fetchval(
        "insert into item_mapping values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " on conflict (pool_code, institution_code, own_code)"
        " where state in ('proposed', 'approved') do nothing returning true",
        one.pool_code, one.mapping_id, one.institution_code, one.own_code, one.own_name,
        one.item_code, one.state, one.proposed_at, one.changed_at, one.starts, one.ends,
    )  # fmt: skip
    return bool(made)


async def find(tx: Connection, pool_code: str, mapping_id: UUID) -> Mapping | None:
    """A mapping that the caller may see, held until the transaction ends."""
    row = await tx.fetchrow(
        "select * from item_mapping where pool_code = $1 and mapping_id = $2 for update",
        pool_code,
        mapping_id,
    )
    return _from_row(row) if row else None


async def change(tx: Connection, after: Mapping) -> None:
    """Write the state of a mapping that is held, and the days on which it counts."""
    valid = after.valid
    await tx.execute(
        "update item_mapping set state = $3, changed_at = $4,"
        " valid = case when $5::date is not null then daterange($5, $6) end"
        " where pool_code = $1 and mapping_id = $2",
        after.pool_code, after.mapping_id, after.state, after.changed_at,
        valid.start if valid else None, valid.end if valid else None,
    )  # fmt: skip


async def standing(
    tx: Connection, pool_code: str, institution_code: str, own_code: str
) -> Mapping | None:
    """What a code of an institution is mapped to, waiting or approved, held."""
    row = await tx.fetchrow(
        "select * from item_mapping where pool_code = $1 and institution_code = $2"
        " and own_code = $3 and state in ('proposed', 'approved') for update",
        pool_code,
        institution_code,
        own_code,
    )
    return _from_row(row) if row else None


# Where a revoked one and its successor share days, the successor counts.
_IN_FORCE = """
select distinct on (asked.own_code, asked.on_day) asked.own_code, asked.on_day, m.item_code
from unnest($3::text[], $4::date[]) asked(own_code, on_day)
join item_mapping m on m.pool_code = $1 and m.institution_code = $2
  and m.own_code = asked.own_code and m.valid @> asked.on_day
order by asked.own_code, asked.on_day, (m.state = 'approved') desc, m.mapping_id desc
"""


async def in_force(
    tx: Connection, pool_code: str, institution_code: str, asked: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], str]:
    """Items by (own code, day); what is not mapped is missing."""
    rows = await tx.fetch(
        _IN_FORCE, pool_code, institution_code, [code for code, _ in asked],
        [day for _, day in asked],
    )  # fmt: skip
    return {(row["own_code"], row["on_day"]): row["item_code"] for row in rows}


async def page(
    tx: Connection, pool_code: str, state: str, after: UUID, limit: int
) -> list[Mapping]:
    """Mappings in a state that the caller may see, oldest first, beyond `after`."""
    rows = await tx.fetch(
        "select * from item_mapping where pool_code = $1 and state = $2 and mapping_id > $3"
        " order by mapping_id limit $4",
        pool_code,
        state,
        after,
        limit,
    )
    return [_from_row(row) for row in rows]


def _from_row(row: Any) -> Mapping:
    valid = row["valid"]
    read = {
        "state": MappingState(row["state"]),
        "valid": Period(valid.lower, valid.upper) if valid is not None else None,
    }
    return Mapping(**(dict(row) | read))
