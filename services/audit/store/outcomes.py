"""What reviews came to, as rows that baselines and the ranker learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.audit.domain.flag import Outcome
from services.audit.domain.reason import Verdict
from shared.money import Money
from shared.plumbing.database import Connection

_SINCE = """
select flag_id, number, claim_id, institution_code, channel, month, outcome, verdict, reason_code,
       amount_fen, hearing, by, approved_by, decided_at
from decision
where pool_code = $1 and verdict is not null and decided_at >= $2
  and ($3::timestamptz is null or (decided_at, flag_id, number) > ($3, $4::uuid, $5::integer))
order by decided_at, flag_id, number limit $6
"""
_PLACE = """
select decided_at from decision where pool_code = $1 and flag_id = $2 and number = $3
"""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One decision: on a claim, or on a channel of an institution since a month."""

    flag_id: UUID
    decision: int
    claim_id: UUID | None
    institution_code: str
    channel: str | None
    month: str | None
    outcome: Outcome
    verdict: Verdict
    reason_code: str
    amount: Money
    hearing: str
    by: str
    approved_by: str
    decided_at: datetime


async def since(
    tx: Connection, pool_code: str, at: datetime, after: tuple[UUID, int] | None, limit: int
) -> list[Reviewed]:
    """Decisions of a pool since an instant, in their order, after one of them."""
    place = await tx.fetchval(_PLACE, pool_code, *after) if after else None
    flag_id, number = after if after and place is not None else (None, None)
    rows = await tx.fetch(_SINCE, pool_code, at, place, flag_id, number, limit)
    return [
        Reviewed(
            flag_id=row["flag_id"],
            decision=row["number"],
            claim_id=row["claim_id"],
            institution_code=row["institution_code"],
            channel=row["channel"],
            month=row["month"],
            outcome=Outcome(row["outcome"]),
            verdict=Verdict(row["verdict"]),
            reason_code=row["reason_code"],
            amount=Money(row["amount_fen"]),
            hearing=row["hearing"],
            by=row["by"],
            approved_by=row["approved_by"],
            decided_at=row["decided_at"],
        )
        for row in rows
    ]
