"""What the last run over each pool's claims was like."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from services.audit.domain.claim_score import DriftWarning, ScoringRun
from services.audit.store.rows import insert_rows
from shared.plumbing.database import Connection

_CLEAR = "delete from scoring_run where pool_code = $1"
_OF_POOL = "select * from scoring_run where pool_code = $1"
_WARNINGS = """
select pool_code, w ->> 'kind' as kind, count(w) as warnings
from scoring_run left join lateral jsonb_array_elements(warnings) w on true
group by pool_code, w ->> 'kind'
"""


async def lay(tx: Connection, run: ScoringRun, at: datetime) -> None:
    """Lay a pool's run anew."""
    await tx.execute(_CLEAR, run.pool_code)
    row: dict[str, Any] = asdict(run) | {"scored_at": at}
    await insert_rows(tx, "scoring_run", [row])


async def of_pool(tx: Connection, pool_code: str) -> tuple[ScoringRun, datetime] | None:
    """A pool's last run, and when it was."""
    row = await tx.fetchrow(_OF_POOL, pool_code)
    if row is None:
        return None
    told = dict(row) | {
        "warnings": tuple(
            DriftWarning(
                one["kind"], one["of"], *(Decimal(one[name]) for name in ("figure", "low", "high"))
            )
            for one in orjson.loads(row["warnings"])
        )
    }
    scored_at: datetime = told.pop("scored_at")
    return ScoringRun(**told), scored_at


async def warnings(tx: Connection) -> dict[str, dict[str, int]]:
    """How many warnings of each kind every pool's last run gave; none of a kind is left out."""
    counted: dict[str, dict[str, int]] = {}
    for row in await tx.fetch(_WARNINGS):
        of_pool = counted.setdefault(row["pool_code"], {})
        if row["kind"] is not None:
            of_pool[row["kind"]] = row["warnings"]
    return counted
