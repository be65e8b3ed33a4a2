"""The course of a pregnancy's prenatal care: whom it was entrusted to, and what its limits have
left. Hospitals share it: a unit that one has used is used for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

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
        """What may still be used."""
        return self.limit - self.used


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


def returned(last: UnitEntry, entry: UnitEntry) -> UnitEntry:
    """The entry that gives back what `entry` used, behind the unit's last one."""
    return used_next(
        last, entry.unit, entry.institution_code, -entry.amount, last.limit, -entry.weeks
    )


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
