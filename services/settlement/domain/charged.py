"""What a bill holds, item by item: told with the settlement, and no part of its price."""

from __future__ import annotations

from typing import NamedTuple

ITEMS_MOST = 300
"""Items of one bill that are told: those of the greatest amounts."""


class StoredItems(NamedTuple):
    """A bill by item, as it is kept beside the stay and told: JSON, and how many items it leaves
    out."""

    text: str
    left_out: int
