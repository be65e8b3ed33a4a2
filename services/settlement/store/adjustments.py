"""Statements about adjustments: what was proposed beside a settlement, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.adjustment import Adjustment, AdjustmentState
from services.settlement.domain.care import Met
from services.settlement.domain.course import Correction
from services.settlement.domain.revision import revisions_from, stored_revisions
from services.settlement.domain.settlement import Shares
from services.settlement.store.ledger import shares_from_row
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import Connection

_SAME_NAMES = (
    "pool_code", "adjustment_id", "settlement_id", "institution_code", "cause", "state_version",
    "expenditure_item", "rule_on", "steps", "book", "engine", "proposed_by", "proposed_at",
    "decided_by", "decided_at", "account_month", "endorsed_by",
)  # fmt: skip


def adjustment_from_row(row: Any) -> Adjustment:
    """An adjustment from its row."""
    return Adjustment(
        state=AdjustmentState(row["state"]),
        shares=shares_from_row(row),
        rates=tuple(row["rates"]),
        met=met_from(row["met"]),
        corrections=tuple(
            Correction(unit, row["institution_code"], weeks, Money(fen), Money(limit))
            for unit, weeks, fen, limit in orjson.loads(row["corrections"])
        ),
        revisions=revisions_from(row["revisions"]),
        **{name: row[name] for name in _SAME_NAMES},
    )


def met_from(stored: str) -> tuple[Met, ...]:
    """What a visit met of its pregnancy's units, from the stored text."""
    return tuple(
        Met(unit, institution, weeks, Money(fen))
        for unit, institution, weeks, fen in orjson.loads(stored)
    )


def _row(a: Adjustment) -> tuple[object, ...]:
    p: Shares = a.shares
    return (
        a.pool_code, a.adjustment_id, a.settlement_id, a.institution_code, a.cause, a.state,
        a.state_version, a.expenditure_item, a.rule_on,
        p.total.fen, p.fund.fen, p.member.fen, p.member_account.fen, p.member_cash.fen,
        p.institution.fen, p.other_fund.fen, p.desk_fund.fen, p.desk_member.fen,
        a.steps, list(a.rates), a.book, a.engine, a.proposed_by, a.proposed_at, a.decided_by,
        a.decided_at, a.account_month,
        orjson.dumps([(m.unit, m.institution_code, m.weeks, m.amount.fen) for m in a.met]).decode(),
        orjson.dumps(
            [(c.unit, c.weeks, c.amount.fen, c.limit.fen) for c in a.corrections]
        ).decode(),
        stored_revisions(a.revisions), a.endorsed_by,
    )  # fmt: skip


async def insert(tx: Connection, proposed: Sequence[Adjustment]) -> None:
    """Propose adjustments. Raises UniqueViolationError when somebody just did the same."""
    await tx.execute(
        "insert into adjustment select * from unnest($1::adjustment[])", [_row(a) for a in proposed]
    )


async def find(tx: Connection, pool_code: str, adjustment_id: UUID) -> Adjustment | None:
    """An adjustment that the caller may see."""
    row = await tx.fetchrow(
        "select * from adjustment where pool_code = $1 and adjustment_id = $2",
        pool_code,
        adjustment_id,
    )
    return adjustment_from_row(row) if row else None


async def in_state(
    tx: Connection, pool_code: str, state: str, after: UUID, limit: int
) -> list[Adjustment]:
    """Adjustments in a state that the caller may see, oldest first, beyond `after`."""
    rows = await tx.fetch(
        "select * from adjustment where pool_code = $1 and state = $2 and adjustment_id > $3"
        " order by adjustment_id limit $4",
        pool_code,
        state,
        after,
        limit,
    )
    return [adjustment_from_row(row) for row in rows]


OF_CLAIMS = """
select * from adjustment where pool_code = $1 and settlement_id = any($2)
order by decided_at nulls last, adjustment_id
"""


async def of_claims(
    tx: Connection, pool_code: str, settlement_ids: Iterable[UUID]
) -> dict[UUID, list[Adjustment]]:
    """All adjustments of claims, of each in the order in which they were decided."""
    rows = await tx.fetch(OF_CLAIMS, pool_code, list(settlement_ids))
    found: dict[UUID, list[Adjustment]] = {}
    for row in rows:
        found.setdefault(row["settlement_id"], []).append(adjustment_from_row(row))
    return found


TOGETHER = """
select a.* from claim c join adjustment a using (pool_code, settlement_id)
where c.pool_code = $1 and c.state = 'settled' and c.visit is not null
  and a.state = 'proposed'
  and c.pregnancy_id = (
      select pregnancy_id from claim where pool_code = $1 and settlement_id = $2
          and visit is not null)
order by a.settlement_id
"""


async def waiting_with(tx: Connection, proposed: Adjustment) -> list[Adjustment]:
    """The adjustment and, of a visit, those that wait beside the other visits of its pregnancy, in
    the order of settling."""
    found = await tx.fetch(TOGETHER, proposed.pool_code, proposed.settlement_id)
    return [adjustment_from_row(row) for row in found] or [proposed]


async def endorse(tx: Connection, proposed: Adjustment, by: str) -> bool:
    """Write who stands for a proposal that nobody made; False when somebody did meanwhile."""
    written = await tx.fetchval(
        "update adjustment set endorsed_by = $3 where pool_code = $1 and adjustment_id = $2"
        " and state = 'proposed' and endorsed_by is null returning true",
        proposed.pool_code,
        proposed.adjustment_id,
        by,
    )
    return bool(written)


async def decide(tx: Connection, decided: Adjustment) -> bool:
    """Write what became of a proposed adjustment; False when somebody else decided meanwhile."""
    written = await tx.fetchval(
        "update adjustment set state = $3, decided_by = $4, decided_at = $5, account_month = $6"
        " where pool_code = $1 and adjustment_id = $2 and state = 'proposed' returning true",
        decided.pool_code,
        decided.adjustment_id,
        decided.state,
        decided.decided_by,
        decided.decided_at,
        decided.account_month,
    )
    return bool(written)


async def post(tx: Connection, released: Adjustment, legs: Sequence[tuple[str, Money]]) -> None:
    """Post a released adjustment's entry, under its own id."""
    month: date | None = released.account_month
    await tx.execute(
        "insert into posting select * from unnest($1::posting[])",
        [
            (month, new_id(), released.pool_code, released.adjustment_id, account,
             released.institution_code, amount.fen, released.decided_at)
            for account, amount in legs
        ],
    )  # fmt: skip
