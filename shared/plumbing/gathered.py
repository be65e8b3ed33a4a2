"""Look-ups that arrive while one is under way go together by the next statement.

No timer, as with a group's commit: a lone look-up waits for nobody, and under load one statement
answers all who asked. What is told was read after it was asked for, never before.

- A data error halves those who were looked up until it stands alone; the others are answered.
- A lost connection, or a statement that had to give way, is told to all whom it concerned: they are
  to ask again.
- A statement that hangs holds all that come after it, so no more wait than there is room for:
  whoever comes then is told so at once, as by a group, and may ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import Context
from itertools import islice
from typing import Generic, TypeVar

from shared.plumbing.database import LOST, PASSING
from shared.plumbing.group import Busy

K = TypeVar("K")
V = TypeVar("V")

_MOST = 200
"""How many are looked up by one statement."""


class Gathered(Generic[K, V]):
    """Looks up values by key for many callers at once."""

    def __init__(
        self, look: Callable[[Collection[K]], Awaitable[Mapping[K, V]]], *, queue_most: int = 2000
    ) -> None:
        """`look` reads the values of some keys; a key that it leaves out has none. `queue_most`
        keys may wait for their statement, each for however many callers."""
        self._look = look
        self._queue_most = queue_most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def find(self, key: K) -> V | None:
        """The value of a key, None where there is none. Raises what the look-up raised, and Busy
        where there is no room."""
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= self._queue_most:
                raise Busy
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._looking is None:
                # In nobody's context: what it reads, it reads for all of them.
                self._looking = asyncio.create_task(self._until_nobody_waits(), context=Context())
        return await asyncio.shield(waiting)  # one caller's hang-up is not the others'

    async def _until_nobody_waits(self) -> None:
        try:
            while self._waiting:
                keys = list(islice(self._waiting, _MOST))
                await self._answer([(key, self._waiting.pop(key)) for key in keys])
        finally:
            self._looking = None

    async def _answer(self, asked: Sequence[tuple[K, asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._look([key for key, _ in asked])
        except Exception as error:
            if len(asked) > 1 and not isinstance(error, (*LOST, *PASSING)):
                half = len(asked) // 2
                await self._answer(asked[:half])
                await self._answer(asked[half:])
                return
            for _, waiting in asked:
                waiting.set_exception(error)
                waiting.exception()  # a caller that hung up leaves nobody to hear it
        else:
            for key, waiting in asked:
                waiting.set_result(found.get(key))
