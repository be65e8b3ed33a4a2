"""A person's spells of membership: how one starts, how one ends, and that two never overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.enrollment.domain.refusals import Refusal
from shared.period import Month, Period
from shared.policy.shapes import InsuranceType, MemberKind


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in one kind of membership of one pool, with the insurances it runs."""

    pool_code: str
    county_code: str
    kind: MemberKind
    insurance: tuple[InsuranceType, ...]
    employer_ref: str | None
    period: Period


@dataclass(frozen=True, slots=True)
class History:
    """All spells of a person by their start, and all months paid, in order."""

    spells: tuple[Spell, ...] = ()
    months: tuple[Month, ...] = ()

    def on(self, day: date) -> Spell | None:
        """The spell that runs on `day`."""
        return next((spell for spell in self.spells if day in spell.period), None)

    def in_month(self, month: Month, pool_code: str) -> Spell | None:
        """The last spell of a pool that shares a day with `month`."""
        days = Period(month.first_day(), month.plus(1).first_day())
        found = [s for s in self.spells if s.pool_code == pool_code and s.period.overlaps(days)]
        return found[-1] if found else None

    def of_pool(self, pool_code: str) -> History:
        """The same history with only this pool's spells."""
        return replace(self, spells=tuple(s for s in self.spells if s.pool_code == pool_code))

    def paying(self, months: tuple[Month, ...]) -> History:
        """The same history with more months paid."""
        return replace(self, months=tuple(sorted((*self.months, *months))))


@dataclass(frozen=True, slots=True)
class Moved:
    """A history after a change, with the spell that ended and the one that began."""

    history: History
    ended: Spell | None
    started: Spell | None


def join(history: History, spell: Spell) -> Moved | Refusal:
    """Start a spell; a change of employer or kind ends the spell that still runs.

    A spell of another pool is not ended from here: the person leaves there first.
    """
    if not history.spells:
        return Moved(replace(history, spells=(spell,)), None, spell)
    last, start = history.spells[-1], spell.period.start
    if last.period.end is not None and last.period.end <= start:
        return Moved(replace(history, spells=(*history.spells, spell)), None, spell)
    if last.pool_code != spell.pool_code:
        return Refusal.INSURED_ELSEWHERE
    if _same_place(last, spell):
        return Refusal.ALREADY_REGISTERED
    if last.period.start >= start:
        return Refusal.NOT_AFTER_LAST_SPELL
    ended = replace(last, period=Period(last.period.start, start))
    return Moved(replace(history, spells=(*history.spells[:-1], ended, spell)), ended, spell)


def leave(history: History, pool_code: str, end: date) -> Moved | Refusal:
    """End the pool's spell that still runs; `end` is the first day without insurance."""
    last = history.spells[-1] if history.spells else None
    if (
        last is None
        or last.pool_code != pool_code
        or last.period.start >= end
        or (last.period.end is not None and last.period.end <= end)
    ):
        return Refusal.NO_SPELL_TO_END
    ended = replace(last, period=Period(last.period.start, end))
    return Moved(replace(history, spells=(*history.spells[:-1], ended)), ended, None)


_AHEAD = timedelta(days=366)


def start_fits(start: date, born_on: date, today: date) -> bool:
    """Whether a spell may start on a day: after birth, at most a year ahead."""
    return born_on < start <= today + _AHEAD


def _same_place(running: Spell, asked: Spell) -> bool:
    return (running.kind, running.employer_ref, running.county_code) == (
        asked.kind, asked.employer_ref, asked.county_code,
    )  # fmt: skip
