"""Files that were exchanged with hospitals go when their time is over, whether anybody calls or
not: what a hospital uploads may hold anything."""

from __future__ import annotations

from services.settlement.store import exchanged_files
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction


class ExpiredFiles:
    """Forgets the expired files of every hospital; any number of processes may."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def forget(self) -> None:
        """Forget what has expired by now."""
        async with transaction(self._pool, [AGENCY]) as tx:
            await exchanged_files.forget(tx, self._clock.now())
