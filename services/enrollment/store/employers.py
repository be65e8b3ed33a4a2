"""Statements on employers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.enrollment.domain.employer import Employer
from shared.plumbing.database import Connection

_INSERT = """
insert into employer values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning true
"""


async def insert_employer(tx: Connection, employer: Employer, at: datetime) -> bool:
    """Write an employer; False where the pool has one under this number."""
    written = await tx.fetchval(
        _INSERT, employer.pool_code, employer.employer_ref, employer.name, employer.county_code,
        employer.kind.value, at,
    )  # fmt: skip
    return bool(written)


async def employers_known(tx: Connection, pool_code: str, employer_refs: Sequence[str]) -> set[str]:
    """Those of some numbers under which the pool has an employer."""
    rows = await tx.fetch(
        "select employer_ref from employer where pool_code = $1 and employer_ref = any($2)",
        pool_code, employer_refs,
    )  # fmt: skip
    return {row["employer_ref"] for row in rows}
