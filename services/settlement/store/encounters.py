"""Statements about what a hospital told of its stays and visits by the national interface."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.settlement.domain.stay import Stay
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Encounter:
    """`told`: what was told so far, by the interface's own field codes; no name, no number."""

    stay_id: UUID
    person_ref: str
    told: Mapping[str, Any]


async def note(
    tx: Connection, pool_code: str, institution_code: str, encounter: Encounter, at: datetime
) -> None:
    """Note what was told first."""
    await tx.execute(
        "insert into encounter values ($1, $2, $3, $4, $5, $6)",
        pool_code, encounter.stay_id, institution_code, encounter.person_ref,
        orjson.dumps(encounter.told).decode(), at,
    )  # fmt: skip


_FIND = (
    "select stay_id, person_ref, told::text as told from encounter"
    " where pool_code = $1 and institution_code = $2 and stay_id = $3"
)
_HOLD = _FIND + " for update"


async def find(
    tx: Connection, pool_code: str, institution_code: str, stay_id: UUID, *, lock: bool = False
) -> Encounter | None:
    """What the institution told of a stay; `lock` where more is to be told."""
    row = await tx.fetchrow(_HOLD if lock else _FIND, pool_code, institution_code, stay_id)
    return encounter_from_row(row) if row else None


def encounter_from_row(row: asyncpg.Record) -> Encounter:
    """An encounter from a row that holds its stay, its person and what was told, as text."""
    return Encounter(row["stay_id"], row["person_ref"], orjson.loads(row["told"]))


async def of_stays(
    tx: Connection, pool_code: str, institution_code: str, stay_ids: Sequence[UUID]
) -> dict[UUID, Mapping[str, Any]]:
    """What the institution told of stays; those that it opened by another way are missing."""
    rows = await tx.fetch(
        "select stay_id, told::text as told from encounter"
        " where pool_code = $1 and institution_code = $2 and stay_id = any($3)",
        pool_code,
        institution_code,
        list(stay_ids),
    )
    return {row["stay_id"]: orjson.loads(row["told"]) for row in rows}


async def serials(tx: Connection, stay: Stay) -> dict[int, str]:
    """The hospital's serials of a stay's lines, by our numbers."""
    rows = await tx.fetch(
        "select line_number, serial from told_line where pool_code = $1 and stay_id = $2",
        stay.pool_code,
        stay.stay_id,
    )
    return {row["line_number"]: row["serial"] for row in rows}


# The operations are those of the index, word for word.
RECEIPT = """
select answer from idempotency
where object_id = $3 and operation in ('2207', '2208', '2304', '2305')
  and pool_code = $1 and caller = $2
"""


async def receipt_kept(
    tx: Connection, pool_code: str, institution_code: str, settlement_id: UUID
) -> bytes | None:
    """The answer that told the institution of a settlement or of its undoing, as it was given."""
    answer: bytes | None = await tx.fetchval(RECEIPT, pool_code, institution_code, settlement_id)
    return answer


async def tell(tx: Connection, pool_code: str, encounter: Encounter) -> None:
    """Write what is told by now."""
    await tx.execute(
        "update encounter set told = $3 where pool_code = $1 and stay_id = $2",
        pool_code,
        encounter.stay_id,
        orjson.dumps(encounter.told).decode(),
    )


async def last_line(tx: Connection, pool_code: str, stay_id: UUID) -> int:
    """The greatest line number of a stay so far."""
    found: int = await tx.fetchval(
        "select coalesce(max(line_number), 0) from told_line where pool_code = $1 and stay_id = $2",
        pool_code,
        stay_id,
    )
    return found


async def number_lines(
    tx: Connection, stay: Stay, serials: Sequence[tuple[str, str]], first: int
) -> bool:
    """Note lines by (the hospital's serial, its batch), numbered from `first` on; False when a
    serial was used before."""
    rows = await tx.fetch(
        "insert into told_line select $1, $2, $3, l.serial, l.batch, $6 + l.n - 1"
        " from unnest($4::text[], $5::text[]) with ordinality l(serial, batch, n)"
        " on conflict do nothing returning line_number",
        stay.pool_code, stay.stay_id, stay.institution_code,
        [serial for serial, _ in serials], [batch for _, batch in serials], first,
    )  # fmt: skip
    return len(rows) == len(serials)


async def numbered(
    tx: Connection, stay: Stay, batch: str, serials: Sequence[str]
) -> dict[str, int]:
    """Line numbers of a stay by the hospital's serials, or of a whole batch of its."""
    rows = await tx.fetch(
        "select serial, line_number from told_line where pool_code = $1 and stay_id = $2"
        " and (serial = any($3) or batch = nullif($4, ''))",
        stay.pool_code,
        stay.stay_id,
        serials,
        batch,
    )
    return {row["serial"]: row["line_number"] for row in rows}


async def forget_lines(tx: Connection, stay: Stay, line_numbers: Collection[int] | None) -> None:
    """Forget the serials of lines that were cancelled, all of them for None: they may come again."""
    await tx.execute(
        "delete from told_line where pool_code = $1 and stay_id = $2"
        " and ($3::int[] is null or line_number = any($3))",
        stay.pool_code,
        stay.stay_id,
        None if line_numbers is None else list(line_numbers),
    )
