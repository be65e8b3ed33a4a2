"""A prenatal or postnatal check, and what of a pregnancy's limits was used before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.money import Money


@dataclass(frozen=True, slots=True)
class HeadSlice:
    """The weeks of a head that one hospital may claim, from `from_week` up to `until_week`.

    Absent weeks: the head as a whole.
    """

    from_week: int | None = None
    until_week: int | None = None


@dataclass(frozen=True, slots=True)
class Prenatal:
    """A visit in `week` of gestation, or in the unit that the case names.

    `used` is what the fund paid before, by unit of this pregnancy. `high_risk`: the high-risk rule
    sends her to a better hospital before that unit's window.
    """

    week: int | None = None
    unit: str | None = None
    high_risk: bool = False
    first_visit: bool = False
    postnatal: bool = False
    head: HeadSlice | None = None
    used: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitUse:
    """What a case uses of a limit that belongs to the whole pregnancy."""

    unit: str
    amount: Money
    limit: Money
