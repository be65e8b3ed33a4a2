"""An insured person's history, as enrollment tells of it, and how it reads on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count

from services.settlement.domain.member import Member
from shared.period import Month
from shared.policy.shapes import MemberKind


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in one kind of membership, from `start` up to, not including, `end`."""

    pool_code: str
    county_code: str
    kind: MemberKind
    start: date
    end: date | None


@dataclass(frozen=True, slots=True)
class PersonState:
    """The whole history under a version; `paid` are first and last months, both included.

    `as_of` is when enrollment last confirmed it. `sex` and `born_in` are for review; no price rests
    on them.
    """

    person_ref: str
    version: int
    spells: tuple[Spell, ...]
    paid: tuple[tuple[Month, Month], ...]
    as_of: datetime
    sex: str | None = None
    born_in: Month | None = None

    def age_on(self, day: date) -> int | None:
        """The age in whole years, counted by months: nobody tells the day of birth. Within the
        month of birth she may be a year younger."""
        return self.born_in.until(Month.of(day)) // 12 if self.born_in else None

    def older_than(self, days: int, now: datetime) -> bool:
        """Whether the state is older than the policy lets a settlement rely on."""
        return now - self.as_of > timedelta(days=days)


def spell_on(person: PersonState, pool_code: str, on: date) -> Spell | None:
    """The spell in which a person belongs to a pool on a day.

    Who has moved on to another pool belongs there. After the last spell ended it still says what
    kind of member she was: whether benefits go on then is the interruption clause's to say.
    """
    begun = [spell for spell in person.spells if spell.start <= on]
    latest = max(begun, key=lambda spell: spell.start, default=None)
    return latest if latest is not None and latest.pool_code == pool_code else None


def corrects_the_past(before: PersonState, after: PersonState, told_on: date) -> bool:
    """Whether a newer state says something else of the time before `told_on`, the day on which the
    older one was current.

    A month that is paid in its time, a spell that begins or ends later: that only goes on. An end
    says something of the past once the earlier of the two that were told had come.
    """
    known, said = before.spells, after.spells
    if [_begun(spell) for spell in known] != [_begun(spell) for spell in said[: len(known)]]:
        return True
    for old, new in zip(known, said, strict=False):
        if old.end != new.end and _earlier(old.end, new.end) <= told_on:
            return True
    if any(spell.start <= told_on for spell in said[len(known) :]):
        return True
    paid, now_paid = _months(before), _months(after)
    return not paid <= now_paid or any(month < Month.of(told_on) for month in now_paid - paid)


def _earlier(one: date | None, other: date | None) -> date:
    """The earlier of two ends; None is an end that nobody knows yet, later than all."""
    return min(one or date.max, other or date.max)


def _begun(spell: Spell) -> tuple[str, str, MemberKind, date]:
    return spell.pool_code, spell.county_code, spell.kind, spell.start


def _months(person: PersonState) -> frozenset[Month]:
    return frozenset(
        first.plus(n) for first, last in person.paid for n in range(first.until(last) + 1)
    )


_OWE_NOTHING = frozenset({MemberKind.RETIREE, MemberKind.EARLY_RETIREE})


def member_of(person: PersonState, spell: Spell, on: date) -> Member:
    """The person as a rule sees her on a day: continuous paid months, and the last of them.

    Who has retired, early too, owes no contributions, and so has none to interrupt.
    """
    if spell.kind in _OWE_NOTHING and (spell.end is None or on < spell.end):
        return Member(spell.kind)
    month = Month.of(on)
    run = max((span for span in person.paid if span[0] <= month), default=None)
    if run is None:
        return Member(spell.kind, 0, Month.of(spell.start).plus(-1))
    first, last = run
    return Member(spell.kind, first.until(last) + 1, last)


def months_paid_by(person: PersonState, month: Month) -> int:
    """The months paid without a gap up to `month`, that one included: none where it is not paid,
    however many were before an interruption."""
    paid = _months(person)
    return next(n for n in count() if month.plus(-n) not in paid)
