"""Snoozes: a rule that raises no flag for one institution until a day.

Whoever asks gives a reason. Muting a breach takes a second person; what is only suspicious is muted
at once. A snooze ends by itself, at most `DAYS_MAX` days on, or when somebody ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import Grade, RuleBook

DAYS_MAX = 180


class SnoozeState(StrEnum):
    """Where a snooze stands on a day."""

    ASKED = "asked"
    STANDING = "standing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Snooze:
    """One rule, quiet for one institution from `since` until the day `until`, not included."""

    pool_code: str
    snooze_id: UUID
    institution_code: str
    rule: str
    grade: Grade
    since: date
    until: date
    reason: str
    by: str
    asked_at: datetime
    approved_by: str | None = None
    ended_by: str | None = None

    def state(self, on: date) -> SnoozeState:
        """Whether it mutes on a day."""
        if self.ended_by is not None or on >= self.until:
            return SnoozeState.ENDED
        if self.grade is Grade.VIOLATION and self.approved_by is None:
            return SnoozeState.ASKED
        return SnoozeState.STANDING


def asked(snooze: Snooze, book: RuleBook) -> Snooze | Refusal:
    """A snooze as asked for, with the gravest grade that its rule has in any version."""
    grades = {rule.grade for rule in book.rules if rule.id == snooze.rule}
    if not grades:
        return Refusal.RULE_UNKNOWN
    if not 0 < (snooze.until - snooze.since).days <= DAYS_MAX:
        return Refusal.SNOOZE_TOO_LONG
    grade = Grade.VIOLATION if Grade.VIOLATION in grades else Grade.SUSPICIOUS
    return replace(snooze, grade=grade)


def approved(snooze: Snooze, by: str, on: date) -> Snooze | Refusal:
    """A second person agrees that a breach is muted."""
    if snooze.state(on) is not SnoozeState.ASKED:
        return Refusal.SNOOZE_NOT_ASKED
    if by == snooze.by:
        return Refusal.SNOOZE_OF_ONE_PERSON
    return replace(snooze, approved_by=by)


def ended(snooze: Snooze, by: str, on: date) -> Snooze | Refusal:
    """Anybody may let a rule speak again."""
    if snooze.state(on) is SnoozeState.ENDED:
        return Refusal.SNOOZE_ENDED
    return replace(snooze, ended_by=by)
