"""The statements about a stay's bill by item: summed when the bill is complete, told when it
settles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from services.settlement.domain.charged import ITEMS_MOST
from services.settlement.domain.stay import Stay
from shared.plumbing.database import Connection

# The JSON is written as the event will hold it, without a blank: settling only copies it. A closed
# bill's lines do not change: what was summed once holds, however often its stay is discharged anew,
# until it is reopened. What was returned is counted off; of an item returned whole nothing is told.
# The month is said apart from the stays: a plan then looks at that month's lines alone. One for all
# months has a branch for each, and a house of three years planned 11 ms a stay, for 1 ms of work.
_KEEP = """
insert into stay_items (pool_code, stay_id, institution_code, items, left_out)
select asked.pool_code, asked.stay_id, asked.institution_code, bill.items, bill.left_out
from unnest($2::text[], $3::uuid[], $4::text[])
    asked(pool_code, stay_id, institution_code), lateral (
    select ('[' || string_agg(format(
               '{"code":%s,"quantity":"%s","amount":"%s","in_scope":"%s","first_on":"%s",'
               '"last_on":"%s","lines":%s,"days":%s}',
               to_json(item_code), trim_scale(quantity), (amount_fen / 100.0)::numeric(16, 2),
               (in_scope_fen / 100.0)::numeric(16, 2), first_on, last_on, lines, days), ','
               order by place) filter (where place <= $5) || ']')::json as items,
           greatest(count(*) - $5, 0) as left_out
    from (
        select item_code, sum(quantity) as quantity, sum(amount_fen) as amount_fen,
               sum(in_scope_fen) as in_scope_fen,
               min(charged_on) filter (where returns is null) as first_on,
               max(charged_on) filter (where returns is null) as last_on,
               count(*) filter (where returns is null) as lines,
               count(distinct charged_on) filter (where returns is null) as days,
               row_number() over (order by sum(amount_fen) desc, item_code collate "C") as place
        from line
        where month = $1::date and pool_code = asked.pool_code and stay_id = asked.stay_id
        group by item_code having sum(quantity) > 0
    ) by_item
    having count(*) > 0 offset 0) bill
on conflict (pool_code, stay_id) do nothing
"""


async def keep(tx: Connection, stays: Sequence[Stay]) -> None:
    """Keep the bill of each stay by item: the greatest amounts first, the code between equal ones."""
    of_month: dict[date, list[Stay]] = defaultdict(list)
    for stay in stays:
        of_month[stay.admitted_on.replace(day=1)].append(stay)
    for month, those in of_month.items():
        await tx.execute(
            _KEEP, month, [s.pool_code for s in those], [s.stay_id for s in those],
            [s.institution_code for s in those], ITEMS_MOST,
        )  # fmt: skip


async def forget(tx: Connection, stay: Stay) -> None:
    """Drop what a reopened stay's bill came to: it is summed anew when it is complete again."""
    await tx.execute(
        "delete from stay_items where pool_code = $1 and stay_id = $2", stay.pool_code, stay.stay_id
    )
