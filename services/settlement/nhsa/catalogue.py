"""The pool's catalogue, and a hospital's own codes for its items: 1312, 3301, 3302."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.settlement.actions.map_item import propose_mapping, revoke_code
from services.settlement.domain.catalogue import ItemKind, Listing
from services.settlement.nhsa.charges import LEVELS, NO_LIMIT, OWN_CODE
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.tables import ours
from services.settlement.store import agreements, catalogue
from services.settlement.store.catalogue import Found, Version
from shared.money import Money
from shared.plumbing.database import Connection
from shared.plumbing.edge import UNSEEN

_NAME = re.compile(rf"[^{UNSEEN}]*")
_PAGE_MOST = 1000
_FLAGS = {"0": False, "1": True}
_ONE_DAY = timedelta(days=1)


async def query(call: Call) -> bytes:
    """1312: what is in force on a day, else today, page by page; whoever asks by updt_time gets
    what was listed, began or ended since that day; what is over has vali_flag 0."""
    rows = call.input.rows("data")
    row = rows[0] if rows else Row("data", {}, {}, {})
    number, size = int(row.number("page_num") or 1), int(row.number("page_size") or 100)
    if not 1 <= number <= 1_000_000 or not 1 <= size <= _PAGE_MOST:
        raise row.wrong("page_size", "page")
    on = row.day("query_date") or call.scene.today
    kinds = [kind for kind in ItemKind if ours("list_types")[kind] == row.text("list_type")]
    if row.filled("list_type") and not kinds:
        raise row.wrong("list_type", "code")

    async def look(tx: Connection) -> tuple[Found, int | None]:
        found = await catalogue.in_force(
            tx,
            call.profile.pool_code,
            on,
            row.day("updt_time"),
            call.scene.today,
            item_code=row.text("hilist_code") or None,
            kinds=kinds or None,
            maternity=_FLAGS.get(row.text("matn_used_flag")),
            skip=(number - 1) * size,
            limit=size,
        )
        pool, institution = call.profile.pool_code, call.profile.institution_code
        return found, await agreements.own_level(tx, pool, institution, on)

    found, level = await call.seen(look)
    pages = -(-found.in_all // size)
    return call.done(
        {
            "data": [_shown(one, on, level) for one in found.versions],
            "pageNum": number,
            "pageSize": size,
            "size": len(found.versions),
            "recordCounts": found.in_all,
            "pages": pages,
            "firstPage": number == 1,
            "lastPage": number >= pages,
        }
    )


def _shown(one: Version, on: date, level: int | None) -> dict[str, Any]:
    item = one.listing
    own_rate = {"a": Decimal("0.0000"), "c": Decimal("1.0000")}
    return {
        "hilist_code": item.item_code,
        "hilist_name": item.name,
        "list_type": ours("list_types")[item.kind],
        "begndate": item.start.isoformat(),
        "enddate": (item.end - _ONE_DAY).isoformat() if item.end else "",
        "chrgitm_lv": LEVELS[item.item_class],
        "selfpay_prop": own_rate.get(item.item_class, item.first_copay_rate),
        "pric_uplmt_amt": _limit(item, level),
        **{f"lv{number}_pric_uplmt_amt": _limit(item, number) for number in (1, 2, 3)},
        "matn_used_flag": "1" if item.maternity else "0",
        "vali_flag": "0" if item.end and item.end <= on else "1",
        "updt_time": one.changed_at,
        "rid": str(one.revision),
    }


def _limit(item: Listing, level: int | None) -> Money | Decimal:
    """The highest price in scope for a hospital of a level: the level's own where there is one."""
    if item.level_limits is not None and level is not None:
        return item.level_limits[level - 1]
    return item.limit or NO_LIMIT


async def map_codes(call: Call) -> bytes:
    """3301: propose what own codes stand for, all of a call or none; the agency approves each."""
    rows = call.input.rows("data")

    async def effect(tx: Connection) -> Done:
        made = []
        for row in rows:
            last = row.day("enddate")
            proposed = await propose_mapping(
                tx, call.scene, _own_code(row), _own_name(row),
                row.text("med_list_codg"), row.day("begndate"), last + _ONE_DAY if last else None,
            )  # fmt: skip
            made.append(call.taken(proposed).mapping_id)
        return made[0], {}

    return await call.once(effect)


async def revoke_codes(call: Call) -> bytes:
    """3302: own codes stand for nothing from today on."""
    rows = call.input.rows("data")

    async def effect(tx: Connection) -> Done:
        gone = [
            call.taken(await revoke_code(tx, call.scene, _own_code(row), row.text("med_list_codg")))
            for row in rows
        ]
        return gone[0].mapping_id, {}

    return await call.once(effect)


def _own_code(row: Row) -> str:
    own_code = row.text("fixmedins_hilist_id")
    if not OWN_CODE.fullmatch(own_code):
        raise row.wrong("fixmedins_hilist_id", "own_code")
    return own_code


def _own_name(row: Row) -> str:
    """The name that the clerk who approves reads: as it was written, and nothing unseen in it."""
    own_name = row.text("fixmedins_hilist_name")
    if not _NAME.fullmatch(own_name):
        raise row.wrong("fixmedins_hilist_name", "unseen")
    return own_name
