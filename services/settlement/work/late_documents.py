"""Reconsider by itself the claims of people whose state was corrected, a batch a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import asyncpg

from services.settlement.actions.reconsider import Range, Reconsideration, reconsider
from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import BY_ITSELF
from services.settlement.store import person_states
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.repeats import Overtaken
from shared.policy.book import Book


class LateDocuments:
    """Takes up, one after the other, whoever waits; any number of processes may."""

    def __init__(self, pool: Pool, clock: Clock, book: Callable[[], Book | None]) -> None:
        self._pool = pool
        self._clock = clock
        self._book = book

    async def take_up(self) -> None:
        """Reconsider until nobody waits, or somebody else moves the same claims: later then."""
        while self._book() is not None:
            try:
                if not await self._next():
                    return
            except (Overtaken, asyncpg.UniqueViolationError):
                return

    async def _next(self) -> bool:
        async with transaction(self._pool, [AGENCY]) as tx:
            due = await person_states.next_due(tx)
            if due is None:
                return False
            scene = Scene(due.pool_code, "", BY_ITSELF, uuid4().hex, self._clock.now())
            which = Range(date.min, date.max, due.person_ref, due.after)
            done = await reconsider(tx, scene, self._book(), which)
            after = done.after if isinstance(done, Reconsideration) else None
            await person_states.move_due(tx, due, after)
            return True
