"""The real broker, as a test sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kafka:
    """Where the broker listens, and the prefix of the topics that are this test's own."""

    bootstrap: str
    prefix: str
    pid: int = 0
    proxied: tuple[int, int] | None = None
    """Where the broker listens for a proxy, and where the proxy must listen."""

    def topic(self, name: str) -> str:
        """The full name of one of this test's topics."""
        return self.prefix + name
