"""Statements that find claims by their ids with all that their price rests on, a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.settlement.domain.disputed import BilledLine, Dispute, Stored
from services.settlement.domain.settlement import ClaimState
from services.settlement.store import care
from services.settlement.store.adjustments import met_from
from services.settlement.store.history import ADJUSTED, FACTS, stands_from_row
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import cost_from_row, stay_from_row
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.policy.shapes import Benefit

FOUND = f"""
select s.settlement_id, c.state as claim_state, coalesce(a.book, s.book) as priced_by,
       coalesce(a.proposed_at, s.settled_at) as priced_at, a.met, {FACTS}
left join lateral (
    select {ADJUSTED},
           (array_agg(book order by decided_at desc, adjustment_id desc))[1] as book,
           (array_agg(proposed_at order by decided_at desc, adjustment_id desc))[1] as proposed_at,
           (array_agg(met::text order by decided_at desc, adjustment_id desc))[1] as met
    from adjustment
    where pool_code = c.pool_code and settlement_id = c.settlement_id and state = 'released'
) a on true
where c.pool_code = $1 and c.settlement_id = any($2)
"""  # noqa: S608
LINES = """
select distinct asked.settlement_id, l.line_number, l.item_code, l.amount_fen as total_fen, l.in_scope_fen,
       l.out_of_scope_fen, l.over_limit_fen, l.first_copay_fen
from unnest($2::uuid[], $3::int[], $4::text[]) asked(settlement_id, line_number, item_code)
join settlement s on s.pool_code = $1 and s.settlement_id = asked.settlement_id
join stay t on t.pool_code = s.pool_code and t.stay_id = s.stay_id
join billed_line l on l.month = t.month and l.pool_code = t.pool_code and l.stay_id = t.stay_id
  and (l.line_number = asked.line_number or l.item_code = asked.item_code)
"""


async def claims(
    tx: Connection, pool_code: str, settlement_ids: Collection[UUID]
) -> dict[UUID, Stored]:
    """The pool's claims of these ids, reversed ones too; what is no claim of the pool is missing.

    One statement; where visits are among them, those that find their pregnancies' care beside it.
    """
    rows = await tx.fetch(FOUND, pool_code, list(settlement_ids))
    visits = [row["pregnancy_id"] for row in rows if row["benefit"] == Benefit.PRENATAL]
    cares = await care.cares(tx, [pool_code], visits)
    return {
        row["settlement_id"]: replace(
            _stored(row),
            care=cares[row["pregnancy_id"]] if row["benefit"] == Benefit.PRENATAL else None,
        )
        for row in rows
    }


async def lines(
    tx: Connection, pool_code: str, disputes: Sequence[tuple[UUID, Dispute]]
) -> Mapping[UUID, Sequence[BilledLine]]:
    """The lines that are disputed of each claim, whichever of its disputes names them."""
    asked = [
        *((claim, number, None) for claim, dispute in disputes for number in dispute.lines),
        *(
            (claim, None, code)
            for claim, dispute in disputes
            for code in {*dispute.items, *dispute.less}
        ),
    ]
    found: dict[UUID, list[BilledLine]] = defaultdict(list)
    if not asked:
        return found
    columns = [list(column) for column in zip(*asked, strict=True)]
    for row in await tx.fetch(LINES, pool_code, *columns):
        line = BilledLine(row["line_number"], row["item_code"], cost_from_row(row))
        found[row["settlement_id"]].append(line)
    return found


def _stored(row: Any) -> Stored:
    return Stored(
        settlement_id=row["settlement_id"],
        reversed=row["claim_state"] == ClaimState.REVERSED,
        level=row["institution_level"],
        settled_at=row["settled_at"],
        settled_on=business_day(row["settled_at"]),
        stands=stands_from_row(row),
        book=row["priced_by"],
        known_on=business_day(row["priced_at"]),
        met=None if row["met"] is None else met_from(row["met"]),
        stay=stay_from_row(row),
        pregnancy=pregnancy_from_row(row) if row["pregnancy_version"] else None,
        person=person_from_row(row) if row["state_json"] else None,
    )
