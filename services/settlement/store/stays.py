"""Statements about stays and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.claimed import Medical
from services.settlement.domain.cost import Cost
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.line import CatalogueItem, ClassedLine
from services.settlement.domain.particulars import (
    circumstances_of,
    codes_of,
    delivery_of,
    medical_of,
    stored_of,
    with_codes,
)
from services.settlement.domain.stay import Outcome, Stay, StayState
from shared.money import Money
from shared.plumbing.database import Connection
from shared.policy.shapes import Benefit


def stay_from_row(row: Any) -> Stay:
    """A stay from its row."""
    return Stay(
        pool_code=row["pool_code"],
        stay_id=row["stay_id"],
        institution_code=row["institution_code"],
        stay_number=row["stay_number"],
        person_ref=row["person_ref"],
        pregnancy_id=row["pregnancy_id"],
        state=StayState(row["state"]),
        version=row["version"],
        admitted_on=row["admitted_on"],
        outcome=_outcome(row),
        line_count=row["line_count"],
        cost=Cost(
            total=Money(row["total_fen"]),
            in_scope=Money(row["in_scope_fen"]),
            out_of_scope=Money(row["out_of_scope_fen"]),
            over_limit=Money(row["over_limit_fen"]),
            first_copay=Money(row["first_copay_fen"]),
        ),
        benefit=Benefit(row["benefit"]),
    )


def _outcome(row: Any) -> Outcome | None:
    bill, text = row["bill_fen"], row["particulars"]
    if bill is None:
        return None
    stored = orjson.loads(text) if text else None
    claimed: Medical | None = None
    if row["mode"] is not None:
        claimed = delivery_of(row["mode"], row["infants"], row["weeks"], stored)
    elif stored is not None:
        claimed = medical_of(Benefit(row["benefit"]), stored)
    if claimed is None:
        return None
    return Outcome(
        row["event_on"], row["discharged_on"], claimed, Money(bill), circumstances_of(stored),
        *codes_of(stored),
    )  # fmt: skip


async def find(tx: Connection, pool_code: str, institution_code: str, stay_id: UUID) -> Stay | None:
    """A stay of an institution."""
    row = await tx.fetchrow(
        "select * from stay where pool_code = $1 and stay_id = $2 and institution_code = $3",
        pool_code,
        stay_id,
        institution_code,
    )
    return stay_from_row(row) if row else None


async def insert(tx: Connection, stay: Stay) -> bool:
    """Open a stay; False when the institution used the stay's number before."""
    return (
        await tx.fetchval(
            "insert into stay (pool_code, stay_id, institution_code, stay_number, person_ref,"
            " pregnancy_id, state, version, month, admitted_on, benefit)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " on conflict on constraint stay_number_once do nothing returning version",
            stay.pool_code, stay.stay_id, stay.institution_code, stay.stay_number, stay.person_ref,
            stay.pregnancy_id, stay.state, stay.version, stay.admitted_on.replace(day=1),
            stay.admitted_on, stay.benefit,
        )
        is not None
    )  # fmt: skip


async def update(tx: Connection, before: Stay, after: Stay) -> bool:
    """Write a changed stay; False when somebody changed it since `before` was read."""
    outcome, cost = after.outcome, after.cost
    claimed = outcome.claimed if outcome else None
    delivery = claimed if isinstance(claimed, Delivery) else None
    stored = _stored(outcome) if outcome else None
    changed = await tx.fetchval(
        "update stay set state = $4, version = $5, discharged_on = $6, event_on = $7, mode = $8,"
        " infants = $9, weeks = $10, bill_fen = $11, line_count = $12, total_fen = $13,"
        " in_scope_fen = $14, out_of_scope_fen = $15, over_limit_fen = $16, first_copay_fen = $17,"
        " particulars = $18"
        " where pool_code = $1 and stay_id = $2 and version = $3 returning version",
        before.pool_code, before.stay_id, before.version, after.state, after.version,
        outcome.discharged_on if outcome else None, outcome.event_on if outcome else None,
        delivery.mode if delivery else None, delivery.infants if delivery else None,
        delivery.weeks if delivery else None, outcome.bill.fen if outcome else None,
        after.line_count, cost.total.fen, cost.in_scope.fen, cost.out_of_scope.fen,
        cost.over_limit.fen, cost.first_copay.fen, orjson.dumps(stored).decode() if stored else None,
    )  # fmt: skip
    return changed is not None


def _stored(outcome: Outcome) -> dict[str, Any] | None:
    stated = stored_of(outcome.claimed, outcome.circumstances)
    return with_codes(stated, outcome.diagnoses, outcome.procedures)


_INSERT_LINES = """
insert into line
select $1, $2, $3, l.line_number, $4, $4, l.item_code, l.charged_on, l.quantity, l.price_fen,
       l.amount_fen, l.class, l.in_scope_fen, l.out_of_scope_fen, l.over_limit_fen, l.first_copay_fen
from unnest($5::int[], $6::text[], $7::date[], $8::numeric[], $9::bigint[], $10::bigint[], $11::text[],
            $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
    l(line_number, item_code, charged_on, quantity, price_fen, amount_fen, class, in_scope_fen,
      out_of_scope_fen, over_limit_fen, first_copay_fen)
on conflict do nothing returning line_number
"""


async def insert_lines(tx: Connection, stay: Stay, lines: Sequence[ClassedLine]) -> int:
    """Insert lines; returns how many were new, fewer when a line number was used before."""
    rows = await tx.fetch(
        _INSERT_LINES,
        stay.admitted_on.replace(day=1), stay.pool_code, stay.stay_id, stay.institution_code,
        [c.line.line_number for c in lines], [c.line.item_code for c in lines],
        [c.line.charged_on for c in lines], [c.line.quantity for c in lines],
        [c.line.price.fen for c in lines], [c.cost.total.fen for c in lines],
        [c.item_class for c in lines], [c.cost.in_scope.fen for c in lines],
        [c.cost.out_of_scope.fen for c in lines], [c.cost.over_limit.fen for c in lines],
        [c.cost.first_copay.fen for c in lines],
    )  # fmt: skip
    return len(rows)


_ITEMS = """
select asked.item_code as asked_code, asked.on_day, i.class, i.first_copay_rate, i.limit_fen
from unnest($2::text[], $3::date[]) asked(item_code, on_day)
join catalogue_item i
  on i.pool_code = $1 and i.item_code = asked.item_code and i.valid @> asked.on_day
"""


async def catalogue_items(
    tx: Connection, pool_code: str, asked: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], CatalogueItem]:
    """The catalogue's items by (code, day); what no catalogue names is missing."""
    rows = await tx.fetch(_ITEMS, pool_code, [code for code, _ in asked], [day for _, day in asked])
    return {
        (row["asked_code"], row["on_day"]): CatalogueItem(
            item_code=row["asked_code"],
            item_class=row["class"],
            first_copay_rate=row["first_copay_rate"],
            limit=Money(row["limit_fen"]) if row["limit_fen"] else None,
        )
        for row in rows
    }
