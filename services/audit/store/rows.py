"""Many rows in one statement: given as names and values, read by the table's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.plumbing.database import Connection

_TABLES = ("claim", "judgement", "finding", "flag", "flag_step", "decision", "warning_answer")


async def insert_rows(tx: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table; a row that is there already is an error."""
    if table not in _TABLES:
        raise ValueError(table)
    statement = f"insert into {table} select * from jsonb_populate_recordset(null::{table}, $1)"  # noqa: S608 - names of our own
    await tx.execute(statement, to_json(rows))


def to_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as the JSON that `jsonb_populate_recordset` takes."""
    # The driver's UUID is a subclass, which the encoder does not know by itself.
    return orjson.dumps(rows, default=str).decode()
