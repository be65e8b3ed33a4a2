"""A claim beside claims of its kind: same pool, level, benefit and mode, of the year before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from services.audit.domain.claim import Claim
from shared.money import Money

ENOUGH = 8
"""From so many peers on a place among them says something."""

_DAYS = 365


@dataclass(frozen=True, slots=True)
class Places:
    """Bills at the places of a distribution; each is some claim's own."""

    least: Money
    p10: Money
    p25: Money
    median: Money
    p75: Money
    p90: Money
    most: Money


@dataclass(frozen=True, slots=True)
class Peers:
    """How many peers there are, how many bills of theirs are `below` the claim's own, and the
    places; None where they are too few."""

    n: int
    below: int
    places: Places | None


def year_before(claim: Claim) -> tuple[date, date]:
    """The first and last day of the events that a claim is held beside: none later than its own."""
    return claim.event_on - timedelta(days=_DAYS - 1), claim.event_on
