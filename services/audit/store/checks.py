"""What hospitals said to warnings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.audit.domain.check import WarningAnswer
from services.audit.store.rows import insert_rows
from shared.ids import new_id
from shared.plumbing.database import Connection


async def record(
    tx: Connection,
    pool_code: str,
    institution_code: str,
    check_id: UUID,
    said: Sequence[WarningAnswer],
    at: datetime,
) -> None:
    """Record answers to the warnings of a check."""
    rows = [
        {"pool_code": pool_code, "warning_answer_id": new_id(),
         "institution_code": institution_code, "check_id": check_id, "case_ref": one.case_ref,
         "rule": one.rule, "way": one.way, "reason": one.reason, "said_at": at}
        for one in said
    ]  # fmt: skip
    await insert_rows(tx, "warning_answer", rows)
