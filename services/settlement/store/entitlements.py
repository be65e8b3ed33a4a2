"""Statements about entitlements: opened with a settlement, fixed, withdrawn with its reversal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.settlement.domain.entitled import Entitlement, EntitlementKind, EntitlementState
from shared.money import Money
from shared.plumbing.database import Connection

_SAME_NAMES = (
    "pool_code", "entitlement_id", "person_ref", "pregnancy_id", "settlement_id", "event", "days",
    "until", "payee", "steps", "book", "engine", "opened_at", "version",
)  # fmt: skip


def entitlement_row(e: Entitlement) -> tuple[object, ...]:
    """A row of `entitlement`, in the table's order."""
    return (
        e.pool_code, e.entitlement_id, e.kind.value, e.person_ref, e.pregnancy_id, e.settlement_id,
        e.event, e.days, e.amount.fen if e.amount is not None else None, e.state.value, e.until,
        e.payee, e.steps, list(e.rates), e.book, e.engine, e.opened_at, e.version,
    )  # fmt: skip


def entitlement_from_row(row: Any) -> Entitlement:
    """An entitlement from its row."""
    fen = row["amount_fen"]
    return Entitlement(
        kind=EntitlementKind(row["kind"]),
        amount=None if fen is None else Money(fen),
        state=EntitlementState(row["state"]),
        rates=tuple(row["rates"]),
        **{name: row[name] for name in _SAME_NAMES},
    )


async def find(tx: Connection, pool_code: str, entitlement_id: UUID) -> Entitlement | None:
    """One entitlement of the pool."""
    row = await tx.fetchrow(
        "select * from entitlement where pool_code = $1 and entitlement_id = $2",
        pool_code,
        entitlement_id,
    )
    return entitlement_from_row(row) if row else None


async def of_pregnancy(tx: Connection, pool_code: str, pregnancy_id: UUID) -> list[Entitlement]:
    """What a pregnancy entitled to, withdrawn ones included, oldest first."""
    rows = await tx.fetch(
        "select * from entitlement where pool_code = $1 and pregnancy_id = $2"
        " order by entitlement_id",
        pool_code,
        pregnancy_id,
    )
    return [entitlement_from_row(row) for row in rows]


async def of_settlement(tx: Connection, pool_code: str, settlement_id: UUID) -> list[Entitlement]:
    """What a settlement opened, and was not withdrawn."""
    rows = await tx.fetch(
        "select * from entitlement where pool_code = $1 and settlement_id = $2"
        " and state <> 'withdrawn' order by entitlement_id",
        pool_code,
        settlement_id,
    )
    return [entitlement_from_row(row) for row in rows]


_CHANGE = """
update entitlement set days = $4, amount_fen = $5, state = $6, until = $7, payee = $8, steps = $9,
    rates = $10, book = $11, engine = $12, version = version + 1
where pool_code = $1 and entitlement_id = $2 and version = $3 returning version
"""


async def change(tx: Connection, before: Entitlement, after: Entitlement) -> bool:
    """Write a changed entitlement; False when somebody changed it since `before` was read."""
    changed = await tx.fetchval(
        _CHANGE,
        before.pool_code, before.entitlement_id, before.version, after.days,
        after.amount.fen if after.amount is not None else None, after.state.value, after.until,
        after.payee, after.steps, list(after.rates), after.book, after.engine,
    )  # fmt: skip
    return changed is not None
