"""A broker that does all that a real one may: copies, lost acknowledgements, half a batch,
keys in another order, partitions that move between members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from shared.plumbing.bus.record import Record
from shared.plumbing.relay import Waiting
from tests.faults.simulation.points import Schedule

TOPIC = "maternity.settlement.claim.v1"
PARTITIONS = 2
TAKE_MOST = 3


@dataclass
class Broker:
    """One topic for one group of consumers."""

    schedule: Schedule
    partitions: list[list[Record]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    owners: list[str] = field(default_factory=lambda: [""] * PARTITIONS)
    generation: int = 0

    def append(self, events: Sequence[Waiting]) -> None:
        """Store events: of a key in their order, of several keys in any. What is told on other
        topics, which nobody here hears, lies elsewhere."""
        events = [event for event in events if event.topic == TOPIC]
        waiting = {event.key: [e for e in events if e.key == event.key] for event in events}
        while waiting:
            key = self.schedule.dice.choice(sorted(waiting))
            event = waiting[key].pop(0)
            if not waiting[key]:
                del waiting[key]
            lies = self.partitions[sum(key.encode()) % PARTITIONS]
            lies.append(
                Record(
                    event.topic, sum(key.encode()) % PARTITIONS, len(lies), key,
                    orjson.loads(event.headers), event.data,
                )
            )  # fmt: skip

    def join(self, member: str) -> None:
        """A member comes, or comes back: partitions move."""
        members = sorted({*self.owners, member} - {""})
        self.owners = [self.schedule.dice.choice(members) for _ in self.partitions]
        self.generation += 1

    def records(self) -> list[Record]:
        """All that lies there."""
        return [record for partition in self.partitions for record in partition]

    def lag(self) -> int:
        """How much no commit has put behind the group."""
        return sum(map(len, self.partitions)) - sum(self.committed)


class VirtualSender:
    """The relay's way to the broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._schedule = broker.schedule

    async def send(self, events: Sequence[Waiting]) -> None:
        """Pass events on, or fail as a broker fails: after all of them, after some, after none."""
        await self._schedule.doing("relay.pass_on.send", self._send(events))

    async def _send(self, events: Sequence[Waiting]) -> None:
        chance = 1.0 if self._schedule.calm else self._schedule.dice.random()
        if chance < 0.1:
            self._broker.append(events[: len(events) // 2])
            raise OSError("half of it")
        self._broker.append(events)
        if chance < 0.2:
            raise OSError("the acknowledgement is lost")
        if chance < 0.3:
            self._broker.append(events)

    async def close(self) -> None:
        """Nothing to let go of."""


class VirtualSource:
    """A member's way from the broker: positions of its own until the partitions move."""

    def __init__(self, broker: Broker, member: str) -> None:
        self._broker = broker
        self._schedule = broker.schedule
        self._member = member
        self._generation = -1
        self._next: dict[int, int] = {}

    async def take(self) -> list[Record]:
        """Some of the next records of the partitions that are this member's now."""
        return list(await self._schedule.doing("inbox.take_once.take", self._take()))

    async def _take(self) -> list[Record]:
        broker = self._broker
        if self._generation != broker.generation:
            self._generation, self._next = broker.generation, {}
        taken: list[Record] = []
        for number, owner in enumerate(broker.owners):
            if owner == self._member:
                start = self._next.get(number, broker.committed[number])
                batch = broker.partitions[number][start : start + TAKE_MOST]
                self._next[number] = start + len(batch)
                taken += batch
        return taken

    async def done(self) -> None:
        """Commit, unless the partitions moved meanwhile."""
        await self._schedule.doing("inbox.take_once.done", self._done())

    async def _done(self) -> None:
        if self._generation == self._broker.generation:
            for number, after in self._next.items():
                self._broker.committed[number] = max(self._broker.committed[number], after)

    async def again(self) -> None:
        """Go back to what was committed."""
        self._next = {}

    async def close(self) -> None:
        """Nothing to let go of."""
