"""Claims: recorded as heard, found by person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.audit.domain.claim import (
    Adjustment,
    Claim,
    ClaimStatus,
    ItemCharged,
    Parts,
    Reversal,
)
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection

_PARTS = tuple(Parts.__dataclass_fields__)
_OF_OWN_FORM = frozenset({"parts", "out_of_scope", "status", "diagnoses", "procedures", "items"})
_PLAIN = tuple(name for name in Claim.__dataclass_fields__ if name not in _OF_OWN_FORM)

# Updating a row to itself takes its lock whether or not it was there; the order keeps two
# consumers from waiting for each other.
_LOCK_PERSONS = """
insert into person select distinct p.pool_code, p.person_ref
from unnest($1::text[], $2::text[]) p(pool_code, person_ref) order by 1, 2
on conflict (pool_code, person_ref) do update set person_ref = excluded.person_ref
"""
_KNOWN = """
select c.pool_code, c.claim_id from claim c
join unnest($1::text[], $2::uuid[]) k(pool_code, claim_id) using (pool_code, claim_id)
"""
_OF_PERSONS = """
select c.* from claim c
join (select distinct * from unnest($1::text[], $2::text[]) as u(pool_code, person_ref)) p
    using (pool_code, person_ref)
order by c.settled_at, c.claim_id
"""
_PERSONS = """
select distinct c.pool_code, c.person_ref from claim c
join unnest($1::text[], $2::uuid[]) k(pool_code, claim_id) using (pool_code, claim_id)
"""
# An older sequence than the stored one changes nothing.
_REVERSE = """
update claim c set status = 'reversed', reversed_at = r.at, version = r.version
from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::bigint[])
    r(pool_code, claim_id, at, version)
where c.pool_code = r.pool_code and c.claim_id = r.claim_id
  and c.status = 'settled' and c.version < r.version
returning c.pool_code, c.claim_id, c.institution_code
"""
_ADDED = ", ".join(f"{part}_fen = {part}_fen + ${n}" for n, part in enumerate(_PARTS, 5))
_ADJUST = f"""
update claim set version = $3, expenditure_item = $4, {_ADDED}
where pool_code = $1 and claim_id = $2 and version < $3
returning institution_code
"""  # noqa: S608
_RAISE_VERSION = """
update claim set version = $3 where pool_code = $1 and claim_id = $2 and version < $3
"""
_ONE = "select * from claim where pool_code = $1 and claim_id = $2"
_STANDING = """
select * from claim where pool_code = $1 and status = 'settled' and discharged_on < $2
order by discharged_on, claim_id
"""
_POOLS = "select distinct pool_code from claim order by 1"
_BATCH = 500


async def lock_persons(tx: Connection, persons: Collection[tuple[str, str]]) -> None:
    """Let nobody else compare the claims of these (pool, person) until this transaction ends."""
    await tx.execute(_LOCK_PERSONS, [pool for pool, _ in persons], [ref for _, ref in persons])


async def persons_of(tx: Connection, keys: Sequence[tuple[str, UUID]]) -> set[tuple[str, str]]:
    """The persons, as (pool, person), of those of these claims that are recorded."""
    rows = await tx.fetch(_PERSONS, [pool for pool, _ in keys], [claim for _, claim in keys])
    return {(row["pool_code"], row["person_ref"]) for row in rows}


async def known(tx: Connection, keys: Sequence[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
    """Which of these claims are recorded."""
    rows = await tx.fetch(_KNOWN, [pool for pool, _ in keys], [claim for _, claim in keys])
    return {(row["pool_code"], row["claim_id"]) for row in rows}


async def record(tx: Connection, claims: Sequence[Claim]) -> None:
    """Record claims that are not known yet."""
    await insert_rows(tx, "claim", [_to_row(claim) for claim in claims])


async def of_person_refs(tx: Connection, persons: Collection[tuple[str, str]]) -> list[Claim]:
    """All claims of these (pool, person) that the wall lets through, in the order of settling."""
    rows = await tx.fetch(_OF_PERSONS, [pool for pool, _ in persons], [ref for _, ref in persons])
    return [to_claim(row) for row in rows]


async def of_persons(tx: Connection, claims: Sequence[Claim]) -> list[Claim]:
    """All claims of the persons of these claims, as they are now, in the order of settling."""
    rows = await tx.fetch(
        _OF_PERSONS, [c.pool_code for c in claims], [c.person_ref for c in claims]
    )
    return [to_claim(row) for row in rows]


async def reverse(tx: Connection, reversals: Sequence[Reversal]) -> list[tuple[str, UUID, str]]:
    """Mark claims reversed; returns those that stood, as (pool, claim, institution)."""
    rows = await tx.fetch(
        _REVERSE,
        [r.pool_code for r in reversals],
        [r.claim_id for r in reversals],
        [r.at for r in reversals],
        [r.sequence for r in reversals],
    )
    return [(row["pool_code"], row["claim_id"], row["institution_code"]) for row in rows]


async def adjust(tx: Connection, adjustment: Adjustment) -> str | None:
    """Add an adjustment to a claim's parts; its institution, None if the claim knew it already."""
    parts = [getattr(adjustment.parts, part).fen for part in _PARTS]
    institution: str | None = await tx.fetchval(
        _ADJUST, adjustment.pool_code, adjustment.claim_id, adjustment.sequence,
        adjustment.expenditure_item, *parts,
    )  # fmt: skip
    return institution


async def raise_version(tx: Connection, pool_code: str, claim_id: UUID, version: int) -> None:
    """Note the sequence of an event that changes nothing else of the claim."""
    await tx.execute(_RAISE_VERSION, pool_code, claim_id, version)


async def find(tx: Connection, pool_code: str, claim_id: UUID) -> Claim | None:
    """One claim of a pool."""
    row = await tx.fetchrow(_ONE, pool_code, claim_id)
    return to_claim(row) if row else None


async def pools(tx: Connection) -> list[str]:
    """The pools that have claims."""
    return [row["pool_code"] for row in await tx.fetch(_POOLS)]


async def standing(tx: Connection, pool_code: str, until: date) -> AsyncIterator[list[Claim]]:
    """The claims of a pool that stand and whose discharge lies before a day, in its order, part by
    part."""
    cursor = await tx.cursor(_STANDING, pool_code, until)
    while rows := await cursor.fetch(_BATCH):
        yield [to_claim(row) for row in rows]


def to_claim(row: asyncpg.Record) -> Claim:
    """The claim of a row."""
    return Claim(
        parts=Parts(**{part: Money(row[f"{part}_fen"]) for part in _PARTS}),
        out_of_scope=Money(row["out_of_scope_fen"]),
        status=ClaimStatus(row["status"]),
        diagnoses=tuple(row["diagnoses"]),
        procedures=tuple(row["procedures"]),
        items=_items(row["items"]) if row["items"] is not None else None,
        **{name: row[name] for name in _PLAIN},
    )


def _to_row(claim: Claim) -> dict[str, Any]:
    plain = {name: getattr(claim, name) for name in (*_PLAIN, "status", "diagnoses", "procedures")}
    parts = {f"{part}_fen": getattr(claim.parts, part).fen for part in _PARTS}
    items = [_item_row(item) for item in claim.items] if claim.items is not None else None
    return plain | parts | {"out_of_scope_fen": claim.out_of_scope.fen, "items": items}


def _item_row(item: ItemCharged) -> dict[str, Any]:
    return {
        "code": item.code,
        "quantity": item.quantity,
        "amount_fen": item.amount.fen,
        "in_scope_fen": item.in_scope.fen,
        "first_on": item.first_on,
        "last_on": item.last_on,
        "lines": item.lines,
        "days": item.days,
    }


def _items(text: str) -> tuple[ItemCharged, ...]:
    return tuple(
        ItemCharged(
            code=item["code"],
            quantity=Decimal(item["quantity"]),
            amount=Money(item["amount_fen"]),
            in_scope=Money(item["in_scope_fen"]),
            first_on=date.fromisoformat(item["first_on"]),
            last_on=date.fromisoformat(item["last_on"]),
            lines=item["lines"],
            days=item["days"],
        )
        for item in orjson.loads(text)
    )
