"""The course of prenatal care as a visit met it when it was settled, from what is kept of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from deploy.verify.stores import Stores
from services.settlement.domain.course import Course, Designation, UnitEntry
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.store.courses import entry_from_row
from shared.period import Period

_ENTRIES = "select * from unit_entry where pregnancy_id = any($1) order by unit, number"
_DESIGNATIONS = "select * from designation where pregnancy_id = any($1) order by number"
_ENDINGS = """
select pregnancy_id, min(settlement_id::text) as first from settlement
where pregnancy_id = any($1) and benefit in ('delivery', 'loss') and reverses is null
group by pregnancy_id
"""


@dataclass
class History:
    """All of a pregnancy's entries, with the settlement of each; its designations, with the instant
    of each; and the first settlement that ended it."""

    entries: list[tuple[UUID, UnitEntry]] = field(default_factory=list)
    designations: list[tuple[datetime, Designation]] = field(default_factory=list)
    ended: UUID | None = None

    def before(self, pregnancy: Pregnancy, row: asyncpg.Record) -> tuple[Pregnancy, Course]:
        """The pregnancy and its course as the settlement of `row` met them."""
        own = row["settlement_id"]
        numbers = {entry.unit: entry.number for by, entry in self.entries if by == own}

        def was_there(by: UUID, entry: UnitEntry) -> bool:
            # A unit's own numbers tell their order; where the visit used nothing of it, the ids do.
            number = numbers.get(entry.unit)
            return by < own if number is None else entry.number < number

        if self.ended is not None and own < self.ended:
            open_then = Period(pregnancy.period.start)
            pregnancy = replace(pregnancy, period=open_then, ended_by=None, delivered_on=None)
        course = Course(
            designations=tuple(d for at, d in self.designations if at <= row["settled_at"]),
            entries=tuple(entry for by, entry in self.entries if was_there(by, entry)),
        )
        return pregnancy, course


async def histories_of(stores: Stores, rows: Sequence[asyncpg.Record]) -> Mapping[UUID, History]:
    """The histories of the pregnancies that some settlements' visits belong to."""
    ids = list({row["pregnancy_id"] for row in rows if row["benefit"] == "prenatal"})
    found: dict[Any, History] = defaultdict(History)
    if not ids:
        return found
    for row in await stores.settlement.fetch(_ENTRIES, ids):
        found[row["pregnancy_id"]].entries.append((row["settlement_id"], entry_from_row(row)))
    for row in await stores.settlement.fetch(_DESIGNATIONS, ids):
        designation = Designation(row["institution_code"], row["since"])
        found[row["pregnancy_id"]].designations.append((row["recorded_at"], designation))
    for row in await stores.settlement.fetch(_ENDINGS, ids):
        found[row["pregnancy_id"]].ended = UUID(row["first"])
    return found
