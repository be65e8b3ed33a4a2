"""Adjacent groups (ADRG) of MDC O, pregnancy and birth, by versions that are data.

A list that was published as its size alone is not made up: what would have to be looked for in it
is not grouped, and the answer names the group that it waits for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

GROUPINGS = Path(__file__).parent / "groupings"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GroupWords(_Strict):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Diagnoses(_Strict):
    """Which diagnoses a group asks for: codes of its list that are known, and the categories that
    the list is drawn from, `whole` where all codes of these are in it; `unlike` are known not to
    be."""

    of: Literal["principal", "secondary"] = "principal"
    codes: list[str] = []
    categories: list[str] = []
    whole: bool = False
    unlike: list[str] = []

    def holds(self, principal: str, secondary: Sequence[str]) -> bool | None:
        """Whether a record has one of them; None where the list would have to say."""
        asked = [principal] if self.of == "principal" else secondary
        if any(code in self.codes for code in asked):
            return True
        within = [c for c in asked if _starts(c, self.categories) and c not in self.unlike]
        if not within:
            return False
        return True if self.whole else None


class Group(_Strict):
    """An adjacent group. A surgical one asks for the main procedure; without `procedures` its list
    is not available."""

    adrg: str = Field(pattern=r"^O[A-Z][0-9]$")
    name: GroupWords
    surgical: bool
    diagnoses: Diagnoses | None = None
    procedures: dict[str, str] = {}

    def asks_for(self, principal: str, secondary: Sequence[str]) -> bool | None:
        """Whether the diagnoses fit; None where a list would have to say."""
        return True if self.diagnoses is None else self.diagnoses.holds(principal, secondary)


class Grouping(_Strict):
    """One version: its groups in the order in which they are tried, the first that fits wins.

    `categories` enter it, but for the codes `outside`; those `in_no_list` enter it and fit no
    group by their principal diagnosis. `also` are other versions that group alike.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    title: GroupWords
    also: list[str]
    source: str = Field(min_length=1)
    grade: Literal["A", "B", "C", "D"]
    checked_on: date
    categories: list[str]
    outside: list[str]
    in_no_list: list[str]
    episiotomy: list[str]
    procedures_of: str | None = None
    group: list[Group] = Field(min_length=1)


class Why(StrEnum):
    """Why a record has no group."""

    OUTSIDE = "outside"
    """Its principal diagnosis is of another chapter."""
    IN_NO_LIST = "in_no_list"
    """The version has no group for it."""
    LIST_NOT_AVAILABLE = "list_not_available"
    """Only a list that is not available could say."""


@dataclass(frozen=True, slots=True)
class Adrg:
    """The adjacent group of a record."""

    code: str


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """Why there is none, and the group whose list is missing."""

    why: Why
    waits_for: str = ""


def group(
    version: Grouping, principal: str, secondary: Sequence[str], procedures: Sequence[str]
) -> Adrg | Ungrouped:
    """The adjacent group of a record: the first of `procedures` is its main one.

    No version looks at the person's sex; a rule does.
    """
    if not _starts(principal, version.categories) or principal in version.outside:
        return Ungrouped(Why.OUTSIDE)
    main = procedures[0] if procedures else ""
    for number, one in enumerate(version.group):
        if one.surgical:
            fits = _operated(one, version.group[number + 1 :], principal, secondary, main)
        elif one.diagnoses and one.diagnoses.of == "principal" and principal in version.in_no_list:
            fits = False
        else:
            fits = one.asks_for(principal, secondary)
        if fits is None:
            return Ungrouped(Why.LIST_NOT_AVAILABLE, one.adrg)
        if fits:
            return Adrg(one.adrg)
    return Ungrouped(Why.IN_NO_LIST)


def episiotomy_moves(
    version: Grouping, principal: str, secondary: Sequence[str], procedures: Sequence[str]
) -> tuple[str, str] | None:
    """From which group to which an episiotomy alone moves a birth; None where it does not."""
    without = [code for code in procedures if code not in version.episiotomy]
    if len(without) == len(procedures):
        return None
    before = group(version, principal, secondary, without)
    after = group(version, principal, secondary, procedures)
    if isinstance(before, Adrg) and isinstance(after, Adrg) and before != after:
        return before.code, after.code
    return None


def _operated(
    one: Group, later: Sequence[Group], principal: str, secondary: Sequence[str], main: str
) -> bool | None:
    """Whether a surgical group fits. A procedure that the known list of a later group names, whose
    diagnoses fit too, is not looked for in a list that is not available."""
    if not main:
        return False
    if one.procedures:
        return one.asks_for(principal, secondary) if main in one.procedures else False
    if one.asks_for(principal, secondary) is False:
        return False
    named = any(main in g.procedures and g.asks_for(principal, secondary) for g in later)
    return False if named else None


def _starts(code: str, categories: Sequence[str]) -> bool:
    return code.startswith(tuple(categories))


@cache
def read_groupings(folder: Path = GROUPINGS) -> dict[str, Grouping]:
    """All versions by id and by the names of those that group alike. Raises ValueError for a file
    that is not whole, and for two of one name."""
    read = [
        Grouping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.toml"))
    ]
    by_id = {one.id: one for one in read}
    found: dict[str, Grouping] = {}
    for one in read:
        whole = _with_procedures(one, by_id)
        for name in (one.id, *one.also):
            if name in found:
                raise ValueError(f"two groupings are named {name}")
            found[name] = whole
    return found


def known_grouping(name: str) -> str:
    """The name of a version. Raises ValueError for one that there is not."""
    if name not in read_groupings():
        raise ValueError(f"no grouping is named {name}")
    return name


def _with_procedures(one: Grouping, by_id: dict[str, Grouping]) -> Grouping:
    """The version with the lists that it takes over from another, beside its own."""
    if one.procedures_of is None:
        return one
    if one.procedures_of not in by_id:
        raise ValueError(f"{one.id} takes its lists from no version that there is")
    lists = {each.adrg: each.procedures for each in by_id[one.procedures_of].group}
    groups = [
        each.model_copy(update={"procedures": lists.get(each.adrg, {}) | each.procedures})
        for each in one.group
    ]
    return one.model_copy(update={"group": groups})
