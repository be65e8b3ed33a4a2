"""Statements of institutions."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import orjson

from services.audit.domain.flag import Flag
from services.audit.domain.statement import LineWord, Stance, Statement
from services.audit.store.rows import insert_rows
from shared.plumbing.database import Connection

_OF_FLAG = """
select round, by, stated_at, stance, text, lines from statement
where pool_code = $1 and flag_id = $2 order by round
"""


async def insert(tx: Connection, flag: Flag, said: Statement) -> None:
    """Record what a flag's institution says; once a round."""
    row = {
        "pool_code": flag.pool_code, "flag_id": flag.flag_id, "round": said.round,
        "institution_code": flag.institution_code, "by": said.by, "stated_at": said.stated_at,
        "stance": said.stance, "text": said.text, "lines": [asdict(line) for line in said.lines],
    }  # fmt: skip
    await insert_rows(tx, "statement", [row])


async def of_flag(tx: Connection, pool_code: str, flag_id: UUID) -> list[Statement]:
    """What a flag's institution said, round by round."""
    return [
        Statement(
            round=row["round"],
            by=row["by"],
            stated_at=row["stated_at"],
            stance=Stance(row["stance"]),
            text=row["text"],
            lines=tuple(LineWord(**line) for line in orjson.loads(row["lines"])),
        )
        for row in await tx.fetch(_OF_FLAG, pool_code, flag_id)
    ]
