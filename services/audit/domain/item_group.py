"""Groups of catalogue items, as rules speak of them: which codes mean a bed, a nurse, a newborn."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.audit.domain.case import Billed, Item
from shared.money import Money


class ItemGroup(BaseModel):
    """One group: whole codes, and beginnings of codes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    codes: list[str] = []
    prefixes: list[str] = []

    def holds(self, code: str) -> bool:
        """Whether a catalogue code belongs to the group."""
        return code in self.codes or code.startswith(tuple(self.prefixes))


def _read() -> dict[str, ItemGroup]:
    text = Path(__file__).with_name("item_groups.toml").read_text(encoding="utf-8")
    return {name: ItemGroup.model_validate(raw) for name, raw in tomllib.loads(text).items()}


ITEM_GROUPS: Mapping[str, ItemGroup] = _read()
_NOTHING = Billed(Decimal(0), Money(0))


def known_group(name: str) -> str:
    """The name itself. Raises ValueError for a group that no data names."""
    if name not in ITEM_GROUPS:
        raise ValueError(f"no group of items is called {name}")
    return name


@lru_cache(maxsize=1 << 16)
def groups_of(code: str) -> tuple[str, ...]:
    """The groups that a catalogue code belongs to."""
    return tuple(name for name, group in ITEM_GROUPS.items() if group.holds(code))


def in_group(items: Sequence[Item], name: str) -> list[Item]:
    """The items of a group, in their order."""
    return [item for item in items if name in groups_of(item.code)]


def billed_by_group(items: Sequence[Item], *, whole: bool) -> dict[str, Billed]:
    """What a case's items come to by group. Where items were left out (`whole` is false), a group
    without any is not told: that nothing was billed under it is not known."""
    those: dict[str, list[Item]] = {name: [] for name in ITEM_GROUPS} if whole else {}
    for item in items:
        for name in groups_of(item.code):
            those.setdefault(name, []).append(item)
    return {
        name: Billed(
            sum((item.quantity for item in found), Decimal(0)),
            Money.total(item.amount for item in found),
        )
        if found
        else _NOTHING
        for name, found in those.items()
    }
