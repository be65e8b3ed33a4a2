"""Statements about what flags put at stake by re-pricing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.domain.dispute import AtStake
from services.audit.domain.flag import Flag
from services.audit.store.flags import to_flag
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking for a flag: what is at stake, or the code of the refusal; neither where
    nothing was asked."""

    flag: Flag
    at_stake: AtStake | None = None
    refused: str | None = None


# Whatever was found since a flag was last asked for has to be asked again.
_DUE = """
select f.* from flag f
where f.state not in ('decided', 'closed') and f.claim_id is not null
  and not exists (
    select from money_at_risk m
    where m.pool_code = f.pool_code and m.flag_id = f.flag_id
      and not exists (
        select from finding n
        where n.pool_code = f.pool_code and n.flag_id = f.flag_id and n.found_at > m.asked_at))
order by array_position($2::uuid[], f.flag_id) nulls first, f.pool_code, f.expected_fen desc, f.flag_id
limit $1
"""
_FORGET = "delete from money_at_risk where (pool_code, flag_id) in (select * from unnest($1::text[], $2::uuid[]))"
# What people look at is what the fund can lose: below nothing there is nothing to recover.
_AT_RISK = """
update flag f set at_risk_fen = greatest(0, u.fund_fen)
from unnest($1::text[], $2::uuid[], $3::bigint[]) u(pool_code, flag_id, fund_fen)
where f.pool_code = u.pool_code and f.flag_id = u.flag_id and f.state not in ('decided', 'closed')
"""
_OF_FLAG = "select * from money_at_risk where pool_code = $1 and flag_id = $2"


async def due(tx: Connection, most: int, behind: Sequence[UUID]) -> list[Flag]:
    """Flags under review on claims, for which nothing was asked since their last finding; those
    `behind` after all others, in the order given."""
    return [to_flag(row) for row in await tx.fetch(_DUE, most, behind)]


async def write(tx: Connection, answers: Sequence[Asked], at: datetime) -> None:
    """Keep what was answered, and put on each flag what the fund can lose by it."""
    flags = [answer.flag for answer in answers]
    await tx.execute(_FORGET, [f.pool_code for f in flags], [f.flag_id for f in flags])
    await insert_rows(tx, "money_at_risk", [_to_row(answer, at) for answer in answers])
    priced = [(a.flag, a.at_stake) for a in answers if a.at_stake is not None]
    await tx.execute(
        _AT_RISK,
        [flag.pool_code for flag, _ in priced],
        [flag.flag_id for flag, _ in priced],
        [stake.fund.fen for _, stake in priced],
    )


async def of_flag(
    tx: Connection, pool_code: str, flag_id: UUID
) -> tuple[AtStake | None, str | None, datetime] | None:
    """What is at stake, why it is not known, and when it was asked; None where it was not yet."""
    row = await tx.fetchrow(_OF_FLAG, pool_code, flag_id)
    if row is None:
        return None
    stake = None
    if row["book"] is not None:
        stake = AtStake(
            Money(row["fund_fen"]), Money(row["member_fen"]), Money(row["institution_fen"]),
            row["book"],
        )  # fmt: skip
    return stake, row["refused"], row["asked_at"]


def _to_row(answer: Asked, at: datetime) -> dict[str, Any]:
    flag, stake = answer.flag, answer.at_stake
    return {
        "pool_code": flag.pool_code,
        "flag_id": flag.flag_id,
        "institution_code": flag.institution_code,
        "fund_fen": stake.fund.fen if stake else None,
        "member_fen": stake.member.fen if stake else None,
        "institution_fen": stake.institution.fen if stake else None,
        "book": stake.book if stake else None,
        "refused": answer.refused,
        "asked_at": at,
    }
