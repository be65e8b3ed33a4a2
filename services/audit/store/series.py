"""What was found of institutions' channels, under their flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson

from services.audit.domain.rule import Words
from services.audit.domain.series import Contributor, SeriesFinding
from services.audit.store.rows import insert_rows
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import Connection

_LOCK = """
select pg_advisory_xact_lock(hashtextextended(concat_ws('/', 'channel', $1::text, $2::text, $3::text), 0))
"""
_KNOWN = """
select true from series_finding
where pool_code = $1 and institution_code = $2 and channel = $3 and month = $4 and model = $5
"""
_OF_FLAG = """
select * from series_finding where pool_code = $1 and flag_id = $2 order by month, finding_id
"""


@dataclass(frozen=True, slots=True)
class StoredSeriesFinding:
    """A finding as it lies under its flag."""

    finding_id: UUID
    found_at: datetime
    finding: SeriesFinding


async def is_known(tx: Connection, finding: SeriesFinding) -> bool:
    """Whether this model said it of this month before; nobody else says it meanwhile."""
    place = (finding.pool_code, finding.institution_code, finding.channel)
    await tx.execute(_LOCK, *place)
    known: bool | None = await tx.fetchval(_KNOWN, *place, finding.month, finding.model)
    return bool(known)


async def insert(tx: Connection, flag_id: UUID, finding: SeriesFinding, at: datetime) -> None:
    """Record a finding under its flag."""
    row = {
        "pool_code": finding.pool_code, "finding_id": new_id(), "flag_id": flag_id,
        "institution_code": finding.institution_code, "channel": finding.channel,
        "month": finding.month, "score": finding.score, "window_months": finding.window_months,
        "cases": finding.cases, "expected_fen": finding.expected.fen,
        "actual_fen": finding.actual.fen, "excess_fen": finding.excess.fen,
        "reason_zh": finding.reason.zh, "reason_en": finding.reason.en,
        "features": finding.features, "model": finding.model, "found_at": at,
        "contributors": [
            {"claim_id": one.claim_id, "excess_fen": one.excess.fen} for one in finding.contributors
        ],
    }  # fmt: skip
    await insert_rows(tx, "series_finding", [row])


async def of_flag(tx: Connection, pool_code: str, flag_id: UUID) -> Sequence[StoredSeriesFinding]:
    """A flag's findings, month by month."""
    return [
        StoredSeriesFinding(
            row["finding_id"],
            row["found_at"],
            SeriesFinding(
                pool_code=row["pool_code"],
                institution_code=row["institution_code"],
                channel=row["channel"],
                month=row["month"],
                score=Decimal(row["score"]),
                window_months=row["window_months"],
                cases=row["cases"],
                expected=Money(row["expected_fen"]),
                actual=Money(row["actual_fen"]),
                reason=Words(zh=row["reason_zh"], en=row["reason_en"]),
                features=row["features"],
                model=row["model"],
                contributors=tuple(
                    Contributor(one["claim_id"], Money(one["excess_fen"]))
                    for one in orjson.loads(row["contributors"])
                ),
            ),
        )
        for row in await tx.fetch(_OF_FLAG, pool_code, flag_id)
    ]
