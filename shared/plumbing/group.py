"""Group commit: what arrives while one transaction runs becomes the next transaction.

No timer: while a flush is under way commands pile up, so groups form by themselves under load
and a lone command waits for nobody. READ is one statement for all, `decide` is pure, WRITE is one
statement and so one transaction; each caller is answered after the commit.

- A loser of WRITE (somebody else was faster) goes round again: the fresh READ says who won.
- A data error halves the group until the poison row stands alone; the others are written. So does
  any unique index but the key's: the next READ would not show what it stands against.
- A lost connection means "outcome unknown": the same group is read again, and what was committed
  is found there by its key.
- A caller that hangs up changes nothing: its command runs to its end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import asyncpg

from shared.plumbing.database import LOST, Connection, Pool
from shared.plumbing.metrics import COMMANDS, GROUPS, STATEMENTS
from shared.plumbing.repeats import ONE_KEY
from shared.plumbing.tracing import span, traceparent

C = TypeVar("C")
F = TypeVar("F")
E = TypeVar("E")
A = TypeVar("A")

_ROUNDS = 8
_TWIN_SECONDS = 2.0
_LOST_TRIES = 5
_LOST_SECONDS = 0.2


class Busy(Exception):
    """The queue or the institution's share of it is full, or the group is closing: retry later."""


class TwinRunning(Exception):
    """The same request is being worked on for longer than a follower waits."""


@dataclass(frozen=True, slots=True)
class Said(Generic[A]):
    """An answer that needs no writing: a refusal, or the replay of an earlier answer."""

    answer: A


class Act(Protocol[C, F, E, A]):  # type: ignore[misc]
    """What a group does: the three steps of one hot action."""

    def identity(self, command: C) -> Hashable:
        """What makes two commands twins: caller, operation and key."""
        ...

    def share_of(self, command: C) -> str:
        """Whose share of the queue the command takes: its institution."""
        ...

    async def read(self, connection: Connection, commands: Sequence[C]) -> Sequence[F]:
        """The facts of each command, in order, by one statement."""
        ...

    def decide(self, command: C, facts: F) -> E | Said[A]:
        """Pure: what is to be written, or what is said without writing."""
        ...

    async def write(self, connection: Connection, entries: Sequence[E]) -> Sequence[bool]:
        """Write all entries by one statement; which of them were written."""
        ...

    def answer(self, entry: E) -> A:
        """What a written entry's caller is told."""
        ...


@dataclass(slots=True, eq=False)
class _Ticket(Generic[C, A]):
    command: C
    future: asyncio.Future[A]
    rounds: int = 0
    since: float = field(default_factory=time.perf_counter)
    trace: str = field(default_factory=traceparent)


@dataclass(slots=True)
class Counts:
    """What the group did so far, for metrics and tests."""

    groups: int = 0
    commands: int = 0
    statements: int = 0
    again: int = 0
    halved: int = 0


class Group(Generic[C, F, E, A]):
    """Runs one hot action for many callers at once."""

    def __init__(
        self,
        pool: Pool,
        act: Act[C, F, E, A],
        *,
        flushers: int = 2,
        group_most: int = 100,
        queue_most: int = 2000,
        share_most: int = 500,
        written: Callable[[E, float], None] = lambda entry, seconds: None,
    ) -> None:
        """`written` is told of each entry that was committed, and how many seconds that took."""
        self._pool = pool
        self._act = act
        self._flushers = flushers
        self._group_most = group_most
        self._queue_most = queue_most
        self._share_most = share_most
        self._written = written
        self._queue: deque[_Ticket[C, A]] = deque()
        self._shares: Counter[str] = Counter()
        self._leaders: dict[Hashable, asyncio.Future[A]] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self.counts = Counts()

    def start(self) -> None:
        """Start the flushers; each holds one connection while it works."""
        self._tasks = [asyncio.create_task(self._flush_for_ever()) for _ in range(self._flushers)]

    async def close(self) -> None:
        """Refuse what comes, finish what is here, stop."""
        self._closing = True
        while self._leaders:
            await asyncio.wait(list(self._leaders.values()))
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def length(self) -> int:
        """How many commands wait or are being written."""
        return len(self._leaders)

    async def submit(self, command: C) -> A:
        """Have a command done, and say what came of it.

        Raises Busy when there is no room, TwinRunning when the same request is still running
        after two seconds, and the database's error for a command that is itself the poison.
        """
        identity = self._act.identity(command)
        await self._follow(identity)
        share = self._act.share_of(command)
        if (
            self._closing
            or len(self._leaders) >= self._queue_most
            or self._shares[share] >= self._share_most
        ):
            raise Busy
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._leaders[identity] = future
        self._shares[share] += 1
        future.add_done_callback(lambda _: self._leave(identity, share))
        self._queue.append(_Ticket(command, future))
        self._wake.set()
        return await asyncio.shield(future)

    async def _follow(self, identity: Hashable) -> None:
        """Wait for a running twin; its answer is then found by its key, or a conflict is.

        Of several followers each leads in turn, so there may be one more leader to wait for.
        """
        deadline = asyncio.get_running_loop().time() + _TWIN_SECONDS
        while (leader := self._leaders.get(identity)) is not None:
            left = deadline - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait([leader], timeout=left)
            if not done:
                raise TwinRunning

    def _leave(self, identity: Hashable, share: str) -> None:
        del self._leaders[identity]
        self._shares[share] -= 1
        if not self._shares[share]:
            del self._shares[share]

    async def _flush_for_ever(self) -> None:
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            most = min(self._group_most, len(self._queue))
            tickets = [self._queue.popleft() for _ in range(most)]
            await self._flush(tickets)

    async def _flush(self, tickets: Sequence[_Ticket[C, A]]) -> None:
        """Work a group to its end, whatever happens to the connection."""
        for attempt in range(1, _LOST_TRIES + 1):
            try:
                async with self._pool.acquire() as connection:
                    try:
                        with span("group", links=(ticket.trace for ticket in tickets)):
                            await self._run(connection, [t for t in tickets if not t.future.done()])
                    except BaseException:
                        connection.terminate()  # in what state it is, nobody knows
                        raise
                return
            except LOST:
                if attempt < _LOST_TRIES:
                    await asyncio.sleep(_LOST_SECONDS * attempt)
            except Exception as error:
                _fail(tickets, error)
                return
        _fail(tickets, Busy())

    async def _run(self, connection: Connection, tickets: Sequence[_Ticket[C, A]]) -> None:
        if not tickets:
            return
        self.counts.groups += 1
        self.counts.commands += len(tickets)
        GROUPS.inc()
        COMMANDS.inc(len(tickets))
        self._count_statement()
        facts = await self._act.read(connection, [t.command for t in tickets])
        entries: list[tuple[_Ticket[C, A], E]] = []
        for ticket, fact in zip(tickets, facts, strict=True):
            try:
                with span("decide", parent=ticket.trace):
                    decided = self._act.decide(ticket.command, fact)
            except Exception as error:
                _fail([ticket], error)
                continue
            if isinstance(decided, Said):
                _resolve(ticket, decided.answer)
            else:
                entries.append((ticket, decided))
        if entries:
            await self._write(connection, entries)

    def _count_statement(self) -> None:
        self.counts.statements += 1
        STATEMENTS.inc()

    async def _write(
        self, connection: Connection, entries: Sequence[tuple[_Ticket[C, A], E]]
    ) -> None:
        try:
            self._count_statement()
            won = await self._act.write(connection, [entry for _, entry in entries])
        except LOST:
            raise
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == ONE_KEY:
                # A key that was new at READ is taken: another replica has the twin. READ shows it.
                self._again([ticket for ticket, _ in entries])
                return
            if len(entries) == 1:
                _fail([entries[0][0]], error)
                return
            self.counts.halved += 1
            half = len(entries) // 2
            await self._write(connection, entries[:half])
            await self._write(connection, entries[half:])
            return
        losers = []
        for (ticket, entry), written in zip(entries, won, strict=True):
            if written:
                self._written(entry, time.perf_counter() - ticket.since)
                _resolve(ticket, self._act.answer(entry))
            else:
                losers.append(ticket)
        self._again(losers)

    def _again(self, tickets: Iterable[_Ticket[C, A]]) -> None:
        for ticket in tickets:
            ticket.rounds += 1
            if ticket.rounds >= _ROUNDS:
                _fail([ticket], Busy())
                continue
            self.counts.again += 1
            self._queue.append(ticket)
            self._wake.set()


def _resolve(ticket: _Ticket[C, A], answer: A) -> None:
    if not ticket.future.done():
        ticket.future.set_result(answer)


def _fail(tickets: Iterable[_Ticket[C, A]], error: Exception) -> None:
    for ticket in tickets:
        if not ticket.future.done():
            ticket.future.set_exception(error)
            ticket.future.exception()  # a caller that hung up leaves nobody to hear it
