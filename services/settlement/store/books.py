"""Statements about the policy book: archived by hash, made current by two people."""

from __future__ import annotations

from datetime import datetime

from shared.plumbing.database import Connection


async def archive(
    tx: Connection, book_hash: str, engine: str, content: bytes, at: datetime
) -> None:
    """Keep a book's bytes for ever."""
    await tx.execute(
        "insert into book values ($1, $2, $3, $4) on conflict do nothing",
        book_hash,
        engine,
        content,
        at,
    )


async def content(tx: Connection, book_hash: str) -> bytes | None:
    """An archived book's bytes."""
    found: bytes | None = await tx.fetchval("select content from book where hash = $1", book_hash)
    return found


async def current_hash(tx: Connection, at: datetime) -> str | None:
    """The book in force at an instant."""
    found: str | None = await tx.fetchval(
        "select hash from book_appointment where effective_at <= $1"
        " order by effective_at desc, number desc limit 1",
        at,
    )
    return found


async def appointment(tx: Connection, book_hash: str, at: datetime) -> int:
    """The number under which a book was last made current; 0 where it never was."""
    number: int | None = await tx.fetchval(
        "select max(number) from book_appointment where hash = $1 and effective_at <= $2",
        book_hash,
        at,
    )
    return number or 0


async def coming_hashes(tx: Connection, at: datetime) -> list[str]:
    """Books that are approved and not current yet."""
    rows = await tx.fetch("select distinct hash from book_appointment where effective_at > $1", at)
    return [row["hash"] for row in rows]


async def propose(tx: Connection, book_hash: str, by: str, at: datetime) -> int:
    """Note a proposal; returns its number."""
    number: int = await tx.fetchval(
        "insert into book_appointment (hash, proposed_by, proposed_at) values ($1, $2, $3)"
        " returning number",
        book_hash,
        by,
        at,
    )
    return number


async def proposal(tx: Connection, number: int) -> tuple[str, str, bool] | None:
    """A proposal as (hash, proposed by, whether approved)."""
    row = await tx.fetchrow(
        "select hash, proposed_by, approved_by is not null as approved from book_appointment"
        " where number = $1 for update",
        number,
    )
    return (row["hash"], row["proposed_by"], row["approved"]) if row else None


async def approve(tx: Connection, number: int, by: str, effective_at: datetime) -> None:
    """Approve a proposal, from an instant on."""
    await tx.execute(
        "update book_appointment set approved_by = $2, effective_at = $3 where number = $1",
        number,
        by,
        effective_at,
    )
