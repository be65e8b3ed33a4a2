"""The course of prenatal care as a visit met it when it was settled, from what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from deploy.verify.stores import Stores
from services.settlement.domain.care import Care, Visit
from services.settlement.store.care import cares


async def cares_of(stores: Stores, rows: Sequence[asyncpg.Record]) -> Mapping[UUID, Care]:
    """The care that some settlements' visits belong to."""
    visits = [row for row in rows if row["benefit"] == "prenatal"]
    return await cares(
        stores.settlement,
        [row["pool_code"] for row in visits],
        [row["pregnancy_id"] for row in visits],
    )


def visit_of(row: asyncpg.Record) -> Visit:
    """The visit of a settlement's row."""
    return Visit(row["settlement_id"], row["settled_at"])
