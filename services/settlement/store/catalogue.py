"""Statements about the catalogue: what an item was on a day, what changed, what is imported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.settlement.domain.catalogue import ItemKind, Listing
from services.settlement.domain.line import CatalogueItem
from shared.money import Money
from shared.plumbing.clock import TIME_ZONE
from shared.plumbing.database import Connection
from shared.policy.shapes import DeliveryMode

# Only an item with limits by level asks of which level the hospital is.
_ITEMS = """
select asked.item_code as asked_code, asked.on_day, i.class, i.first_copay_rate, i.maternity,
       coalesce(
           case when i.level_limits_fen is not null then i.level_limits_fen[(
               select a.level from agreement a
               where a.pool_code = $1 and a.institution_code = $4 and a.valid @> asked.on_day)] end,
           i.limit_fen) as limit_fen
from unnest($2::text[], $3::date[]) asked(item_code, on_day)
join catalogue_item i
  on i.pool_code = $1 and i.item_code = asked.item_code and i.valid @> asked.on_day
"""


async def items(
    tx: Connection, pool_code: str, institution_code: str, asked: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], CatalogueItem]:
    """The catalogue's items by (code, day), as they are for a hospital; what no catalogue names is
    missing."""
    rows = await tx.fetch(
        _ITEMS, pool_code, [code for code, _ in asked], [day for _, day in asked], institution_code
    )
    return {
        (row["asked_code"], row["on_day"]): CatalogueItem(
            item_code=row["asked_code"],
            item_class=row["class"],
            first_copay_rate=row["first_copay_rate"],
            limit=Money(row["limit_fen"]) if row["limit_fen"] else None,
            maternity=row["maternity"],
        )
        for row in rows
    }


class Named(NamedTuple):
    """What the catalogue calls an item, and which catalogue it is of."""

    name: str
    kind: ItemKind


async def named(
    tx: Connection, pool_code: str, asked: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], Named]:
    """Items by (code, day); what no catalogue names is missing."""
    rows = await tx.fetch(
        "select asked.item_code, asked.on_day, i.name, i.kind"
        " from unnest($2::text[], $3::date[]) asked(item_code, on_day) join catalogue_item i"
        " on i.pool_code = $1 and i.item_code = asked.item_code and i.valid @> asked.on_day",
        pool_code,
        [code for code, _ in asked],
        [day for _, day in asked],
    )
    return {
        (row["item_code"], row["on_day"]): Named(row["name"], ItemKind(row["kind"])) for row in rows
    }


class Page(NamedTuple):
    """A part of the catalogue, and the revision of its last item: what comes later is above it."""

    listings: list[Listing]
    last: int


async def lock(tx: Connection, pool_code: str) -> int:
    """Change the pool's catalogue alone until the transaction ends; its latest revision."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended('catalogue/' || $1::text, 0))", pool_code
    )
    found: int = await tx.fetchval(
        "select coalesce(max(revision), 0) from catalogue_item where pool_code = $1", pool_code
    )
    return found


_INSERT = """
insert into catalogue_item (pool_code, item_code, name, class, first_copay_rate, limit_fen, valid,
                            made_by, made_at, kind, maternity, level_limits_fen, revision, changed_at,
                            delivery_mode)
values ($1, $2, $3, $4, $5, $6, daterange($7, $8), $9, $10, $11, $12, $13, $14, $10, $15)
"""


async def insert_listing(
    tx: Connection, pool_code: str, one: Listing, revision: int, by: str, at: datetime
) -> bool:
    """List an item; False when it overlaps another version of the item."""
    levels = [limit.fen for limit in one.level_limits] if one.level_limits else None
    try:
        async with tx.transaction():
            await tx.execute(
                _INSERT,
                pool_code, one.item_code, one.name, one.item_class, one.first_copay_rate,
                one.limit.fen if one.limit else None, one.start, one.end, by, at, one.kind.value,
                one.maternity, levels, revision, one.delivery_mode,
            )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        return False
    return True


_END = """
update catalogue_item set valid = daterange(lower(valid), $3), revision = $4, changed_at = $5
where pool_code = $1 and item_code = $2 and lower(valid) < $3
  and (upper(valid) > $3 or upper_inf(valid))
returning lower(valid) as start
"""


async def end_listing(
    tx: Connection, pool_code: str, item_code: str, end: date, revision: int, at: datetime
) -> date | None:
    """End the version that is in force on the day before `end`; its first day, None without one."""
    start: date | None = await tx.fetchval(_END, pool_code, item_code, end, revision, at)
    return start


class Version(NamedTuple):
    """A version of an item, the revision that made it what it is, and since when it is."""

    listing: Listing
    revision: int
    changed_at: datetime


class Found(NamedTuple):
    """A page of the versions that were asked for, and how many there are in all."""

    versions: list[Version]
    in_all: int


# Whoever reads page by page must find each item once, though the catalogue changes meanwhile: what
# was in the list stays there, in its place. So what is ended stays for a day in a list of all, and
# what changed, began or ended since a day is never out of that list again.
_ASKED = """
from catalogue_item
where pool_code = $1 and lower(valid) <= $2::date
  and ($3::text is null or item_code = $3) and ($4::text[] is null or kind = any($4))
  and ($5::boolean is null or maternity = $5)
  and case when $6::date is null
      then valid @> $2 or ($3 is null and changed_at > made_at and changed_at >= $7::timestamptz)
      else changed_at >= $7 or lower(valid) >= $6 or (upper(valid) > $6 and upper(valid) <= $2) end
"""


async def in_force(
    tx: Connection, pool_code: str, on: date, since: date | None, today: date, *,
    item_code: str | None, kinds: Sequence[ItemKind] | None, maternity: bool | None, skip: int,
    limit: int,
) -> Found:  # fmt: skip
    """What is in force on a day, or, of what has begun by it, what is otherwise than it was before
    the day `since`: ended, too. By item and first day."""
    changed = datetime.combine(since or today - timedelta(days=1), time(), TIME_ZONE)
    asked = (
        pool_code, on, item_code, [kind.value for kind in kinds] if kinds else None, maternity,
        since, changed,
    )  # fmt: skip
    in_all: int = await tx.fetchval("select count(*)" + _ASKED, *asked)
    rows = await tx.fetch(
        "select *, lower(valid) as starts, upper(valid) as ends" + _ASKED
        + "order by item_code, lower(valid) offset $8 limit $9", *asked, skip, limit,
    )  # fmt: skip
    return Found(
        [Version(listing_from_row(row), row["revision"], row["changed_at"]) for row in rows], in_all
    )


_PAGE = """
select item_code, name, kind, class, first_copay_rate, limit_fen, level_limits_fen, maternity,
       delivery_mode, lower(valid) as starts, upper(valid) as ends, revision
from catalogue_item
where pool_code = $1 and revision > $2 and changed_at >= $3::timestamptz
  and ($4::text is null or kind = $4)
order by revision limit $5
"""


async def page(
    tx: Connection, pool_code: str, after: int, since: datetime, kind: str | None, limit: int
) -> Page:
    """Versions of items beyond a revision that changed since a moment, in the order of change."""
    rows = await tx.fetch(_PAGE, pool_code, after, since, kind, limit)
    return Page([listing_from_row(row) for row in rows], rows[-1]["revision"] if rows else after)


def listing_from_row(row: Any) -> Listing:
    """A version of an item from its row, in force or waiting to be."""
    levels = row["level_limits_fen"]
    return Listing(
        item_code=row["item_code"],
        name=row["name"],
        kind=ItemKind(row["kind"]),
        item_class=row["class"],
        first_copay_rate=row["first_copay_rate"],
        limit=Money(row["limit_fen"]) if row["limit_fen"] else None,
        level_limits=(Money(levels[0]), Money(levels[1]), Money(levels[2])) if levels else None,
        maternity=row["maternity"],
        start=row["starts"],
        end=row["ends"],
        delivery_mode=DeliveryMode(row["delivery_mode"]) if row["delivery_mode"] else None,
    )


class Import(NamedTuple):
    """A file of items that was proposed, and by whom."""

    import_id: UUID
    rows: int
    state: str
    proposed_by: str
    proposed_at: datetime
    file_hash: str


async def propose(tx: Connection, pool_code: str, proposed: Import) -> None:
    """Note a proposal, before its rows."""
    await tx.execute(
        "insert into catalogue_import values ($1, $2, $3, $4, $5, $6, $7)",
        pool_code, proposed.import_id, proposed.file_hash, proposed.rows, proposed.state,
        proposed.proposed_by, proposed.proposed_at,
    )  # fmt: skip


_ROW_NAMES = (
    "pool_code", "import_id", "line_number", "item_code", "name", "kind", "class",
    "first_copay_rate", "limit_fen", "level_limits_fen", "maternity", "starts", "ends",
    "delivery_mode",
)  # fmt: skip


async def propose_rows(
    tx: Connection, pool_code: str, import_id: UUID, first: int, listings: Sequence[Listing]
) -> None:
    """Rows of a proposal, numbered from `first`."""
    await tx.copy_records_to_table(
        "catalogue_import_item",
        columns=_ROW_NAMES,
        records=[
            (
                pool_code, import_id, number, one.item_code, one.name, one.kind.value,
                one.item_class, one.first_copay_rate, one.limit.fen if one.limit else None,
                [limit.fen for limit in one.level_limits] if one.level_limits else None,
                one.maternity, one.start, one.end, one.delivery_mode,
            )
            for number, one in enumerate(listings, first)
        ],
    )  # fmt: skip


async def imports(tx: Connection, pool_code: str, state: str, limit: int) -> list[Import]:
    """Proposals in a state, oldest first."""
    rows = await tx.fetch(
        "select import_id, rows, state, proposed_by, proposed_at, file_hash from catalogue_import"
        " where pool_code = $1 and state = $2 order by import_id limit $3",
        pool_code,
        state,
        limit,
    )
    return [Import(*row) for row in rows]


async def find_import(tx: Connection, pool_code: str, import_id: UUID) -> Import | None:
    """A proposal, held until the transaction ends."""
    row = await tx.fetchrow(
        "select import_id, rows, state, proposed_by, proposed_at, file_hash from catalogue_import"
        " where pool_code = $1 and import_id = $2 for update",
        pool_code,
        import_id,
    )
    return Import(*row) if row else None


async def decide_import(
    tx: Connection, pool_code: str, import_id: UUID, state: str, by: str, at: datetime
) -> None:
    """Close a proposal; its rows are in the catalogue, or gone."""
    await tx.execute(
        "update catalogue_import set state = $3, decided_by = $4, decided_at = $5"
        " where pool_code = $1 and import_id = $2",
        pool_code, import_id, state, by, at,
    )  # fmt: skip
    await tx.execute(
        "delete from catalogue_import_item where pool_code = $1 and import_id = $2",
        pool_code,
        import_id,
    )


# What stands as it is proposed is left alone. A version that runs on is ended by its successor; one
# that begins later, or on the same day with other facts, stands in the way.
_KNOWN = """
delete from catalogue_import_item s using catalogue_item c
where s.pool_code = $1 and s.import_id = $2 and c.pool_code = $1 and c.item_code = s.item_code
  and c.valid = daterange(s.starts, s.ends)
  and (c.name, c.kind, c.class, c.first_copay_rate, c.maternity)
      = (s.name, s.kind, s.class, s.first_copay_rate, s.maternity)
  and c.limit_fen is not distinct from s.limit_fen
  and c.level_limits_fen is not distinct from s.level_limits_fen
  and c.delivery_mode is not distinct from s.delivery_mode
"""
# Of several successors in one file the earliest ends the version that runs on.
_SUCCEED = """
update catalogue_item c
set valid = daterange(lower(c.valid), s.starts), revision = $3 + s.line_number, changed_at = $4
from catalogue_import_item s
where s.pool_code = $1 and s.import_id = $2 and c.pool_code = $1 and c.item_code = s.item_code
  and c.valid @> s.starts and lower(c.valid) < s.starts
  and not exists (
      select from catalogue_import_item e
      where e.pool_code = $1 and e.import_id = $2 and e.item_code = s.item_code
        and e.starts < s.starts and c.valid @> e.starts and lower(c.valid) < e.starts)
"""
_LIST = """
insert into catalogue_item (pool_code, item_code, name, class, first_copay_rate, limit_fen, valid,
                            made_by, made_at, kind, maternity, level_limits_fen, revision, changed_at,
                            import_id, delivery_mode)
select pool_code, item_code, name, class, first_copay_rate, limit_fen, daterange(starts, ends), $5, $4,
       kind, maternity, level_limits_fen, $3 + line_number, $4, import_id, delivery_mode
from catalogue_import_item where pool_code = $1 and import_id = $2
"""


async def take_import(
    tx: Connection, pool_code: str, taken: Import, revision: int, at: datetime
) -> bool:
    """Put a proposal's rows in force, those that end first below those that begin; False when one
    overlaps a version that it does not succeed, and nothing is done."""
    key = (pool_code, taken.import_id)
    try:
        async with tx.transaction():
            await tx.execute(_KNOWN, *key)
            await tx.execute(_SUCCEED, *key, revision, at)
            await tx.execute(_LIST, *key, revision + taken.rows, at, taken.proposed_by)
    except asyncpg.ExclusionViolationError:
        return False
    return True
