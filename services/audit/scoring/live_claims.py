"""Claims as the service holds them, on the same columnar engine as a file of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ibis
import pyarrow as pa

from services.audit.scoring.claims_file import AMOUNTS, COLUMNS, History, with_month

_KINDS = {
    "VARCHAR": pa.string(),
    "SMALLINT": pa.int16(),
    "TINYINT": pa.int8(),
    "DATE": pa.date32(),
}
_FORM = pa.schema(
    [(name, pa.int64() if name in AMOUNTS else _KINDS[kind]) for name, kind in COLUMNS.items()]
)


_ITEMS = pa.schema(
    {
        "claim_id": pa.string(), "item_code": pa.string(), "quantity": pa.decimal128(12, 3),
        "amount": pa.int64(), "first_day": pa.date32(), "last_day": pa.date32(),
        "lines": pa.int32(), "days": pa.int32(),
    }
)  # fmt: skip


@contextmanager
def held(
    rows: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]] = ()
) -> Iterator[History]:
    """Rows in the form of a claims file and of its bills by item, amounts in fen, for as long as
    the context lasts."""
    engine = ibis.duckdb.connect()
    try:
        told = ibis.memtable(pa.Table.from_pylist(list(rows), schema=_FORM))
        billed = ibis.memtable(pa.Table.from_pylist(list(items), schema=_ITEMS))
        yield History(
            engine,
            engine.create_table("claims", with_month(told)),
            engine.create_table("items", billed) if items else None,
        )
    finally:
        engine.disconnect()
