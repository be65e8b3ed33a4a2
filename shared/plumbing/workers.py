"""Tasks that no request starts: kept running, and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

_RESTART_SECONDS = 1.0


class Workers:
    """Runs coroutines for ever; one that dies is started again and logged."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Start a worker; `run` goes on until it is cancelled."""
        self._tasks.append(asyncio.create_task(self._keep(name, run), name=name))

    def every(self, name: str, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        """Do `act` again and again, with a pause between."""

        async def run() -> None:
            while True:
                await act()
                await asyncio.sleep(seconds)

        self.start(name, run)

    async def stop(self) -> None:
        """Cancel all workers and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception as error:
                log.error("worker starts again", worker=name, exc_info=error)
                await asyncio.sleep(_RESTART_SECONDS)
