"""Statements about warnings before a claim, and what hospitals did about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.settlement.domain.warning import ReplyWay, WarningReply
from shared.plumbing.database import Connection


class ToldWarning(NamedTuple):
    """A warning as it was told last: by which check, of which case, by which rule."""

    warning_id: UUID
    check_id: UUID
    case_ref: str
    rule: str


async def note(
    tx: Connection, pool_code: str, institution_code: str, told: Sequence[ToldWarning], at: datetime
) -> None:
    """Note what was told; told again, it is of the later check."""
    await tx.executemany(
        "insert into told_warning values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (pool_code, warning_id) do update"
        " set check_id = excluded.check_id, told_at = excluded.told_at",
        [
            (pool_code, one.warning_id, institution_code, one.check_id, one.case_ref, one.rule, at)
            for one in told
        ],
    )


async def find(tx: Connection, pool_code: str, warning_id: UUID) -> ToldWarning | None:
    """A warning that the caller was told."""
    row = await tx.fetchrow(
        "select warning_id, check_id, case_ref, rule from told_warning"
        " where pool_code = $1 and warning_id = $2",
        pool_code,
        warning_id,
    )
    return ToldWarning(*row) if row else None


async def reply(tx: Connection, said: Sequence[WarningReply]) -> None:
    """Keep what the hospital did."""
    await tx.executemany(
        "insert into warning_reply values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            (
                one.pool_code, one.reply_id, one.institution_code, one.warning_id, one.check_id,
                one.case_ref, one.rule, one.way.value, one.reason, one.said_at,
            )
            for one in said
        ],
    )  # fmt: skip


async def unsent(tx: Connection, limit: int) -> list[WarningReply]:
    """What audit has not heard yet, the oldest first."""
    rows = await tx.fetch(
        "select pool_code, reply_id, institution_code, warning_id, check_id, case_ref, rule, way,"
        " reason, said_at from warning_reply where sent_at is null order by said_at limit $1",
        limit,
    )
    return [WarningReply(**{**row, "way": ReplyWay(row["way"])}) for row in rows]


async def mark_sent(
    tx: Connection, one: WarningReply, at: datetime, not_taken: str | None = None
) -> None:
    """Note that audit heard it, or `not_taken` why it will not."""
    await tx.execute(
        "update warning_reply set sent_at = $3, not_taken = $4"
        " where pool_code = $1 and reply_id = $2",
        one.pool_code,
        one.reply_id,
        at,
        not_taken,
    )
