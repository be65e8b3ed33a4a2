"""Statements about settlement lists: one a settlement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
