"""Statements about a stay's bill by item: summed when the bill is complete, told when it settles."""

from __future__ import annotations

from services.settlement.domain.charged import ItemCharged, StoredItems
from services.settlement.domain.stay import Stay
from shared.money import Money
from shared.plumbing.database import Connection

_BY_ITEM = """
select item_code, sum(quantity) as quantity, sum(amount_fen)::bigint as amount_fen,
       sum(in_scope_fen)::bigint as in_scope_fen, min(charged_on) as first_on,
       max(charged_on) as last_on, count(*) as lines, count(distinct charged_on) as days
from line where month = $1 and pool_code = $2 and stay_id = $3
group by item_code
"""
# A closed bill takes no more lines: what was summed once holds, however often its stay is
# discharged anew.
_KEEP = """
insert into stay_items (pool_code, stay_id, institution_code, items, left_out)
values ($1, $2, $3, $4, $5)
on conflict (pool_code, stay_id) do nothing
"""


async def by_item(tx: Connection, stay: Stay) -> list[ItemCharged]:
    """The lines of a stay, summed by item."""
    month = stay.admitted_on.replace(day=1)
    rows = await tx.fetch(_BY_ITEM, month, stay.pool_code, stay.stay_id)
    return [
        ItemCharged(
            item_code=row["item_code"],
            quantity=row["quantity"],
            amount=Money(row["amount_fen"]),
            in_scope=Money(row["in_scope_fen"]),
            first_on=row["first_on"],
            last_on=row["last_on"],
            lines=row["lines"],
            days=row["days"],
        )
        for row in rows
    ]


async def keep(tx: Connection, stay: Stay, items: StoredItems) -> None:
    """Keep the bill of a stay by item."""
    await tx.execute(
        _KEEP, stay.pool_code, stay.stay_id, stay.institution_code, items.text, items.left_out
    )
