"""Statements that find claims by their ids with all that their price rests on, a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.care import Met
from services.settlement.domain.cost import Cost
from services.settlement.domain.disputed import BilledLine, Dispute, Stored
from services.settlement.domain.settlement import ClaimState
from services.settlement.domain.what_if import Borne
from services.settlement.store import care
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.policy.shapes import Benefit

_PARTS = ("fund", "member", "institution", "other_fund")
_STANDS = ", ".join(f"s.{part}_fen + coalesce(a.{part}_fen, 0) as stands_{part}" for part in _PARTS)
_ADJUSTED = ", ".join(f"sum({part}_fen)::bigint as {part}_fen" for part in _PARTS)
FOUND = f"""
select s.settlement_id, c.state as claim_state, s.institution_level, s.settled_at, {_STANDS},
       coalesce(a.book, s.book) as priced_by, coalesce(a.proposed_at, s.settled_at) as priced_at,
       a.met, t.*,
       p.institution_code as pregnancy_institution, p.person_ref as pregnancy_person,
       lower(p.period) as period_start, upper(p.period) as period_end, p.delivered_on, p.ended_by,
       p.version as pregnancy_version, i.state::text as state_json, i.as_of
from claim c
join settlement s on s.pool_code = c.pool_code and s.settlement_id = c.settlement_id
join stay t on t.pool_code = s.pool_code and t.stay_id = s.stay_id
left join pregnancy p on p.pool_code = s.pool_code and p.pregnancy_id = s.pregnancy_id
left join person_state i on i.person_ref = s.person_ref
left join lateral (
    select {_ADJUSTED},
           (array_agg(book order by decided_at desc, adjustment_id desc))[1] as book,
           (array_agg(proposed_at order by decided_at desc, adjustment_id desc))[1] as proposed_at,
           (array_agg(met::text order by decided_at desc, adjustment_id desc))[1] as met
    from adjustment
    where pool_code = c.pool_code and settlement_id = c.settlement_id and state = 'released'
) a on true
where c.pool_code = $1 and c.settlement_id = any($2)
"""  # noqa: S608
LINES = """
select distinct asked.settlement_id, l.line_number, l.item_code, l.amount_fen, l.in_scope_fen,
       l.out_of_scope_fen, l.over_limit_fen, l.first_copay_fen
from unnest($2::uuid[], $3::int[], $4::text[]) asked(settlement_id, line_number, item_code)
join settlement s on s.pool_code = $1 and s.settlement_id = asked.settlement_id
join stay t on t.pool_code = s.pool_code and t.stay_id = s.stay_id
join line l on l.month = t.month and l.pool_code = t.pool_code and l.stay_id = t.stay_id
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
        line = BilledLine(row["line_number"], row["item_code"], _cost(row))
        found[row["settlement_id"]].append(line)
    return found


def _stored(row: Any) -> Stored:
    return Stored(
        settlement_id=row["settlement_id"],
        reversed=row["claim_state"] == ClaimState.REVERSED,
        level=row["institution_level"],
        settled_at=row["settled_at"],
        settled_on=business_day(row["settled_at"]),
        stands=Borne(*(Money(row[f"stands_{part}"]) for part in _PARTS)),
        book=row["priced_by"],
        known_on=business_day(row["priced_at"]),
        met=None if row["met"] is None else _met(row["met"]),
        stay=stay_from_row(row),
        pregnancy=pregnancy_from_row(row) if row["pregnancy_version"] else None,
        person=person_from_row(row) if row["state_json"] else None,
    )


def _met(stored: str) -> tuple[Met, ...]:
    return tuple(
        Met(unit, institution, weeks, Money(fen))
        for unit, institution, weeks, fen in orjson.loads(stored)
    )


def _cost(row: Any) -> Cost:
    return Cost(
        total=Money(row["amount_fen"]),
        in_scope=Money(row["in_scope_fen"]),
        out_of_scope=Money(row["out_of_scope_fen"]),
        over_limit=Money(row["over_limit_fen"]),
        first_copay=Money(row["first_copay_fen"]),
    )
