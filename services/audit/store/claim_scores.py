"""What statistics made of claims when they were last scored, and what reviews teach them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from services.audit.domain.claim_score import Challenger, ClaimScore
from services.audit.domain.pick import FAMILIES, PickedBy
from services.audit.domain.reason import Verdict
from services.audit.domain.rule import Words
from services.audit.domain.series import Versions
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection

_UNDER_REVIEW = """
select distinct claim_id from flag
where pool_code = $1 and claim_id is not null and state not in ('decided', 'closed')
"""
# Of a claim that was flagged for several things, one that was confirmed says that it was wrong.
_REVIEWED = """
select distinct on (claim_id) claim_id, verdict, decided_at from decision d
where pool_code = $1 and claim_id is not null and verdict is not null
  and not exists (
    select from decision later where later.pool_code = d.pool_code and later.flag_id = d.flag_id
      and later.number > d.number)
order by claim_id, (verdict = 'confirmed') desc, decided_at desc
"""
_CLEAR = "delete from claim_score where pool_code = $1"
# Nothing that a reviewer decided on changes, so the flag's version stays. A breach that a rule
# proves counts whole, whatever the statistics make of the claim; and what a person picked for a
# reason of her own has no chance that a model could know.
_ON_FLAGS = """
update flag f set score = case when f.rule_family = $2 then null else s.chance end
from claim_score s
where f.pool_code = $1 and s.pool_code = f.pool_code and s.claim_id = f.claim_id
  and f.grade <> 'violation'
  and f.state not in ('decided', 'closed') and f.score is distinct from
    case when f.rule_family = $2 then null else s.chance end
"""
_OF_CLAIM = "select * from claim_score where pool_code = $1 and claim_id = $2"
_HIGHEST = """
select s.*, exists (
    select from flag f where f.pool_code = s.pool_code and f.claim_id = s.claim_id) as flagged
from claim_score s
where s.pool_code = $1 and ($3::uuid is null or (s.expected_fen, $3) < (
    select a.expected_fen, s.claim_id from claim_score a
    where a.pool_code = $1 and a.claim_id = $3))
order by s.expected_fen desc, s.claim_id limit $2
"""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Scored:
    """A score, and when it was made; `flagged` whether the claim has a flag, where that is asked."""

    score: ClaimScore
    scored_at: datetime
    flagged: bool = False


async def under_review(tx: Connection, pool_code: str) -> set[str]:
    """The claims of a pool on which a flag is under review."""
    return {str(row["claim_id"]) for row in await tx.fetch(_UNDER_REVIEW, pool_code)}


async def reviewed(tx: Connection, pool_code: str) -> list[tuple[UUID, Verdict, datetime]]:
    """What people found of claims, one word a claim, and when."""
    rows = await tx.fetch(_REVIEWED, pool_code)
    return [(row["claim_id"], Verdict(row["verdict"]), row["decided_at"]) for row in rows]


async def lay(tx: Connection, pool_code: str, scores: Sequence[ClaimScore], at: datetime) -> None:
    """Lay a pool's scores anew, and put them on its flags under review: the queue's order."""
    await tx.execute(_CLEAR, pool_code)
    for first in range(0, len(scores), _BATCH):
        rows = [
            {
                "pool_code": one.pool_code, "claim_id": one.claim_id,
                "institution_code": one.institution_code, "chance": one.chance,
                "at_risk_fen": one.at_risk.fen, "reason_zh": one.reason.zh,
                "reason_en": one.reason.en, "features": one.versions.features,
                "model": one.versions.model, "scored_at": at, "drawn": one.drawn,
                "challenger_chance": one.challenger.chance if one.challenger else None,
                "challenger_model": one.challenger.model if one.challenger else None,
            }
            for one in scores[first : first + _BATCH]
        ]  # fmt: skip
        await insert_rows(tx, "claim_score", rows)
    await tx.execute(_ON_FLAGS, pool_code, FAMILIES[PickedBy.PERSON])


async def of_claim(tx: Connection, pool_code: str, claim_id: UUID) -> Scored | None:
    """A claim's score; None where none was kept."""
    row = await tx.fetchrow(_OF_CLAIM, pool_code, claim_id)
    return None if row is None else Scored(_score(row), row["scored_at"])


async def highest(
    tx: Connection, pool_code: str, limit: int, after: UUID | None = None
) -> list[Scored]:
    """The scores of a pool with the most money to expect, the greatest first, after one of them;
    none after one that the last run did not keep."""
    return [
        Scored(_score(row), row["scored_at"], row["flagged"])
        for row in await tx.fetch(_HIGHEST, pool_code, limit, after)
    ]


def _score(row: asyncpg.Record) -> ClaimScore:
    return ClaimScore(
        pool_code=row["pool_code"],
        claim_id=row["claim_id"],
        institution_code=row["institution_code"],
        chance=Decimal(row["chance"]),
        at_risk=Money(row["at_risk_fen"]),
        reason=Words(zh=row["reason_zh"], en=row["reason_en"]),
        versions=Versions(row["features"], row["model"]),
        challenger=None
        if row["challenger_model"] is None
        else Challenger(Decimal(row["challenger_chance"]), row["challenger_model"]),
        drawn=row["drawn"],
    )
