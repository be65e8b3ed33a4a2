"""What one person asks for and a second one confirms before it counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from services.audit.domain.refusals import Refusal


class TwoState(StrEnum):
    """Where it stands: waiting for the second person, counting, or no more."""

    ASKED = "asked"
    STANDING = "standing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTwo:
    """Who asked for it and why, who confirmed it, and who ended it; `replaced_by` is the later one
    of the same place and month that two people set instead."""

    pool_code: str
    id: UUID
    reason: str
    by: str
    asked_at: datetime
    approved_by: str | None = None
    ended_by: str | None = None
    replaced_by: UUID | None = None

    @property
    def state(self) -> TwoState:
        """Whether it counts."""
        if self.ended_by is not None or self.replaced_by is not None:
            return TwoState.ENDED
        return TwoState.ASKED if self.approved_by is None else TwoState.STANDING


T = TypeVar("T", bound=ByTwo)


def approved(one: T, by: str) -> T | Refusal:
    """A second person confirms it."""
    if one.state is not TwoState.ASKED:
        return Refusal.NO_APPROVAL_AWAITED
    if by == one.by:
        return Refusal.APPROVER_IS_ASKER
    return replace(one, approved_by=by)


def ended(one: T, by: str) -> T | Refusal:
    """Somebody takes it back."""
    if one.state is TwoState.ENDED:
        return Refusal.ENDED_ALREADY
    return replace(one, ended_by=by)


def replaced(one: T, by: T) -> T:
    """Two people set another in its place."""
    return replace(one, replaced_by=by.id)


def withdrawn(one: T, by: str) -> T | Refusal:
    """Somebody takes it back before it counted; afterwards only two people change it."""
    if one.state is TwoState.STANDING:
        return Refusal.STANDS_BY_TWO
    return ended(one, by)
