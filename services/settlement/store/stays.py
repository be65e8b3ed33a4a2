"""Statements about stays and their lines."""

from __future__ import annotations

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


async def insert(tx: Connection, stay: Stay) -> bool:
    """Open a stay; False when another of the institution has the number, and was not cancelled."""
    return (
        await tx.fetchval(
            "insert into stay (pool_code, stay_id, institution_code, stay_number, person_ref,"
            " pregnancy_id, state, version, month, admitted_on, benefit)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " on conflict (pool_code, institution_code, stay_number) where not number_free"
            " do nothing returning version",
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
        " particulars = $18, number_free = $4 = 'cancelled'"
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
