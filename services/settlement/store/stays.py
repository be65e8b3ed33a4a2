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
        cost=cost_from_row(row),
        benefit=Benefit(row["benefit"]),
    )


def cost_from_row(row: Any) -> Cost:
    """A bill, or one line of it, with its four parts."""
    return Cost(
        total=Money(row["total_fen"]),
        in_scope=Money(row["in_scope_fen"]),
        out_of_scope=Money(row["out_of_scope_fen"]),
        over_limit=Money(row["over_limit_fen"]),
        first_copay=Money(row["first_copay_fen"]),
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


_OF_PERSON = """
select * from stay
where pool_code = $1 and institution_code = $2 and person_ref = $3 and stay_id > $4
  and admitted_on between coalesce($5::date, '-infinity') and coalesce($6::date, 'infinity')
order by stay_id limit $7
"""


async def of_person(
    tx: Connection, pool_code: str, institution_code: str, person_ref: str, *,
    since: date | None, until: date | None, after: UUID, limit: int,
) -> list[Stay]:  # fmt: skip
    """A person's stays in an institution by the day of admission, oldest first, beyond `after`."""
    rows = await tx.fetch(
        _OF_PERSON, pool_code, institution_code, person_ref, after, since, until, limit
    )
    return [stay_from_row(row) for row in rows]


# By number, so that two who bring the same stays wait for one another in the same order. Column by
# column, so that a migration that widens the table stops nobody.
_INSERT = """
insert into stay (pool_code, stay_id, institution_code, stay_number, person_ref, pregnancy_id, state,
                  version, month, admitted_on, discharged_on, event_on, mode, infants, weeks, bill_fen,
                  line_count, total_fen, in_scope_fen, out_of_scope_fen, over_limit_fen, first_copay_fen,
                  benefit, particulars, number_free)
select * from unnest(
    $1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bigint[],
    $9::date[], $10::date[], $11::date[], $12::date[], $13::text[], $14::smallint[], $15::smallint[],
    $16::bigint[], $17::integer[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[],
    $22::bigint[], $23::text[], $24::json[], $25::boolean[])
    new(pool_code, stay_id, institution_code, stay_number)
order by pool_code, institution_code, stay_number
on conflict (pool_code, institution_code, stay_number) where not number_free do nothing
returning stay_id
"""


async def insert(tx: Connection, stays: Sequence[Stay]) -> int:
    """Write new stays; how many, fewer when another of an institution has a number, and was not
    cancelled."""
    return len(await tx.fetch(_INSERT, *zip(*map(_row, stays), strict=True)))


async def update(tx: Connection, before: Stay, after: Stay) -> bool:
    """Write a changed stay; False when somebody changed it since `before` was read."""
    changed = await tx.fetchval(
        "update stay set state = $4, version = $5, discharged_on = $6, event_on = $7, mode = $8,"
        " infants = $9, weeks = $10, bill_fen = $11, line_count = $12, total_fen = $13,"
        " in_scope_fen = $14, out_of_scope_fen = $15, over_limit_fen = $16, first_copay_fen = $17,"
        " particulars = $18, number_free = $19"
        " where pool_code = $1 and stay_id = $2 and version = $3 returning version",
        before.pool_code, before.stay_id, before.version, after.state, after.version,
        *_stated(after), *_billed(after), _particulars(after), after.state is StayState.CANCELLED,
    )  # fmt: skip
    return changed is not None


def _row(stay: Stay) -> tuple[object, ...]:
    """A row of `stay`, in the order of the statement."""
    return (
        stay.pool_code, stay.stay_id, stay.institution_code, stay.stay_number, stay.person_ref,
        stay.pregnancy_id, stay.state, stay.version, stay.admitted_on.replace(day=1),
        stay.admitted_on, *_stated(stay), *_billed(stay), stay.benefit, _particulars(stay),
        stay.state is StayState.CANCELLED,
    )  # fmt: skip


def _stated(stay: Stay) -> tuple[object, ...]:
    """What the record states at discharge: days, mode, children, weeks, the bill."""
    outcome = stay.outcome
    if outcome is None:
        return (None,) * 6
    delivery = outcome.claimed if isinstance(outcome.claimed, Delivery) else None
    born = (delivery.mode, delivery.infants, delivery.weeks) if delivery else (None,) * 3
    return (outcome.discharged_on, outcome.event_on, *born, outcome.bill.fen)


def _billed(stay: Stay) -> tuple[int, ...]:
    """What the lines sum to so far."""
    cost = stay.cost
    return (
        stay.line_count, cost.total.fen, cost.in_scope.fen, cost.out_of_scope.fen,
        cost.over_limit.fen, cost.first_copay.fen,
    )  # fmt: skip


def _particulars(stay: Stay) -> str | None:
    outcome = stay.outcome
    if outcome is None:
        return None
    stated = stored_of(outcome.claimed, outcome.circumstances)
    stored = with_codes(stated, outcome.diagnoses, outcome.procedures)
    return orjson.dumps(stored).decode() if stored else None
