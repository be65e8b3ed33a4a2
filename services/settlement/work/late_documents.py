"""Reconsider by itself the claims of people whose state was corrected, a batch a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import structlog

from services.settlement.actions.reconsider import Range, Reconsideration, reconsider
from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import BY_ITSELF
from services.settlement.store import person_states
from services.settlement.store.person_states import Due
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.metrics import RECONSIDERATIONS_FAILING
from shared.plumbing.repeats import Overtaken
from shared.policy.book import Book

log = structlog.get_logger()

TRIES = 5
"""So often somebody is tried in her turn; whoever failed every time waits behind all others."""

PAUSE = timedelta(minutes=1)
"""How long who waits there rests before she is tried again."""


class LateDocuments:
    """Takes up, one after the other, whoever waits; any number of processes may.

    Who fails goes to the end: an error that comes back each time must not hold the others up.
    """

    def __init__(self, pool: Pool, clock: Clock, book: Callable[[], Book | None]) -> None:
        self._pool = pool
        self._clock = clock
        self._book = book

    async def take_up(self) -> None:
        """Reconsider until nobody waits, or somebody else moves the same claims, or one fails:
        later then."""
        while await self._next():
            pass
        async with transaction(self._pool, [AGENCY]) as tx:
            RECONSIDERATIONS_FAILING.set(await person_states.count_failing(tx, TRIES))

    async def _next(self) -> bool:
        book, due = self._book(), None
        if book is None:
            return False
        try:
            async with transaction(self._pool, [AGENCY]) as tx:
                rested = self._clock.now() - PAUSE
                due = await person_states.next_due(tx, TRIES, rested)
                if due is None:
                    return False
                scene = Scene(due.pool_code, "", BY_ITSELF, uuid4().hex, self._clock.now())
                which = Range(date.min, date.max, due.person_ref, due.after)
                done = await reconsider(tx, scene, book, which)
                after = done.after if isinstance(done, Reconsideration) else None
                await person_states.move_due(tx, due, after)
                return True
        except Overtaken:
            return False
        except Exception as error:
            if due is None:
                raise
            await self._put_off(due, error)
            return False

    async def _put_off(self, due: Due, error: Exception) -> None:
        async with transaction(self._pool, [AGENCY]) as tx:
            await person_states.put_off(tx, due, self._clock.now())
        log.error(
            "reconsideration put off", pool=due.pool_code, tries=due.tries + 1, exc_info=error
        )
