"""Many rows in one statement: given as names and values, read by the table's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.plumbing.database import Connection

_TABLES = (
    "claim", "judgement", "finding", "flag", "flag_step", "decision", "statement", "series_finding",
    "warning_answer", "rule_snooze",
    "money_at_risk",
    "series_month",
    "indicator_month",
    "claim_score",
    "pick",
    "scoring_run",
    "rule_record",
)  # fmt: skip


async def insert_rows(tx: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of one form into a table; a row that is there already is an error."""
    if table not in _TABLES:
        raise ValueError(table)
    if not rows:
        return
    # Named, because a column that the table makes by itself cannot be given.
    columns = ", ".join(f'"{name}"' for name in rows[0])
    statement = (
        f"insert into {table} ({columns})"  # noqa: S608 - names of our own
        f" select {columns} from jsonb_populate_recordset(null::{table}, $1)"
    )
    await tx.execute(statement, to_json(rows))


def to_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` takes."""
    # The driver's UUID is a subclass, which the encoder does not know by itself.
    return orjson.dumps(rows, default=str).decode()
