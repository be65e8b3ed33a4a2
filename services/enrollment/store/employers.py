"""Statements on employers."""

from __future__ import annotations

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


async def employer_exists(tx: Connection, pool_code: str, employer_ref: str) -> bool:
    """Whether the pool has an employer under this number."""
    found = await tx.fetchval(
        "select true from employer where pool_code = $1 and employer_ref = $2",
        pool_code, employer_ref,
    )  # fmt: skip
    return bool(found)
