"""The course of a pregnancy's prenatal care: whom it was entrusted to, and what its limits have
left. Hospitals share it: a unit that one has used is used for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.money import NOTHING, Money


@dataclass(frozen=True, slots=True)
class Designation:
    """From `since` on the pregnancy was entrusted to this institution, until the next one."""

    institution_code: str
    since: date


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """One use of a limit, or (negative) its return. `number` counts the entries of a unit.

    `weeks` of a head are what the amount stands for, negative where they come back.
    """

    unit: str
    number: int
    institution_code: str
    weeks: int
    amount: Money
    used_after: Money
    limit: Money

    @property
    def used_before(self) -> Money:
        """What was used before this entry."""
        return self.used_after - self.amount


@dataclass(frozen=True, slots=True)
class UnitState:
    """A limit as the next hospital finds it."""

    unit: str
    limit: Money
    used: Money

    @property
    def left(self) -> Money:
        """What may still be used: nothing where a limit was lowered since and is passed."""
        return max(NOTHING, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Course:
    """`designations` and `entries` in their order; the two flags tell of a settled stay of the
    pregnancy's ending, and of settled visits, whose days meet those of the case that is judged."""

    designations: tuple[Designation, ...] = ()
    entries: tuple[UnitEntry, ...] = ()
    within_ending: bool = False
    holds_visits: bool = False

    def last(self, unit: str) -> UnitEntry | None:
        """The unit's last entry."""
        return max((e for e in self.entries if e.unit == unit), key=_number, default=None)

    def used(self, unit: str) -> Money:
        """What of a unit is used."""
        last = self.last(unit)
        return last.used_after if last else NOTHING

    def states(self) -> tuple[UnitState, ...]:
        """Every unit that was ever used."""
        lasts = {e.unit: e for e in sorted(self.entries, key=_number)}
        return tuple(UnitState(u, e.limit, e.used_after) for u, e in sorted(lasts.items()))


EMPTY = Course()


def used_next(
    last: UnitEntry | None,
    unit: str,
    institution_code: str,
    amount: Money,
    limit: Money,
    weeks: int,
) -> UnitEntry:
    """The entry that follows `last`."""
    used = last.used_after if last else NOTHING
    number = last.number + 1 if last else 1
    return UnitEntry(unit, number, institution_code, weeks, amount, used + amount, limit)


def returned(course: Course, entries: Sequence[UnitEntry]) -> tuple[UnitEntry, ...]:
    """The entries that give back what a claim's `entries` used, behind the last of their units."""
    back = []
    for unit in sorted({entry.unit for entry in entries}):
        own, last = [entry for entry in entries if entry.unit == unit], course.last(unit)
        amount, weeks = Money.total(e.amount for e in own), sum(e.weeks for e in own)
        if amount and last is not None:
            back.append(used_next(last, unit, own[0].institution_code, -amount, last.limit, -weeks))
    return tuple(back)


@dataclass(frozen=True, slots=True)
class Correction:
    """What pricing again changes of a visit's use of a unit: differences of `amount` and `weeks`,
    and the unit's limit as it is known now."""

    unit: str
    institution_code: str
    weeks: int
    amount: Money
    limit: Money


def corrected(
    course: Course, corrections: Mapping[UUID, Sequence[Correction]]
) -> list[tuple[UUID, UnitEntry]] | None:
    """The entries that the corrections of some visits append, what comes back first, each with its
    visit; None where a unit would then be used beyond its limit.

    What comes back may leave a lowered limit passed: others of its visits give back the rest.
    """
    added: list[tuple[UUID, UnitEntry]] = []
    all_of_them = [(visit, one) for visit, own in corrections.items() for one in own]
    for visit, one in sorted(all_of_them, key=lambda pair: pair[1].amount.fen > 0):
        last = Course(entries=(*course.entries, *(entry for _, entry in added))).last(one.unit)
        limit = one.limit
        if last is not None and one.amount.fen > 0:
            limit = max(limit, last.limit)  # another visit's day may have had the higher one
        entry = used_next(last, one.unit, one.institution_code, one.amount, limit, one.weeks)
        if entry.used_after > limit and one.amount.fen > 0:
            return None
        added.append((visit, entry))
    return added


def designated_on(designations: tuple[Designation, ...], day: date) -> str | None:
    """Whom the pregnancy was entrusted to on a day; the first designation counts from its start."""
    if not designations:
        return None
    begun = [d for d in designations[1:] if d.since <= day]
    return (begun[-1] if begun else designations[0]).institution_code


def weeks_due(
    course: Course, unit: str, institution_code: str, *, since: date, on: date, of_weeks: int,
    to_the_end: bool,
) -> tuple[int, int]:  # fmt: skip
    """Weeks of the head paid so far, to whomever, and until which week a visit on `on` pays.

    The weeks in which the institution was designated, up to the visit, less those it was paid;
    the last one designated gets all that is left once the course is complete (`to_the_end`).
    `since` is the first day of the pregnancy; a head stands for `of_weeks`.
    """
    heads = [entry for entry in course.entries if entry.unit == unit]
    paid = sum(entry.weeks for entry in heads)
    last = course.designations[-1].institution_code if course.designations else None
    if to_the_end and institution_code == last:
        return paid, of_weeks
    own = sum(entry.weeks for entry in heads if entry.institution_code == institution_code)
    reached = min(_week(since, on), of_weeks)
    due = _designated_weeks(course.designations, institution_code, since, reached) - own
    return paid, min(paid + max(due, 0), of_weeks)


def _designated_weeks(
    designations: tuple[Designation, ...], institution_code: str, since: date, reached: int
) -> int:
    begins = [0, *(_week(since, d.since) for d in designations[1:])]
    ends = [*begins[1:], reached]
    return sum(
        max(0, min(end, reached) - begin)
        for d, begin, end in zip(designations, begins, ends, strict=True)
        if d.institution_code == institution_code
    )


def _week(since: date, day: date) -> int:
    return max(0, (day - since).days // 7)


def _number(entry: UnitEntry) -> int:
    return entry.number
