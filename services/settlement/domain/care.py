"""What a visit met of its pregnancy's course when it was settled, and what it meets priced again.

A visit's price rests on what the visits before it used. Priced again, it meets what was there
when it was settled, with those visits as they come to now: with what was corrected since, and with
what waits to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.settlement.domain.course import (
    Correction,
    Course,
    Designation,
    UnitEntry,
    used_next,
)
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.prenatal import UnitUse
from shared.money import NOTHING, Money
from shared.period import Period

Waiting = Mapping[UUID, Sequence[Correction]]
"""By visit's settlement, what is proposed to correct of its use."""


@dataclass(frozen=True, slots=True)
class Met:
    """What an institution's visits had used of a unit, in money and weeks of a head."""

    unit: str
    institution_code: str
    weeks: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Written:
    """An entry of the unit ledger: of a settlement or a reversal, or (`corrected_at` given) of an
    adjustment of that settlement, released then."""

    settlement_id: UUID
    entry: UnitEntry
    corrected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A settled visit."""

    settlement_id: UUID
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Care:
    """All entries of a pregnancy in the order of each unit, its designations with the instant of
    each, the first settlement that ended it, and which of its visits stand."""

    entries: tuple[Written, ...] = ()
    designations: tuple[tuple[datetime, Designation], ...] = ()
    ended: UUID | None = None
    standing: frozenset[UUID] = field(default_factory=frozenset)

    def met_by(self, visit: Visit, pregnancy: Pregnancy) -> tuple[Pregnancy, Course]:
        """The pregnancy and its course as a visit met them when it was settled."""
        met = tuple(w.entry for w in self.entries if self._was_there(w, visit))
        return self._then(visit, pregnancy), Course(self._designations(visit), met)

    def met_again(
        self, visit: Visit, pregnancy: Pregnancy, waiting: Waiting
    ) -> tuple[Pregnancy, tuple[Met, ...]]:
        """The same, with the standing visits before it as they come to now, or will."""
        sums: dict[tuple[str, str], tuple[int, Money]] = {}
        for one in self._now_before(visit, waiting):
            weeks, amount = sums.get((one.unit, one.institution_code), (0, NOTHING))
            added = (weeks + one.weeks, amount + one.amount)
            sums[one.unit, one.institution_code] = added
        met = tuple(
            Met(unit, institution, weeks, amount)
            for (unit, institution), (weeks, amount) in sorted(sums.items())
            if amount or weeks
        )
        return self._then(visit, pregnancy), met

    def course_of(self, visit: Visit, met: Sequence[Met]) -> Course:
        """The course that a visit meets where this much was used."""
        entries: list[UnitEntry] = []
        for one in met:
            last = Course(entries=tuple(entries)).last(one.unit)
            entries.append(
                used_next(last, one.unit, one.institution_code, one.amount, NOTHING, one.weeks)
            )
        return Course(self._designations(visit), tuple(entries))

    def corrections(
        self, visit: Visit, institution_code: str, uses: Sequence[UnitEntry],
        limits: Sequence[UnitUse],
    ) -> tuple[Correction, ...]:  # fmt: skip
        """What changes of a visit's use where it would now use `uses`, under these `limits`."""
        own = [w.entry for w in self.entries if w.settlement_id == visit.settlement_id]
        limit_of = {w.entry.unit: w.entry.limit for w in self.entries}
        limit_of |= {use.unit: use.limit for use in limits}
        found = []
        for unit in sorted({e.unit for e in (*own, *uses)}):
            now = [e for e in uses if e.unit == unit]
            before = [e for e in own if e.unit == unit]
            amount = Money.total(e.amount for e in now) - Money.total(e.amount for e in before)
            weeks = sum(e.weeks for e in now) - sum(e.weeks for e in before)
            if amount:
                found.append(Correction(unit, institution_code, weeks, amount, limit_of[unit]))
        return tuple(found)

    def _then(self, visit: Visit, pregnancy: Pregnancy) -> Pregnancy:
        if self.ended is None or visit.settlement_id > self.ended:
            return pregnancy
        open_then = Period(pregnancy.period.start)
        return replace(pregnancy, period=open_then, ended_by=None, delivered_on=None)

    def _designations(self, visit: Visit) -> tuple[Designation, ...]:
        return tuple(d for at, d in self.designations if at <= visit.settled_at)

    def _now_before(self, visit: Visit, waiting: Waiting) -> Iterator[UnitEntry | Correction]:
        before = {one for one in self.standing if self._came_before(one, visit)}
        for written in self.entries:
            of = written.settlement_id
            if of in before or (of not in self.standing and self._was_there(written, visit)):
                yield written.entry
        for one in before:
            yield from waiting.get(one, ())

    def _came_before(self, one: UUID, visit: Visit) -> bool:
        """Whether a standing visit was settled before this one."""
        own = [w for w in self.entries if w.settlement_id == one and w.corrected_at is None]
        if one == visit.settlement_id or not own:
            return one < visit.settlement_id
        return all(self._was_there(written, visit) for written in own)

    def _was_there(self, written: Written, visit: Visit) -> bool:
        """Whether an entry was written before the visit was settled.

        A unit's own numbers tell their order; where the visit used nothing of it, the ids do, and
        for a correction the instants.
        """
        own = visit.settlement_id
        number = next(
            (
                w.entry.number
                for w in self.entries
                if w.settlement_id == own and w.entry.unit == written.entry.unit
                and w.corrected_at is None
            ),
            None,
        )  # fmt: skip
        if number is not None:
            return written.entry.number < number
        if written.corrected_at is not None:
            return written.settlement_id != own and written.corrected_at <= visit.settled_at
        return written.settlement_id < own
