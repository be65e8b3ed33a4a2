"""Statements about settlement lists: one a settlement."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.settlement import Settlement
from shared.plumbing.database import Connection


async def put(tx: Connection, of: Settlement, told: dict[str, Any], at: datetime) -> int:
    """Keep a settlement's list in place of the one before; its number, which stays."""
    number: int = await tx.fetchval(
        "insert into settlement_list (pool_code, settlement_id, institution_code, stay_id, told,"
        " told_at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict (pool_code, settlement_id) do update set told = excluded.told,"
        " told_at = excluded.told_at returning list_number",
        of.pool_code, of.settlement_id, of.institution_code, of.stay_id,
        orjson.dumps(told).decode(), at,
    )  # fmt: skip
    return number


async def find(tx: Connection, pool_code: str, settlement_id: UUID) -> dict[str, Any] | None:
    """A settlement's list that the caller may see."""
    told = await tx.fetchval(
        "select told::text from settlement_list where pool_code = $1 and settlement_id = $2",
        pool_code,
        settlement_id,
    )
    return orjson.loads(told) if told else None
