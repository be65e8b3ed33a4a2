"""Groups of catalogue items, as rules speak of them: which codes mean a bed, a nurse, a newborn.

An agency names its own codes (`library`), one set for all its pools or one for each.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
)

from services.audit.domain.case import Billed, Item
from shared.money import Money

_CODES_KEPT = 1 << 16
_NOTHING = Billed(Decimal(0), Money(0))


Code = Annotated[str, StringConstraints(min_length=1)]
"""A code, or its beginning: an empty one would be that of every item."""


class ItemGroup(BaseModel):
    """One group: whole codes, and beginnings of codes. An empty one says that the catalogue has no
    code of its own for such items."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    codes: list[Code] = []
    prefixes: list[Code] = []

    def holds(self, code: str) -> bool:
        """Whether a catalogue code belongs to the group."""
        return code in self.codes or code.startswith(tuple(self.prefixes))

    @property
    def is_empty(self) -> bool:
        """Whether no code at all belongs to it."""
        return not self.codes and not self.prefixes


_Read = TypeAdapter(dict[str, ItemGroup])


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """The groups of one catalogue, by name."""

    by_name: Mapping[str, ItemGroup]
    _of_codes: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of(self, code: str) -> tuple[str, ...]:
        """The groups that a catalogue code belongs to."""
        known = self._of_codes.get(code)
        if known is None:
            known = tuple(name for name, group in self.by_name.items() if group.holds(code))
            if len(self._of_codes) < _CODES_KEPT:
                self._of_codes[code] = known
        return known

    def marked(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """The items, each with the groups that it belongs to."""
        return tuple(replace(item, groups=self.of(item.code)) for item in items)

    def know(self, codes: Collection[str]) -> bool:
        """Whether a bill is written in the codes of this catalogue: at least half of its items are
        of some group. What a bill in foreign codes lacks nobody can say."""
        return 2 * sum(bool(self.of(code)) for code in codes) >= len(codes)

    def billed(self, items: Sequence[Item], *, whole: bool) -> dict[str, Billed]:
        """What a case's items come to by group. Where items were left out (`whole` is false), or
        the bill is in foreign codes, a group without any is not told, and neither is ever one that
        the catalogue has no code for: that nothing was billed under it is not known."""
        those: dict[str, list[Item]] = {}
        if whole and self.know([item.code for item in items]):
            those = {name: [] for name, group in self.by_name.items() if not group.is_empty}
        for item in items:
            for name in self.of(item.code):
                those.setdefault(name, []).append(item)
        return {name: _billed(found) for name, found in those.items()}


@dataclass(frozen=True, slots=True)
class GroupsOfPools:
    """The groups of each pool: its own where it has a catalogue of its own, else those of all."""

    of_all: ItemGroups
    own: Mapping[str, ItemGroups] = field(default_factory=dict)

    def of_pool(self, pool_code: str) -> ItemGroups:
        """The groups in which bills of a pool are read."""
        return self.own.get(pool_code, self.of_all)


def _billed(found: Sequence[Item]) -> Billed:
    if not found:
        return _NOTHING
    return Billed(
        sum((item.quantity for item in found), Decimal(0)),
        Money.total(item.amount for item in found),
    )


def read_groups(text: str, names: Collection[str] = ()) -> ItemGroups:
    """The groups of a file; each of `names` must be there, if need be without any code. Raises
    ValueError."""
    read = _Read.validate_python(tomllib.loads(text))
    missing = sorted(set(names) - read.keys())
    if missing:
        raise ValueError(f"groups are missing, leave those without a code empty: {missing}")
    return ItemGroups(read)


SHIPPED_GROUPS = GroupsOfPools(
    read_groups(Path(__file__).with_name("item_groups.toml").read_text(encoding="utf-8"))
)
"""Those of the demo's and the examples' catalogues."""


def _known_group(name: str, info: ValidationInfo) -> str:
    """A file of rules is read beside the groups that it may speak of."""
    if info.context is not None and name not in info.context:
        raise ValueError(f"no group of items is called {name}")
    return name


Group = Annotated[str, AfterValidator(_known_group)]
"""The name of a group, as a parameter of a rule."""


def in_group(items: Sequence[Item], name: str) -> list[Item]:
    """The items of a group, in their order."""
    return [item for item in items if name in item.groups]
