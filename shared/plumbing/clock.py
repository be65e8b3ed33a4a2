"""Time comes in from outside: an injected clock; a business date is a day in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the present instant, in UTC."""

    def now(self) -> datetime:
        """The present instant with its time zone."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


# One act asks for the same instant's day and text again and again.
@lru_cache(maxsize=64)
def business_day(instant: datetime) -> date:
    """The day in Asia/Shanghai that an instant lies in; the accounting month is its month."""
    return instant.astimezone(TIME_ZONE).date()


def read_instant(text: str) -> datetime:
    """An instant that another told. Raises ValueError where it names no time zone: it would be read
    in this machine's."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return instant


@lru_cache(maxsize=64)
def to_wire(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC with milliseconds, the form of events and answers."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
