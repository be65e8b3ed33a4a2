"""What a bill holds, item by item: told with the settlement, and no part of its price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import orjson

from shared.money import Money

ITEMS_MOST = 300
"""Items of one bill that are told: those of the greatest amounts."""


@dataclass(frozen=True, slots=True)
class ItemCharged:
    """The fee lines of one item summed: `lines` of them, on `days` different days."""

    item_code: str
    quantity: Decimal
    amount: Money
    in_scope: Money
    first_on: date
    last_on: date
    lines: int
    days: int


class StoredItems(NamedTuple):
    """A bill by item, as it is kept beside the stay and told: JSON, and how many items it leaves
    out."""

    text: str
    left_out: int


def stored_items(items: Sequence[ItemCharged]) -> StoredItems:
    """What is kept of a bill's items: the greatest amounts first, the code between equal ones."""
    by_amount = sorted(items, key=lambda item: (-item.amount.fen, item.item_code))
    kept = [_form(item) for item in by_amount[:ITEMS_MOST]]
    return StoredItems(orjson.dumps(kept).decode(), len(by_amount) - len(kept))


def _form(item: ItemCharged) -> dict[str, str | int]:
    return {
        "code": item.item_code,
        "quantity": f"{item.quantity.normalize():f}",
        "amount": item.amount.to_wire(),
        "in_scope": item.in_scope.to_wire(),
        "first_on": item.first_on.isoformat(),
        "last_on": item.last_on.isoformat(),
        "lines": item.lines,
        "days": item.days,
    }
