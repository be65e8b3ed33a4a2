"""The pool's catalogue: drugs, treatments, facilities and materials, each in force for a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from shared.money import Money
from shared.policy.shapes import DeliveryMode


class ItemKind(StrEnum):
    """Which catalogue an item is of."""

    DRUG = "drug"
    TREATMENT = "treatment"
    FACILITY = "facility"
    MATERIAL = "material"


@dataclass(frozen=True, slots=True)
class Listing:
    """A version of an item, in force from `start` until (exclusive) `end`, or without end.

    `limit` is the highest price of one unit in scope; `level_limits` those of hospitals of level 1,
    2 and 3, which count instead where they are given. `delivery_mode` is how a child is born where
    the item is charged: an operation, or care at birth.
    """

    item_code: str
    name: str
    kind: ItemKind
    item_class: str
    first_copay_rate: Decimal
    limit: Money | None
    level_limits: tuple[Money, Money, Money] | None
    maternity: bool
    start: date
    end: date | None
    delivery_mode: DeliveryMode | None = None


def twice_listed(listings: Sequence[Listing]) -> list[int]:
    """The places, from 1, of versions that overlap another one of the same item in one list."""
    by_item: dict[str, list[tuple[date, date, int]]] = {}
    for place, one in enumerate(listings, 1):
        by_item.setdefault(one.item_code, []).append((one.start, one.end or date.max, place))
    amiss: list[int] = []
    for versions in by_item.values():
        versions.sort()
        latest = versions[0][1]
        for start, end, place in versions[1:]:
            if start < latest:
                amiss.append(place)
            latest = max(latest, end)
    return sorted(amiss)
