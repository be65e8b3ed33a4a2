"""Why claims are under review that no rule met."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import asyncpg

from services.audit.domain.claim_score import ClaimScore
from services.audit.domain.pick import Pick, PickedBy
from services.audit.domain.rule import Words
from services.audit.domain.series import Versions
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection

_OF_FLAG = "select * from pick where pool_code = $1 and flag_id = $2"


async def insert(tx: Connection, pick: Pick) -> None:
    """Record why a claim is taken in, beside its flag."""
    score = pick.score
    row = {
        "pool_code": pick.pool_code, "flag_id": pick.flag_id,
        "institution_code": pick.institution_code, "claim_id": pick.claim_id,
        "picked_by": pick.picked_by, "by": pick.by, "reason": pick.reason, "share": pick.share,
        "chance": score.chance if score else None,
        "at_risk_fen": score.at_risk.fen if score else None,
        "reason_zh": score.reason.zh if score else None,
        "reason_en": score.reason.en if score else None,
        "features": score.versions.features if score else None,
        "model": score.versions.model if score else None,
        "picked_at": pick.picked_at,
    }  # fmt: skip
    await insert_rows(tx, "pick", [row])


async def of_flag(tx: Connection, pool_code: str, flag_id: UUID) -> Pick | None:
    """Why a flag's claim was taken in; None where a rule or a channel raised the flag."""
    row = await tx.fetchrow(_OF_FLAG, pool_code, flag_id)
    if row is None:
        return None
    return Pick(
        pool_code=row["pool_code"],
        flag_id=row["flag_id"],
        institution_code=row["institution_code"],
        claim_id=row["claim_id"],
        picked_by=PickedBy(row["picked_by"]),
        by=row["by"],
        reason=row["reason"],
        share=row["share"],
        score=None if row["chance"] is None else _score(row),
        picked_at=row["picked_at"],
    )


def _score(row: asyncpg.Record) -> ClaimScore:
    return ClaimScore(
        pool_code=row["pool_code"],
        claim_id=row["claim_id"],
        institution_code=row["institution_code"],
        chance=Decimal(row["chance"]),
        at_risk=Money(row["at_risk_fen"]),
        reason=Words(zh=row["reason_zh"], en=row["reason_en"]),
        versions=Versions(row["features"], row["model"]),
    )
