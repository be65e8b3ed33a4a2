"""Statements about what is doubtful in hospitals' records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.doubt import Doubt, DoubtKind
from shared.plumbing.database import Connection


async def note(tx: Connection, doubts: Sequence[Doubt]) -> None:
    """Note doubts; without any there is no round trip."""
    if not doubts:
        return
    await tx.executemany(
        "insert into doubt values ($1, $2, $3, $4, $5, $6, $7)",
        [
            (
                one.pool_code, one.doubt_id, one.institution_code, one.stay_id, one.kind.value,
                orjson.dumps(one.found).decode(), one.noted_at,
            )
            for one in doubts
        ],
    )  # fmt: skip


async def forget(
    tx: Connection, pool_code: str, stay_id: UUID, kinds: Collection[DoubtKind]
) -> None:
    """Drop doubts of some kinds about a stay, which is looked at anew."""
    await tx.execute(
        "delete from doubt where pool_code = $1 and stay_id = $2 and kind = any($3)",
        pool_code,
        stay_id,
        [kind.value for kind in kinds],
    )


_COLUMNS = "pool_code, doubt_id, institution_code, stay_id, kind, found::text as found, noted_at"


async def of_stay(tx: Connection, pool_code: str, stay_id: UUID, kind: DoubtKind) -> list[Doubt]:
    """Doubts of a kind about a stay that the caller may see."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from doubt where pool_code = $1 and stay_id = $2 and kind = $3",  # noqa: S608
        pool_code,
        stay_id,
        kind.value,
    )
    return [_from_row(row) for row in rows]


async def page(tx: Connection, pool_code: str, after: UUID, limit: int) -> list[Doubt]:
    """Doubts that the caller may see, oldest first, beyond `after`."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from doubt"  # noqa: S608 - a list of our own
        " where pool_code = $1 and doubt_id > $2 order by doubt_id limit $3",
        pool_code,
        after,
        limit,
    )
    return [_from_row(row) for row in rows]


def _from_row(row: Any) -> Doubt:
    told = {"kind": DoubtKind(row["kind"]), "found": orjson.loads(row["found"])}
    return Doubt(**(dict(row) | told))
