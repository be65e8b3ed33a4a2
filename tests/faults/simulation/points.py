"""Points: every await of the real code on the database or the bus, where a schedule decides.

A process of the simulation stops before and after each of them. The schedule, drawn from a seed,
says who goes on, and whether a process dies there. So the interleaving is the seed's, whatever
the machine does meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

PROCESS: ContextVar[str] = ContextVar("process", default="")
BLOCKED_SECONDS = 0.05
DEATHS_MOST = 4
STEPS_MOST = 3000


class Died(BaseException):
    """The process dies here, as by kill -9: nothing of it goes on, and nothing is tidied up."""


@dataclass(eq=False)
class _Stopped:
    process: str
    place: str
    go: asyncio.Future[bool]


@dataclass
class Schedule:
    """Who goes on, and who dies, drawn from a seed; `die_at` names a place that must be met."""

    seed: int
    die_at: str = ""
    death_rate: float = 0.06
    calm: bool = False
    places: set[str] = field(default_factory=set)
    died_at: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311
        self._stopped: list[_Stopped] = []
        self._busy = 0
        self._stir = asyncio.Event()

    async def stop(self, place: str) -> None:
        """Wait here for the schedule. Raises Died."""
        if self.calm:
            return
        self.places.add(place)
        here = _Stopped(PROCESS.get(), place, asyncio.get_running_loop().create_future())
        self._stopped.append(here)
        self._stir.set()
        try:
            dies = await here.go
        finally:
            if here in self._stopped:
                self._stopped.remove(here)
        if dies:
            raise Died(place)

    async def pause(self) -> None:
        """Let others go on; nobody dies of waiting."""
        await self.stop("waiting")

    async def doing(self, name: str, act: Awaitable[Any]) -> Any:
        """An act on the database or the bus, with a point on either side of it."""
        try:
            await self.stop(f"before {name}")
        except BaseException:
            close = getattr(act, "close", None)
            if close is not None:
                close()
            raise
        answer = await self.quietly(act)
        await self.stop(f"after {name}")
        return answer

    async def quietly(self, act: Awaitable[Any]) -> Any:
        """An act that is no point of its own; the schedule waits for its end."""
        self._busy += 1
        try:
            return await act
        finally:
            self._busy -= 1
            self._stir.set()

    async def drive(self, processes: list[asyncio.Task[None]]) -> None:
        """Let the processes run to their end, one step of one of them at a time."""
        for _ in range(STEPS_MOST):
            await self._settle_down()
            if all(process.done() for process in processes):
                break
            if self._stopped:
                self._step()
        # Whoever is not done by now goes on undisturbed.
        self.calm = True
        for one in list(self._stopped):
            if not one.go.done():
                one.go.set_result(False)
        async with asyncio.timeout(30):
            await asyncio.gather(*processes)

    def _step(self) -> None:
        self._stopped.sort(key=lambda one: (one.process, one.place))
        one = self._stopped.pop(self.dice.randrange(len(self._stopped)))
        dies = one.place != "waiting" and self._dies(one.place)
        self.trace.append(f"{one.process} {'dies' if dies else 'goes on'} {one.place}")
        if dies:
            self.died_at.append(one.place)
        if not one.go.done():
            one.go.set_result(dies)

    def _dies(self, place: str) -> bool:
        if place == self.die_at and place not in self.died_at:
            return True
        return len(self.died_at) < DEATHS_MOST and self.dice.random() < self.death_rate

    async def _settle_down(self) -> None:
        """Wait until everybody has stopped, is done, or is blocked by a lock of who has stopped."""
        deadline = asyncio.get_running_loop().time() + BLOCKED_SECONDS
        while True:
            for _ in range(8):
                await asyncio.sleep(0)
            if not self._busy or asyncio.get_running_loop().time() > deadline:
                return
            self._stir.clear()
            try:
                async with asyncio.timeout(BLOCKED_SECONDS / 5):
                    await self._stir.wait()
            except TimeoutError:
                pass


def place_of(what: str, depth: int = 2) -> str:
    """The function that acts and what it does: `relay._stamp.execute`."""
    code = sys._getframe(depth).f_code
    return f"{Path(code.co_filename).stem}.{code.co_name}.{what}"


class StoppingPool:
    """A pool whose connections stop at points."""

    def __init__(self, pool: Any, schedule: Schedule) -> None:
        self._pool = pool
        self._schedule = schedule

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection; whoever dies with it leaves it as a killed process does."""
        connection = await self._schedule.quietly(self._pool.acquire())
        try:
            yield _Stopping(connection, self._schedule)
        except (Died, asyncio.CancelledError):
            _cut(connection)
            raise
        finally:
            await self._schedule.quietly(self._pool.release(connection))

    def fetch(self, *words: Any) -> Awaitable[Any]:
        """As the pool's own."""
        return self._once("fetch", place_of("fetch"), words)

    def fetchval(self, *words: Any) -> Awaitable[Any]:
        """As the pool's own."""
        return self._once("fetchval", place_of("fetchval"), words)

    async def _once(self, method: str, name: str, words: tuple[Any, ...]) -> Any:
        async with self.acquire() as connection:
            return await connection.named(method, name, words)


class _Stopping:
    def __init__(self, connection: Any, schedule: Schedule) -> None:
        self._connection = connection
        self._schedule = schedule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def named(self, method: str, name: str, words: tuple[Any, ...]) -> Awaitable[Any]:
        return self._schedule.doing(name, getattr(self._connection, method)(*words))

    def fetch(self, *words: Any) -> Awaitable[Any]:
        return self.named("fetch", place_of("fetch"), words)

    def fetchval(self, *words: Any) -> Awaitable[Any]:
        return self.named("fetchval", place_of("fetchval"), words)

    def fetchrow(self, *words: Any) -> Awaitable[Any]:
        return self.named("fetchrow", place_of("fetchrow"), words)

    def execute(self, *words: Any) -> Awaitable[Any]:
        return self.named("execute", place_of("execute"), words)

    def executemany(self, *words: Any) -> Awaitable[Any]:
        return self.named("executemany", place_of("executemany"), words)

    def transaction(self) -> Any:
        return self._transaction(place_of("commit"))

    @asynccontextmanager
    async def _transaction(self, name: str) -> AsyncIterator[None]:
        transaction = self._connection.transaction()
        await self._schedule.quietly(transaction.start())
        try:
            yield
        except (Died, asyncio.CancelledError):
            _cut(self._connection)
            raise
        except BaseException:
            await self._schedule.quietly(transaction.rollback())
            raise
        await self._schedule.doing(name, transaction.commit())


def _cut(connection: Any) -> None:
    """Leave a connection as a killed process leaves it; whoever held it may have done so before."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()
