"""Institutions' months as they were last scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from services.audit.domain.rule import Words
from services.audit.domain.series import ChannelMonth, Loudest, SeriesMonth, Versions
from services.audit.store.rows import insert_rows
from shared.money import Money
from shared.plumbing.database import Connection

_CLEAR = "delete from series_month where pool_code = $1"
_PAGE = """
select * from series_month
where pool_code = $1 and ($2::text is null or institution_code = $2)
  and month >= $3 and (institution_code, month) > ($4, $5)
order by institution_code, month limit $6
"""
_FLAGS_OF = """
select coalesce(rule_family, channel) as about, state, count(*) as flags,
    sum(at_risk_fen)::bigint as at_risk_fen
from flag where pool_code = $1 and institution_code = $2 group by 1, 2 order by 1, 2
"""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Scored:
    """A month with the versions that scored it, and when."""

    month: SeriesMonth
    versions: Versions
    scored_at: datetime


@dataclass(frozen=True, slots=True)
class FlagsAbout:
    """An institution's flags of one rule family or channel that stand in one state."""

    about: str
    state: str
    flags: int
    at_risk: Money


async def lay(
    tx: Connection, pool_code: str, months: Sequence[SeriesMonth], versions: Versions, at: datetime
) -> None:
    """Lay a pool's months anew: what was scored before is gone."""
    await tx.execute(_CLEAR, pool_code)
    for first in range(0, len(months), _BATCH):
        rows = [_to_row(pool_code, one, versions, at) for one in months[first : first + _BATCH]]
        await insert_rows(tx, "series_month", rows)


async def page(
    tx: Connection, pool_code: str, institution_code: str | None, since: str,
    after: tuple[str, str], limit: int,
) -> list[Scored]:  # fmt: skip
    """Months from `since` on, by institution and month, after a place among them."""
    rows = await tx.fetch(_PAGE, pool_code, institution_code, since, *after, limit)
    return [_scored(row) for row in rows]


async def flags_of(tx: Connection, pool_code: str, institution_code: str) -> list[FlagsAbout]:
    """What an institution is flagged for."""
    return [
        FlagsAbout(row["about"], row["state"], row["flags"], Money(row["at_risk_fen"]))
        for row in await tx.fetch(_FLAGS_OF, pool_code, institution_code)
    ]


def _scored(row: asyncpg.Record) -> Scored:
    loudest = None
    if row["channel"] is not None:
        loudest = Loudest(
            row["channel"], row["window_months"], row["cases"],
            Money(row["expected_fen"]), Money(row["actual_fen"]),
        )  # fmt: skip
    month = SeriesMonth(
        institution_code=row["institution_code"],
        month=row["month"],
        claims=row["claims"],
        score=Decimal(row["score"]),
        loudest=loudest,
        reason=Words(zh=row["reason_zh"], en=row["reason_en"]),
        channels={
            name: ChannelMonth(
                Decimal(told["value"]), Decimal(told["own"]), told["cases"],
                None if told["score"] is None else Decimal(told["score"]),
            )
            for name, told in orjson.loads(row["channels"]).items()
        },
    )  # fmt: skip
    return Scored(month, Versions(row["features"], row["model"]), row["scored_at"])


def _to_row(
    pool_code: str, one: SeriesMonth, versions: Versions, at: datetime
) -> Mapping[str, Any]:
    loudest = one.loudest
    return {
        "pool_code": pool_code, "institution_code": one.institution_code, "month": one.month,
        "claims": one.claims, "score": one.score,
        "channel": loudest.channel if loudest else None,
        "window_months": loudest.window_months if loudest else None,
        "cases": loudest.cases if loudest else None,
        "expected_fen": loudest.expected.fen if loudest else None,
        "actual_fen": loudest.actual.fen if loudest else None,
        "reason_zh": one.reason.zh, "reason_en": one.reason.en,
        "channels": {
            name: {
                "value": str(told.value), "own": str(told.own), "cases": told.cases,
                "score": None if told.score is None else str(told.score),
            }
            for name, told in one.channels.items()
        },
        "features": versions.features, "model": versions.model, "scored_at": at,
    }  # fmt: skip
