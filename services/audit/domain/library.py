"""What an agency sets of audit in a folder of its own, without a release: further rules and new
versions of those that ship, its codes by group of items, and how long each step of a review may
take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from services.audit.domain.item_group import (
    SHIPPED_GROUPS,
    GroupsOfPools,
    ItemGroups,
    read_groups,
)
from services.audit.domain.rule import OWN_VERSIONS, RULES, Rule, RuleBook, as_book, compile_rule
from services.audit.domain.time_limits import SHIPPED_TIME_LIMITS, TimeLimits, read_time_limits
from shared.policy.lines import Place, line_of

RULES_FOLDER, GROUPS_FILE = "rules", "item_groups.toml"
# The name under which agencies keep theirs is older than ours.
TIME_LIMITS_FILE = "clocks.toml"
_POOL = re.compile(r"[0-9]{6}")

_Read = TypeVar("_Read")


class BadLibrary(ValueError):
    """What a folder says that cannot be used: `file:line: what is wrong`, a line each."""


@dataclass(frozen=True, slots=True)
class Library:
    """The rules with the groups that they speak of, and the time limits of a review."""

    rules: RuleBook
    time_limits: TimeLimits


def read_library(folder: Path | None = None) -> Library:
    """What ships, and what a folder sets in its stead. Raises BadLibrary."""
    shipped = [_read_file(path, _rule_with(SHIPPED_GROUPS)) for path in _rules_of(RULES)]
    if folder is None:
        return Library(as_book(shipped, SHIPPED_GROUPS), SHIPPED_TIME_LIMITS)
    if not folder.is_dir():
        raise BadLibrary(f"{folder}: no such folder")
    _nothing_strange(folder)
    groups = _groups_of(folder)
    own = {path: _read_file(path, _own_rule(groups)) for path in _rules_of(folder / RULES_FOLDER)}
    try:
        book = as_book([*shipped, *own.values()], groups)
    except ValueError as error:
        raise BadLibrary(f"{_blamed(error, own)}: {error}") from None
    own_limits = folder / TIME_LIMITS_FILE
    if not own_limits.exists():
        return Library(book, SHIPPED_TIME_LIMITS)
    return Library(book, _read_file(own_limits, read_time_limits))


def _nothing_strange(folder: Path) -> None:
    """A file under a name that nobody reads would be set in vain."""
    known = {RULES_FOLDER, GROUPS_FILE, TIME_LIMITS_FILE}
    for path in _in(folder):
        if path.is_dir() and _POOL.fullmatch(path.name):
            for inside in _in(path):
                if inside.name != GROUPS_FILE:
                    raise BadLibrary(f"{inside}:1: a pool sets {GROUPS_FILE} alone")
        elif path.name not in known:
            raise BadLibrary(f"{path}:1: not one of {sorted(known)}, nor the folder of a pool")
    for inside in _in(folder / RULES_FOLDER) if (folder / RULES_FOLDER).is_dir() else ():
        if inside.suffix != ".toml" or not inside.is_file():
            raise BadLibrary(f"{inside}:1: a rule is a file that ends in .toml")


def _in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]


def _groups_of(folder: Path) -> GroupsOfPools:
    shipped = SHIPPED_GROUPS.of_all
    for_all = _read_groups(folder / GROUPS_FILE, shipped) or shipped
    own = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and _POOL.fullmatch(path.name):
            groups = _read_groups(path / GROUPS_FILE, for_all)
            if groups is not None:
                own[path.name] = groups
    return GroupsOfPools(for_all, own)


def _read_groups(path: Path, beside: ItemGroups) -> ItemGroups | None:
    """The groups of a file, none of those left out that the rules may speak of."""
    if not path.exists():
        return None
    return _read_file(path, lambda text: read_groups(text, beside.by_name.keys()))


def _rules_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def read_rule(path: Path, groups: GroupsOfPools) -> Rule:
    """The rule of one file, wherever it lies. Raises BadLibrary."""
    return _read_file(path, _rule_with(groups))


def _rule_with(groups: GroupsOfPools) -> Callable[[str], Rule]:
    return lambda text: compile_rule(text, groups)


def _own_rule(groups: GroupsOfPools) -> Callable[[str], Rule]:
    def read(text: str) -> Rule:
        rule = compile_rule(text, groups)
        if rule.version < OWN_VERSIONS:
            raise ValueError(f"own versions are numbered from {OWN_VERSIONS} on")
        return rule

    return read


def _read_file(path: Path, read: Callable[[str], _Read]) -> _Read:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadLibrary(f"{path}:1: not written in UTF-8") from None
    try:
        return read(text)
    except ValidationError as error:
        raise BadLibrary("\n".join(_faults(path, text, error))) from None
    except ValueError as error:
        raise BadLibrary(f"{path}:{line_of(text, ())}: {error}") from None


def _faults(path: Path, text: str, error: ValidationError) -> list[str]:
    return [
        f"{path}:{line_of(text, _place(one['loc']))}: {_named(one['loc'])}{one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]


def _place(where: tuple[int | str, ...]) -> Place:
    """The place as the file has it: between parameters and their fields pydantic names the kind of
    predicate."""
    return (where[0], *where[2:]) if where[:1] == ("parameters",) else where


def _named(where: tuple[int | str, ...]) -> str:
    return "".join(f"{part}: " for part in _place(where)[-1:])


def _blamed(clash: ValueError, own: Mapping[Path, Rule]) -> str:
    """The file whose rule the clash is of: those that ship do not clash among themselves."""
    said = str(clash)
    [*_, last] = [path for path, rule in own.items() if rule.id in said.split()]
    return f"{last}:1"
