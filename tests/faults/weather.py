"""What goes wrong between the kills: pauses and networks. Each disturbance is a line of history."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.desk import History
from tests.faults.processes import Processes
from tests.faults.proxy import Proxy

PAUSE_SECONDS = (0.3, 1.5)
CALM_SECONDS = (0.5, 2.0)


@dataclass
class Weather:
    """One disturbance after the other, until the load is over.

    None begins while a killed service is not back: a service whose start is disturbed each time would
    never meet the load. One that began before the kill goes on, and may end the start.
    """

    town: Processes
    his: Proxy
    postgres: Proxy
    kafka: Proxy
    broker_pid: int
    history: History
    seed: int
    came: Counter[str] = field(default_factory=Counter)
    everybody_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Disturb, each kind in its turn, with calm between."""
        dice = random.Random(self.seed)  # noqa: S311
        kinds: list[tuple[str, Callable[[float], Awaitable[object]]]] = [
            ("service stopped (F06, as SIGSTOP)", self._stopped),
            ("callers cut off (F10)", self._once(self.his.cut)),
            ("database cut off (F10)", self._once(self.postgres.cut)),
            ("broker paused (F04)", self._broker_paused),
            ("callers half closed (F10)", self._once(self.his.half_close)),
            ("database slow (F11)", self._slow(self.postgres)),
            ("broker cut off (F10)", self._once(self.kafka.cut)),
            ("database held (F10)", self._held(self.postgres)),
            ("callers slow (F10)", self._slow(self.his)),
            ("broker held (F10)", self._held(self.kafka)),
            ("database half closed (F10)", self._once(self.postgres.half_close)),
        ]
        while True:
            for name, disturb in kinds:
                await asyncio.sleep(dice.uniform(*CALM_SECONDS))
                await self.everybody_up.wait()
                await disturb(dice.uniform(*PAUSE_SECONDS))
                self.came[name] += 1
                self.history.write(disturbed=name)

    async def _stopped(self, seconds: float) -> None:
        """SIGSTOP, and later SIGCONT, of a service by its pid; killed meanwhile, it stays dead."""
        pid = self.town.running["settlement"].pid
        if _signal(pid, signal.SIGSTOP):
            try:
                await asyncio.sleep(seconds)
            finally:
                _signal(pid, signal.SIGCONT)

    async def _broker_paused(self, seconds: float) -> None:
        if self.broker_pid and _signal(self.broker_pid, signal.SIGSTOP):
            try:
                await asyncio.sleep(seconds)
            finally:
                _signal(self.broker_pid, signal.SIGCONT)

    def _once(self, act: Callable[[], object]) -> Callable[[float], Awaitable[object]]:
        async def disturb(_: float) -> object:
            return act()

        return disturb

    def _slow(self, proxy: Proxy) -> Callable[[float], Awaitable[object]]:
        async def disturb(seconds: float) -> None:
            proxy.delay_seconds = 0.05
            try:
                await asyncio.sleep(seconds)
            finally:
                proxy.delay_seconds = 0.0

        return disturb

    def _held(self, proxy: Proxy) -> Callable[[float], Awaitable[object]]:
        async def disturb(seconds: float) -> None:
            proxy.freeze()
            try:
                await asyncio.sleep(seconds)
            finally:
                proxy.thaw()

        return disturb


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
