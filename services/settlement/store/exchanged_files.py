"""Statements about files that are exchanged with hospitals: kept until a moment, then gone."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.plumbing.database import Connection


class ExchangedFile(NamedTuple):
    """A file that a hospital sent, or may fetch until (exclusive) `expires_at`."""

    pool_code: str
    file_id: UUID
    institution_code: str
    name: str
    content: bytes
    stored_at: datetime
    expires_at: datetime


async def keep(tx: Connection, file: ExchangedFile) -> None:
    """Keep a file; the caller's expired ones go."""
    await forget(tx, file.stored_at)
    await tx.execute(
        "insert into exchanged_file values ($1, $2, $3, $4, $5, $6, $7)",
        *file,
    )


async def forget(tx: Connection, now: datetime) -> None:
    """Forget all that expired, whoever's it was that the caller may see."""
    await tx.execute("delete from exchanged_file where expires_at <= $1", now)


async def find(
    tx: Connection, pool_code: str, file_id: UUID, now: datetime
) -> ExchangedFile | None:
    """A file that the caller may see and that has not expired."""
    row = await tx.fetchrow(
        "select pool_code, file_id, institution_code, name, content, stored_at, expires_at"
        " from exchanged_file where pool_code = $1 and file_id = $2 and expires_at > $3",
        pool_code,
        file_id,
        now,
    )
    return ExchangedFile(*row) if row else None


async def count(tx: Connection, pool_code: str, institution_code: str) -> int:
    """How many files of an institution are kept."""
    found: int = await tx.fetchval(
        "select count(*) from exchanged_file where pool_code = $1 and institution_code = $2",
        pool_code,
        institution_code,
    )
    return found
