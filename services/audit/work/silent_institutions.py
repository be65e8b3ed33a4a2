"""Pass on by itself the flags whose institution let its time go by, a batch a transaction."""

from __future__ import annotations

from uuid import uuid4

from services.audit.actions.note_silence import note_silence
from services.audit.domain.time_limits import TimeLimits
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction

_BATCH = 100


class SilentInstitutions:
    """Looks for statements that are overdue; any number of processes may."""

    def __init__(self, pool: Pool, clock: Clock, time_limits: TimeLimits) -> None:
        self._pool = pool
        self._clock = clock
        self._time_limits = time_limits

    async def note(self) -> None:
        """Note every silence until none is left."""
        found = _BATCH
        while found == _BATCH:
            async with transaction(self._pool, [AGENCY]) as tx:
                found = await note_silence(
                    tx, self._clock, self._time_limits, f"sweep:{uuid4().hex}", _BATCH
                )
