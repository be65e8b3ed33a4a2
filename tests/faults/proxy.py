"""A TCP proxy that does what networks do: it delays, cuts, half-closes, and holds everything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

CHUNK = 1 << 16


@dataclass(eq=False)
class _Joined:
    """One caller, and its connection to the other side."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter


@dataclass
class Proxy:
    """Listens on a port of its own, and passes everything on to another until it is told to fail."""

    host: str
    upstream: int
    port: int = 0
    delay_seconds: float = 0.0
    passed: int = 0
    _joined: set[_Joined] = field(default_factory=set)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._open.set()
        self._server = await asyncio.start_server(self._join, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.thaw()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> int:
        """Break every connection on both sides, as a dying switch does; returns how many."""
        cut = len(self._joined)
        for one in list(self._joined):
            for side in (one.near, one.far):
                side.transport.abort()
        return cut

    def half_close(self) -> int:
        """End the way back to every caller, and leave the other side believing that all is well."""
        closed = 0
        for one in list(self._joined):
            if one.near.can_write_eof() and not one.near.is_closing():
                one.near.write_eof()
                closed += 1
        return closed

    def freeze(self) -> None:
        """Hold every byte, both ways, and every new connection."""
        self._open.clear()

    def thaw(self) -> None:
        """Go on as if nothing had been."""
        self._open.set()

    async def _join(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            answers, far = await asyncio.open_connection(self.host, self.upstream)
        except OSError:
            near.transport.abort()
            return
        one = _Joined(near, far)
        self._joined.add(one)
        ways = [
            asyncio.create_task(self._pass_on(reader, far)),
            asyncio.create_task(self._pass_on(answers, near)),
        ]
        self._tasks.update(ways)
        await asyncio.wait(ways)
        self._tasks.difference_update(ways)
        self._joined.discard(one)
        for side in (near, far):
            side.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self._open.wait()
                writer.write(chunk)
                await writer.drain()
                self.passed += len(chunk)
            writer.write_eof()
        except (OSError, RuntimeError):
            writer.transport.abort()
