"""Kill -9 under load, and what it met."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from tests.faults.desk import History

BROKEN = frozenset({"broken"})
_ENDED_SECONDS_MAX = 60
TRIES_MOST = 5


class Killer:
    """Kill -9, one service at a time, only while requests are on their way to it.

    A kill counts when a request that was on its way ended as one of `met_as`: by default broken;
    where what is killed stands behind the service, the service answers all the same.
    """

    def __init__(self, kill: Callable[[str], None], revive: Callable[[str], Awaitable[None]],
                 history: History, seed: int, met_as: frozenset[str] = BROKEN) -> None:  # fmt: skip
        self.in_flight: list[int] = []
        self.broken: list[int] = []
        self.recovery_seconds: list[float] = []
        self._met_as = met_as
        self._kill = kill
        self._revive = revive
        self._history = history
        self._dice = random.Random(seed)  # noqa: S311

    async def run(self, services: tuple[str, ...], kills: int) -> None:
        """Kill until `kills` of them counted: a request was on its way, and broke."""
        tries = 0
        while len(self.broken) < kills:
            tries += 1
            assert tries <= TRIES_MOST * kills, "too few kills met a request on its way"
            # Up for at least half as long as it was down: on a busy machine a start takes long, and
            # who is hardly ever there answers nobody.
            down = self.recovery_seconds[-1] if self.recovery_seconds else 0.0
            await asyncio.sleep(max(self._dice.uniform(0.2, 1.0), down / 2))
            await self._once(services[len(self.broken) % len(services)])

    async def _once(self, service: str) -> None:
        on_the_way = self._history.on_the_way.setdefault(service, set())
        while len(on_the_way) < 2:
            await asyncio.sleep(0.001)
        met = set(on_the_way)
        killed_at = time.monotonic()
        self._kill(service)
        await self._revive(service)
        while self._history.last_success.get(service, 0) < killed_at:
            await asyncio.sleep(0.01)
        recovered_at = time.monotonic()
        # Whoever was on the way may end a moment after the first success of another.
        async with asyncio.timeout(_ENDED_SECONDS_MAX):
            while not all(attempt.outcome for attempt in met):
                await asyncio.sleep(0.01)
        broken = sum(attempt.outcome in self._met_as for attempt in met)
        self._history.write(killed=service, in_flight=len(met), broken=broken)
        if broken:
            self.in_flight.append(len(met))
            self.broken.append(broken)
            self.recovery_seconds.append(recovered_at - killed_at)
