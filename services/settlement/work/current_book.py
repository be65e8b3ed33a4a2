"""The policy book in force, held in memory and followed as two people change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from services.settlement.store import books
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection, Pool
from shared.policy.book import Book


class CurrentBook:
    """Holds the current book; archived ones are read once, by hash."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._held: dict[str, Book] = {}
        self._current: Book | None = None

    def get(self) -> Book | None:
        """The book in force, None before the first is appointed."""
        return self._current

    async def follow(self) -> None:
        """Look which book is current, and hold those that are about to be."""
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            current = await books.current_hash(connection, now)
            coming = await books.coming_hashes(connection, now)
            await self._take(connection, ([current] if current else []) + coming)
        self._current = self._held.get(current) if current else None

    async def archived(self, tx: Connection, hashes: Collection[str]) -> Mapping[str, Book]:
        """The books of these hashes; one that was never archived is missing."""
        await self._take(tx, hashes)
        return {one: self._held[one] for one in hashes if one in self._held}

    async def _take(self, connection: Connection, hashes: Collection[str]) -> None:
        for book_hash in hashes:
            if book_hash not in self._held:
                content = await books.content(connection, book_hash)
                if content is not None:
                    self._held[book_hash] = Book.from_bytes(content)
