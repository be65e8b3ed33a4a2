"""What no run may ever miss again: a file beside the run file, a line a row, with its hash."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

from deploy.verify.stores import Stores

_KEPT = {
    "enrollment": {"log": "select id::text, md5(l::text) from log l"},
    "settlement": {
        "log": "select id::text, md5(l::text) from log l",
        "settlement": "select settlement_id::text, md5(s::text) from settlement s",
        "adjustment": "select adjustment_id::text, md5((to_jsonb(a) - array['state', 'decided_by',"
        " 'decided_at', 'account_month', 'endorsed_by'])::text) from adjustment a",
        "entitlement_revision": "select entitlement_id || '/' || version, md5(r::text)"
        " from entitlement_revision r",
        "posting": "select posting_id::text, md5(p::text) from posting p",
    },
    "audit": {"log": "select id::text, md5(l::text) from log l"},
}
"""What is never edited. A row's text holds every column, in the table's order; of an adjustment
only what became of it is added later."""

Rows = dict[tuple[str, str], str]


async def missing_since_last(stores: Stores) -> list[str]:
    """Rows of the last snapshot that are gone or changed; with none, the new one replaces it.

    Where something is missing the old snapshot stays, so that the next run finds it too.
    """
    before = await asyncio.to_thread(_read, stores.snapshot)
    now = await _take(stores)
    wrong = [
        f"{'gone' if row not in now else 'changed'}: {row[0]} {row[1]}"
        for row, content in before.items()
        if now.get(row) != content
    ]
    if not wrong:
        await asyncio.to_thread(_write, stores.snapshot, now)
    return wrong


async def _take(stores: Stores) -> Rows:
    return {
        (f"{service}.{table}", row[0]): row[1]
        for service, tables in _KEPT.items()
        for table, statement in tables.items()
        for row in await stores.of(service).fetch(statement)
    }


def _read(file: Path) -> Rows:
    if not file.exists():
        return {}
    with gzip.open(file, "rt", encoding="ascii") as lines:
        parts = (line.split() for line in lines)
        return {(table, row): content for table, row, content in parts}


def _write(file: Path, rows: Rows) -> None:
    whole = file.with_name(file.name + ".new")
    with gzip.open(whole, "wt", encoding="ascii", compresslevel=1) as lines:
        lines.writelines(f"{table} {row} {content}\n" for (table, row), content in rows.items())
    whole.replace(file)
