"""The compiled policy book: asked with a service date and a knowledge date, it answers with
value and citation, or says that no rule speaks. It never answers 0 for want of a rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, Self, TypeVar

from shared.policy.cells import Cell
from shared.policy.document import Document, PoolSheet
from shared.policy.rules import Key, Rule, Sourced, arrange
from shared.policy.shapes import MemberKind

T = TypeVar("T")
_MEMO_DAYS_MAX = 50_000
_MEMO_KEYS_MAX = 1_000


class NoRule(Exception):
    """No rule of the book speaks.

    `why`: "pool_unknown"; "never" (the pool has no such rule for this kind of member);
    "not_yet" (it begins, or became known, after the day that was asked for).
    """

    def __init__(self, pool: str, cell: str, why: Literal["pool_unknown", "never", "not_yet"]):
        super().__init__(f"no rule: {cell} of {pool}: {why}")
        self.pool = pool
        self.cell = cell
        self.why = why


class Day:
    """The rules of one pool for one kind of member on one day, as known on another."""

    __slots__ = ("_absent", "_following", "_pool", "_remembered", "_rules")

    def __init__(
        self,
        pool: str,
        rules: Mapping[str, Sourced[Any]],
        absent: Mapping[str, str],
        following: Mapping[str, Sourced[Any]],
    ) -> None:
        self._pool = pool
        self._rules = dict(rules)
        self._absent = dict(absent)
        self._following = dict(following)
        self._remembered: dict[Any, Any] = {}

    def ask(self, cell: Cell[T]) -> Sourced[T]:
        """The value of `cell` with its citation. Raises NoRule."""
        found = self._rules.get(cell.name)
        if found is None:
            why: Any = self._absent.get(cell.name, "never")
            raise NoRule(self._pool, cell.name, why)
        return found

    def ask_if_any(self, cell: Cell[T]) -> Sourced[T] | None:
        """As `ask`, None where no rule speaks: for cells that a pool may do without."""
        return self._rules.get(cell.name)

    def following(self, cell: Cell[T]) -> Sourced[T] | None:
        """The version of `cell` that comes next after this day, as far as it is known: for
        transitional clauses, which reach back to who was already there."""
        return self._following.get(cell.name)

    def remember(self, key: object, derive: Callable[[], T]) -> T:
        """What `derive` makes of these rules and of `key` alone, made once.

        Pricing a million cases asks the same day's rules the same few questions.
        """
        found: T | None = self._remembered.get(key)
        if found is None:
            found = derive()
            if len(self._remembered) >= _MEMO_KEYS_MAX:
                self._remembered.clear()
            self._remembered[key] = found
        return found


class Book:
    """Immutable; two books with the same bytes answer alike for ever."""

    def __init__(self, sheets: Sequence[PoolSheet], documents: Sequence[Document]) -> None:
        self.sheets = tuple(sorted(sheets, key=lambda sheet: sheet.pool))
        self.documents = tuple(sorted(documents, key=lambda d: (d.pool, d.id)))
        self._table = arrange(self.sheets, self.documents)
        self._bytes = self._canonical()
        self.hash: str = hashlib.sha256(self._bytes).hexdigest()
        self._pools = {sheet.pool: sheet for sheet in self.sheets}
        self._days: dict[tuple[str, MemberKind | None, date, date], Day] = {}

    def _canonical(self) -> bytes:
        # What the author wrote, and no default: a form that grows leaves archived bytes alone.
        content = {
            "pools": [sheet.model_dump(mode="json", exclude_unset=True) for sheet in self.sheets],
            "documents": [
                document.model_dump(mode="json", by_alias=True, exclude_unset=True)
                for document in self.documents
            ],
        }
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()

    def to_bytes(self) -> bytes:
        """Canonical JSON: what is archived by hash."""
        return self._bytes

    @classmethod
    def from_bytes(cls, archived: bytes) -> Self:
        """A book from its archived bytes. What was admitted when it was compiled stays admitted.

        Raises ValueError if the bytes are not those of a book.
        """
        content = json.loads(archived)
        if not isinstance(content, dict) or set(content) != {"pools", "documents"}:
            raise ValueError("not a policy book")
        return cls(
            [PoolSheet.model_validate_json(json.dumps(sheet)) for sheet in content["pools"]],
            [Document.model_validate_json(json.dumps(doc)) for doc in content["documents"]],
        )

    def pools(self) -> tuple[PoolSheet, ...]:
        """The pools of the book, by code."""
        return self.sheets

    def parameters(self) -> Mapping[Key, tuple[Rule, ...]]:
        """Each parameter that some pool sets, with its versions, oldest first."""
        return self._table

    def on(self, pool: str, kind: MemberKind | None, *, on: date, known_on: date) -> Day:
        """The rules of `pool` for `kind` on the day `on`, as known on `known_on`.

        `kind` None asks for the pool's own cells only. Raises NoRule for an unknown pool.
        """
        asked = (pool, kind, on, known_on)
        day = self._days.get(asked)
        if day is None:
            if pool not in self._pools:
                raise NoRule(pool, "pool", "pool_unknown")
            day = self._look_up(pool, kind, on, known_on)
            if len(self._days) >= _MEMO_DAYS_MAX:
                self._days.clear()
            self._days[asked] = day
        return day

    def _look_up(self, pool: str, kind: MemberKind | None, on: date, known_on: date) -> Day:
        rules: dict[str, Sourced[Any]] = {}
        absent: dict[str, str] = {}
        following: dict[str, Sourced[Any]] = {}
        too_early = on < self._pools[pool].first_date
        for (of_pool, cell, of_kind), versions in self._table.items():
            if of_pool != pool or of_kind not in (None, kind):
                continue
            found = in_force(versions, on, known_on)
            if found is None or (too_early and cell not in self._pools[pool].begins_earlier):
                absent[cell] = "not_yet"
            else:
                rules[cell] = found.sourced
            later = next(
                (v for v in versions if v.sourced.since > on and v.known_on <= known_on), None
            )
            if later is not None:
                following[cell] = later.sourced
        return Day(pool, rules, absent, following)

    def counties(self, pool: str) -> Mapping[str, str]:
        """The counties of a pool, by code; none where it does not list them."""
        sheet = self._pools.get(pool)
        return sheet.counties if sheet is not None else {}

    def ask(
        self,
        pool: str,
        cell: Cell[T],
        *,
        on: date,
        known_on: date,
        kind: MemberKind | None = None,
    ) -> Sourced[T]:
        """The value of one cell on a service date as known on a knowledge date.

        A cell that differs by kind of member needs `kind`. Raises NoRule.
        """
        if cell.by_kind and kind is None:
            raise ValueError(f"{cell.name} differs by kind of member: name one")
        return self.on(pool, kind, on=on, known_on=known_on).ask(cell)


def in_force(versions: Sequence[Rule], on: date, known_on: date) -> Rule | None:
    """The version that speaks on `on`, of those known on `known_on`; None before the first."""
    for rule in reversed(versions):
        if rule.sourced.since <= on and rule.known_on <= known_on:
            return rule
    return None
