"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FixedClock:
    """Tells the same instant until it is moved."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or datetime(2024, 3, 28, 2, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant that the test chose."""
        return self.at

    def move(self, **by: float) -> None:
        """Move on."""
        self.at += timedelta(**by)
