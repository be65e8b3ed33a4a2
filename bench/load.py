"""A process that loads a service over HTTP, light enough to share its cores.

`python -m bench.load PLAN`: makes every request's bytes beforehand, prints "ready", waits for a
line, and then sends the plan's requests: as fast as its connections answer, or at a fixed rate
whatever the answers do, where an answer's time counts from the moment it was due.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

Done = Callable[["_Connection", int, float], None]


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._buffer = b""
        self._due = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        head = buffer.find(b"\r\n\r\n")
        if head >= 0:
            at = buffer.index(b"content-length: ") + 16
            length = int(buffer[at : buffer.index(b"\r\n", at)])
            if len(buffer) == head + 4 + length:
                self._buffer = b""
                self._done(self, int(buffer[9:12]), time.perf_counter() - self._due)
                return
        self._buffer = buffer


class _Load:
    """The run: requests go out, answers are counted, latencies kept."""

    def __init__(self, plan: dict[str, Any], requests: list[bytes]) -> None:
        self._plan = plan
        self._requests = deque(requests)
        # Taken in turns: the service closes a connection that rests for longer than a minute.
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._running = 0
        self._ended = asyncio.Event()
        self._until = 0.0
        self._rate: float = plan["rate"] or 0.0
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        for _ in range(self._plan["connections"]):
            _, made = await loop.create_connection(
                lambda: _Connection(self._done), self._plan["host"], self._plan["port"]
            )
            self._idle.append(made)
        gc.collect()
        gc.freeze()
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        start = time.perf_counter()
        self._until = start + self._plan["seconds"]
        if self._rate:
            await self._at_rate(start)
        else:
            while self._idle and self._requests:
                self._send(self._requests.popleft(), time.perf_counter())
        while self._running:
            self._ended.clear()
            await self._ended.wait()
        return self._result(time.perf_counter() - start)

    async def _at_rate(self, start: float) -> None:
        sent, total = 0, min(int(self._rate * self._plan["seconds"]), len(self._requests))
        while sent < total:
            due_by_now = min(total, int((time.perf_counter() - start) * self._rate) + 1)
            while sent < due_by_now:
                self._offer(self._requests.popleft(), start + sent / self._rate)
                sent += 1
            await asyncio.sleep(0.0005)

    def _offer(self, request: bytes, due: float) -> None:
        if self._idle:
            self._send(request, due)
        else:
            self._waiting.append((request, due))

    def _send(self, request: bytes, due: float) -> None:
        self._running += 1
        self._idle.popleft().send(request, due)

    def _done(self, connection: _Connection, status: int, seconds: float) -> None:
        self._running -= 1
        self.statuses[status] += 1
        self.latencies.append(seconds)
        self._idle.append(connection)
        if self._waiting:
            self._send(*self._waiting.popleft())
        elif not self._rate and self._requests and time.perf_counter() < self._until:
            self._send(self._requests.popleft(), time.perf_counter())
        if not self._running:
            self._ended.set()

    def _result(self, seconds: float) -> dict[str, Any]:
        times = sorted(self.latencies)

        def at(share: float) -> float:
            return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 2)

        return {
            "seconds": seconds,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "most_ms": at(1.0),
            "left": len(self._requests) + len(self._waiting),
        }


def requests_of(plan: dict[str, Any]) -> list[bytes]:
    """The bytes of each request: (client, method and path, key, body) in the plan."""
    beside = plan["headers"]
    heads = {
        client: f"host: {plan['host']}\r\nauthorization: Bearer {token}\r\n{beside.get(client, '')}"
        for client, token in plan["tokens"].items()
    }
    return [
        (
            f"{place} HTTP/1.1\r\n{heads[client]}idempotency-key: {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
        ).encode()
        for client, place, key, body in plan["requests"]
    ]


def main() -> None:
    """Run a plan and print what came of it, as JSON."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    requests = requests_of(plan)
    print(json.dumps(uvloop.run(_run(plan, requests))), flush=True)


async def _run(plan: dict[str, Any], requests: list[bytes]) -> dict[str, Any]:
    return await _Load(plan, requests).run()


if __name__ == "__main__":
    main()
