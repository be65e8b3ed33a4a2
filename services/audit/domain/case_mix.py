"""What kinds of case an institution has: stays by adjacent group, visits and surgeries apart."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from services.audit.domain.grouping import Adrg, Grouping, group
from services.audit.domain.growth_split import Spent
from services.audit.domain.rule import Words
from shared.money import Money

_KINDS = {
    kind: Words.model_validate(words)
    for kind, words in tomllib.loads(
        Path(__file__).with_name("case_kinds.toml").read_text(encoding="utf-8")
    ).items()
}
_UNGROUPED = "ungrouped"
_APART = _KINDS.keys() - {_UNGROUPED}


class Alike(NamedTuple):
    """Claims of one benefit and the same codes, and what their bills came to."""

    benefit: str
    diagnoses: Sequence[str]
    procedures: Sequence[str]
    cases: int
    amount: Money


def case_mix(version: Grouping, claims: Iterable[Alike]) -> dict[str, Spent]:
    """Cases and bills by kind: an adjacent group, `ungrouped`, or a benefit that is not grouped."""
    cases: dict[str, int] = defaultdict(int)
    fen: dict[str, int] = defaultdict(int)
    for one in claims:
        kind = _kind(version, one)
        cases[kind] += one.cases
        fen[kind] += one.amount.fen
    return {kind: Spent(cases[kind], Money(fen[kind])) for kind in cases}


def kind_names(version: Grouping) -> Mapping[str, Words]:
    """What each kind is called."""
    groups = {one.adrg: Words(zh=one.name.zh, en=one.name.en) for one in version.group}
    return groups | _KINDS


def _kind(version: Grouping, one: Alike) -> str:
    if one.benefit in _APART:
        return one.benefit
    principal, *secondary = one.diagnoses or [""]
    found = group(version, principal, secondary, one.procedures)
    return found.code if isinstance(found, Adrg) else _UNGROUPED
