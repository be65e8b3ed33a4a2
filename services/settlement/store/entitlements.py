"""Statements about entitlements: opened with a settlement, fixed, withdrawn with its reversal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from services.settlement.domain.allowance import Base, EmployerWage
from services.settlement.domain.entitled import Entitlement, EntitlementKind, EntitlementState
from services.settlement.domain.revision import Revision
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
        _stored_base(e.base),
    )  # fmt: skip


def entitlement_from_row(row: Any) -> Entitlement:
    """An entitlement from its row."""
    fen = row["amount_fen"]
    return Entitlement(
        kind=EntitlementKind(row["kind"]),
        amount=None if fen is None else Money(fen),
        state=EntitlementState(row["state"]),
        rates=tuple(row["rates"]),
        base=_base(row["base"]),
        **{name: row[name] for name in _SAME_NAMES},
    )


def _stored_base(base: Base | None) -> str | None:
    if base is None:
        return None
    monthly, wages = base.base_monthly, base.wage_sum
    return orjson.dumps(
        {
            "base_monthly": monthly.fen if monthly is not None else None,
            "wage_sum": wages.fen if wages is not None else None,
            "heads": base.heads,
            "employers": [[each.base_monthly.fen, each.months] for each in base.employers],
        }
    ).decode()


def _base(stored: str | None) -> Base | None:
    if stored is None:
        return None
    said = orjson.loads(stored)
    monthly, wages = said["base_monthly"], said["wage_sum"]
    return Base(
        None if monthly is None else Money(monthly),
        None if wages is None else Money(wages),
        said["heads"],
        tuple(EmployerWage(Money(fen), months) for fen, months in said["employers"]),
    )


async def insert(tx: Connection, opened: Entitlement) -> None:
    """Open an entitlement beside a settlement that stands already."""
    await tx.execute(
        "insert into entitlement select * from unnest($1::entitlement[])", [entitlement_row(opened)]
    )


async def of_settlements(
    tx: Connection, pool_code: str, settlement_ids: Iterable[UUID]
) -> dict[UUID, list[Entitlement]]:
    """All entitlements of settlements: one of a kind each, withdrawn ones included."""
    rows = await tx.fetch(
        "select * from entitlement where pool_code = $1 and settlement_id = any($2)"
        " order by entitlement_id",
        pool_code,
        list(settlement_ids),
    )
    found: dict[UUID, list[Entitlement]] = {}
    for row in rows:
        found.setdefault(row["settlement_id"], []).append(entitlement_from_row(row))
    return found


async def insert_revision(
    tx: Connection, revised: Entitlement, adjustment_id: UUID, revision: Revision, at: datetime
) -> None:
    """Note what a released adjustment made of an entitlement."""
    before, after = revision.before, revision.after
    amounts = [None if s is None or s.amount is None else s.amount.fen for s in (before, after)]
    await tx.execute(
        "insert into entitlement_revision values"
        " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        revised.pool_code, revised.entitlement_id, revised.version, adjustment_id,
        before.state.value if before else None, before.days if before else None, amounts[0],
        before.until if before else None, before.payee if before else None,
        after.state.value, after.days, amounts[1], after.until, after.payee, at,
    )  # fmt: skip


async def find(tx: Connection, pool_code: str, entitlement_id: UUID) -> Entitlement | None:
    """One entitlement of the pool."""
    row = await tx.fetchrow(
        "select * from entitlement where pool_code = $1 and entitlement_id = $2",
        pool_code,
        entitlement_id,
    )
    return entitlement_from_row(row) if row else None


FoundBy = Literal["pregnancy_id", "settlement_id", "state"]
PAGE = """
select * from entitlement where pool_code = $1 and {found_by} = $2 and entitlement_id > $3
order by entitlement_id limit $4
"""


async def page(
    tx: Connection, pool_code: str, found_by: FoundBy, sought: UUID | str, after: UUID, limit: int
) -> list[Entitlement]:
    """What a pregnancy or a settlement entitled to, or what is in a state, whoever it is of:
    oldest first, after one of them, withdrawn ones included."""
    rows = await tx.fetch(PAGE.format(found_by=found_by), pool_code, sought, after, limit)
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
    rates = $10, book = $11, engine = $12, base = $13, version = version + 1
where pool_code = $1 and entitlement_id = $2 and version = $3 returning version
"""


async def change(tx: Connection, before: Entitlement, after: Entitlement) -> bool:
    """Write a changed entitlement; False when somebody changed it since `before` was read."""
    changed = await tx.fetchval(
        _CHANGE,
        before.pool_code, before.entitlement_id, before.version, after.days,
        after.amount.fen if after.amount is not None else None, after.state.value, after.until,
        after.payee, after.steps, list(after.rates), after.book, after.engine,
        _stored_base(after.base),
    )  # fmt: skip
    return changed is not None
