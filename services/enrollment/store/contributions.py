"""Statements on contributions."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrollment.domain.posting import Contribution
from shared.plumbing.database import Connection

_INSERT = """
insert into contribution select * from unnest(
    $1::text[], $2::uuid[], $3::text[], $4::date[], $5::text[], $6::text[], $7::text[], $8::bigint[],
    $9::numeric[], $10::numeric[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[],
    $16::text[], $17::text[], $18::timestamptz[])
"""


async def insert_contributions(tx: Connection, contributions: Sequence[Contribution]) -> None:
    """Write contributions. A month that somebody else booked makes this a UniqueViolationError."""
    await tx.execute(_INSERT, *zip(*map(_row, contributions), strict=True))


def _row(c: Contribution) -> tuple[object, ...]:
    employer, individual = c.rates.employer, c.rates.individual
    return (
        c.spell.pool_code, c.contribution_id, c.person_ref, c.month.first_day(),
        c.spell.county_code, c.spell.kind.value, c.spell.employer_ref, c.due.base.fen,
        employer.value.total, individual.value, c.due.employer.fen, c.due.individual.fen,
        employer.citation.document, employer.citation.article, individual.citation.document,
        individual.citation.article, c.book, c.posted_at,
    )  # fmt: skip
