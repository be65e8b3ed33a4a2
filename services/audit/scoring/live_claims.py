"""Claims as the service holds them, on the same columnar engine as a file of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from services.audit.domain.claim import Claim
from services.audit.domain.claim_row import claim_row, item_rows, regions
from services.audit.domain.item_group import ItemGroups
from services.audit.scoring.claims_file import AMOUNTS, COLUMNS, History, with_month

_KINDS = {
    "VARCHAR": pa.string(),
    "SMALLINT": pa.int16(),
    "TINYINT": pa.int8(),
    "DATE": pa.date32(),
}
FORM = pa.schema(
    [(name, pa.int64() if name in AMOUNTS else _KINDS[kind]) for name, kind in COLUMNS.items()]
)
"""The columns of a claims file, amounts in fen."""

_ITEMS = pa.schema(
    {
        "claim_id": pa.string(), "item_code": pa.string(), "quantity": pa.decimal128(12, 3),
        "amount": pa.int64(), "first_day": pa.date32(), "last_day": pa.date32(),
        "lines": pa.int32(), "days": pa.int32(),
    }
)  # fmt: skip


class LiveClaims:
    """A pool's claims, taken in part by part: as columns, and one by one without their items. With
    them, a claim weighed twice as much, and half a million came to six gigabytes."""

    def __init__(self, groups: ItemGroups) -> None:
        """`groups` are the pool's."""
        self.claims: list[Claim] = []
        self._groups = groups
        self._rows: list[pa.RecordBatch] = []
        self._items: list[pa.RecordBatch] = []
        self._whole: pa.Table | None = None

    def add(self, some: Sequence[Claim]) -> None:
        """Take in more of them."""
        rows = [claim_row(claim, "", self._groups) for claim in some]
        self._rows.append(pa.RecordBatch.from_pylist(rows, FORM))
        items = [item for claim in some for item in item_rows(claim)]
        self._items.append(pa.RecordBatch.from_pylist(items, _ITEMS))
        self.claims += [replace(claim, items=None) for claim in some]
        self._whole = None

    def rows(self, until: date | None = None) -> pa.Table:
        """All of them, or those discharged before a day, in the form of a claims file."""
        # Both the series and the scores of a pool ask, and the regions sort all of its claims.
        if self._whole is None:
            self._whole = self._with_regions()
        whole = self._whole
        return whole if until is None else whole.filter(pc.field("discharge_date") < until)

    def _with_regions(self) -> pa.Table:
        of = regions(self.claims)
        lie = pa.array([of[claim.institution_code] for claim in self.claims], pa.string())
        table = pa.Table.from_batches(self._rows, FORM)
        return table.set_column(FORM.get_field_index("region"), "region", lie)

    def items(self) -> pa.Table:
        """Their bills by item."""
        return pa.Table.from_batches(self._items, _ITEMS)


@contextmanager
def held(rows: pa.Table, items: pa.Table | None = None) -> Iterator[History]:
    """Claims in the form of a claims file and their bills by item, amounts in fen, for as long as
    the context lasts."""
    engine = ibis.duckdb.connect()
    try:
        yield History(
            engine,
            engine.create_table("claims", with_month(ibis.memtable(rows))),
            engine.create_table("items", ibis.memtable(items)) if items else None,
        )
    finally:
        engine.disconnect()
