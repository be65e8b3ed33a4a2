"""A legal document as data: its head, and its clauses in the order of the paper."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.policy.cells import CELLS, Sets
from shared.policy.shapes import MemberKind, Strict

Grade = Literal["A", "B", "C", "D"]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
PoolCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
# Labels that a document may give; three more follow from the clause itself (see rules.py).
GivenLabel = Literal["default", "reading", "proxy", "operational"]


class Source(Strict):
    """Where the words were read: an id of our list of sources, and the citation."""

    id: Text
    citation: Text


class Conflict(Strict):
    """Another value or reading of the same cell, kept beside the one that is set."""

    state: Literal["open", "resolved"]
    other_reading: Text
    resolved_by: Text | None = None

    @model_validator(mode="after")
    def _resolved_by_a_source(self) -> Self:
        if (self.state == "resolved") != (self.resolved_by is not None):
            raise ValueError("write `resolved_by` exactly when the state is resolved")
        return self


class Clause(Strict):
    """One article, or the part of it that starts on one day and concerns the same members."""

    article: Text
    gist: Text
    start: date = Field(alias="from")
    start_unknown: bool = False
    kinds: Annotated[
        tuple[Annotated[MemberKind, Field(strict=False)], ...], Field(strict=False)
    ] = ()
    sets: Sets | None = None
    not_encoded_because: Text | None = None
    grade: Grade | None = None
    source: Source | None = None
    label: GivenLabel | None = None
    conflict: Conflict | None = None

    @model_validator(mode="after")
    def _speaks(self) -> Self:
        names = self.cell_names()
        if bool(names) == (self.not_encoded_because is not None):
            raise ValueError(
                "a clause is never silent: write either `sets.<cell> = ...` or"
                " `not_encoded_because`"
            )
        by_kind = {CELLS[name].by_kind for name in names}
        if len(by_kind) > 1:
            raise ValueError("set cells by kind of member and cells of the pool in two clauses")
        if (by_kind == {True}) != bool(self.kinds):
            raise ValueError(
                "write `kinds = [...]` exactly when the cell differs by kind of member"
            )
        if len(set(self.kinds)) != len(self.kinds):
            raise ValueError("name each kind once in `kinds`")
        return self

    def cell_names(self) -> tuple[str, ...]:
        """The cells that this clause sets."""
        if self.sets is None:
            return ()
        return tuple(name for name in CELLS if getattr(self.sets, name) is not None)


class Document(Strict):
    """One legal document (or page that reports one) as it bears on a pool."""

    pool: PoolCode
    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    title: Text
    number: Text | None = None
    published: date | None = None
    checked_on: date
    grade: Grade
    source: Source
    clause: Annotated[tuple[Clause, ...], Field(strict=False, min_length=1)]

    def known_on(self) -> date:
        """The day from which the document could be known: publication, else the first day of
        effect that it states (of a start that is not known, only where it states no other)."""
        if self.published is not None:
            return self.published
        stated = [clause.start for clause in self.clause if not clause.start_unknown]
        return min(stated or [clause.start for clause in self.clause])


class Inheritance(Strict):
    """Cells taken from another pool's documents, explicitly, never by fall-back."""

    pool: PoolCode
    cells: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
    label: GivenLabel | None = None

    @model_validator(mode="after")
    def _known_cells(self) -> Self:
        unknown = [name for name in self.cells if name not in CELLS]
        if unknown:
            raise ValueError(f"no such cell: {', '.join(unknown)}")
        return self


class Tolerance(Strict):
    """What the operator of a demo admits by name; production admits nothing."""

    grades: Annotated[tuple[Grade, ...], Field(strict=False)] = ()
    open_cells: Annotated[tuple[Text, ...], Field(strict=False)] = ()


class PoolSheet(Strict):
    """A pool's own page: its first day here, its counties, what it inherits.

    `begins_earlier`: cells that are asked before the first day too (contributions of months before
    it). `begins_later`: parameters that have no rule on it yet.
    """

    pool: PoolCode
    name: Text
    first_date: date
    counties: dict[PoolCode, Text] = Field(default_factory=dict)
    begins_earlier: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    begins_later: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    inherits: Annotated[tuple[Inheritance, ...], Field(strict=False)] = ()
    demo: Tolerance = Tolerance()
