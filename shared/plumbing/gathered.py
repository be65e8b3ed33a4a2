"""Look-ups that arrive while one is under way go together by the next statement.

No timer, as with a group's commit: a lone look-up waits for nobody, and under load one statement
answers all who asked. What is told was read after it was asked for, never before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Looks up values by key for many callers at once."""

    def __init__(self, look: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`look` reads the values of some keys; a key that it leaves out has none."""
        self._look = look
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def find(self, key: K) -> V | None:
        """The value of a key, None where there is none. Raises what the look-up raised."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._looking is None:
                # In nobody's context: what it reads, it reads for all of them.
                self._looking = asyncio.create_task(self._until_nobody_waits(), context=Context())
        return await asyncio.shield(waiting)  # one caller's hang-up is not the others'

    async def _until_nobody_waits(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._looking = None

    async def _answer(self, asked: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._look(asked.keys())
        except Exception as error:
            for waiting in asked.values():
                waiting.set_exception(error)
                waiting.exception()  # a caller that hung up leaves nobody to hear it
        else:
            for key, waiting in asked.items():
                waiting.set_result(found.get(key))
