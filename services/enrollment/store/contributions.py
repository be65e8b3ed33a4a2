"""Statements on contributions."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrollment.domain.posting import Contribution
from shared.plumbing.database import Connection

_INSERT = """
insert into contribution values
    ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""


async def insert_contributions(tx: Connection, contributions: Sequence[Contribution]) -> None:
    """Write contributions. A month that somebody else booked makes this a UniqueViolationError."""
    await tx.executemany(_INSERT, [_row(contribution) for contribution in contributions])


def _row(c: Contribution) -> tuple[object, ...]:
    employer, individual = c.rates.employer, c.rates.individual
    return (
        c.spell.pool_code, c.contribution_id, c.person_ref, c.month.first_day(),
        c.spell.county_code, c.spell.kind.value, c.spell.employer_ref, c.due.base.fen,
        employer.value.total, individual.value, c.due.employer.fen, c.due.individual.fen,
        employer.citation.document, employer.citation.article, individual.citation.document,
        individual.citation.article, c.book, c.posted_at,
    )  # fmt: skip
