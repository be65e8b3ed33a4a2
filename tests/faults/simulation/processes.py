"""The processes of a simulation: two replicas of settlement with their callers, two relays, two
consumers. All of them run the services' own code; only time, bus and death are the schedule's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson

from services.audit.heard.claim import claim_handler
from services.settlement.actions.reverse import reverse
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Outcome, Settle, Settling, settle_stay
from services.settlement.api.office import Settlements
from services.settlement.api.render import settled_form, settlement_bytes
from services.settlement.domain.refusals import Refusal
from shared.money import Money
from shared.plumbing.auth import Caller
from shared.plumbing.database import LOST, PASSING, Connection
from shared.plumbing.edge import once_per_key
from shared.plumbing.group import Busy, Group, TwinRunning
from shared.plumbing.inbox import Inbox
from shared.plumbing.problems import Problem
from shared.plumbing.relay import Fenced, Relay
from shared.plumbing.repeats import Answer, Ask, Overtaken
from tests.faults.simulation.batches import CaseCall, send
from tests.faults.simulation.broker import Broker, VirtualSender, VirtualSource
from tests.faults.simulation.points import PROCESS, Died, Schedule, StoppingPool
from tests.faults.simulation.town import Town
from tests.settlement.conftest import NANJING

CONSUMER = "audit-claim"


@dataclass
class Call:
    """What a hospital wants done under a key, until it is told what became of it."""

    operation: str
    hospital: str
    thing: UUID
    key: str
    answers: list[bytes] = field(default_factory=list)
    refused: bool = False

    @property
    def settled(self) -> str:
        """The settlement that it was told of; empty where it was refused."""
        return str(orjson.loads(self.answers[0])["settlement_id"]) if self.answers else ""


@dataclass
class World:
    """One play: a schedule, a broker, and what was called."""

    town: Town
    schedule: Schedule
    broker: Broker
    calls: list[Call] = field(default_factory=list)
    cases: list[CaseCall] = field(default_factory=list)
    callers_left: int = 0

    async def lives(self, name: str, life: Callable[[], Awaitable[None]]) -> None:
        """A process: where it dies it starts again, and knows nothing of before."""
        PROCESS.set(name)
        while True:
            try:
                await life()
            except Died:
                continue
            return

    # ---- settlement

    def replica(self, plans: list[list[Call]]) -> Callable[[], Awaitable[None]]:
        """A replica of settlement with its callers: each makes its calls one after the other."""
        todo = [list(plan) for plan in plans]
        self.callers_left += len(plans)

        async def life() -> None:
            pool = cast(Any, StoppingPool(self.town.group, self.schedule))
            act = Settling(self.town.clock, lambda: self.town.book)
            group: Settlements = Group(pool, act, flushers=2)
            group.start()
            callers = [asyncio.create_task(self._calls(group, plan)) for plan in todo if plan]
            flushers = cast(Any, group)._tasks
            try:
                left = set(callers)
                while left:
                    done, _ = await asyncio.wait(
                        [*left, *flushers], return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()  # Died, where one did
                        left.discard(task)
            finally:
                for task in (*callers, *flushers):
                    task.cancel()
                await asyncio.gather(*callers, *flushers, return_exceptions=True)

        return life

    def batcher(self, cases: list[CaseCall]) -> Callable[[], Awaitable[None]]:
        """A replica of settlement that is sent a batch, again until each case of it is final."""
        self.cases += cases
        self.callers_left += 1

        async def life() -> None:
            while not all(case.final for case in cases):
                await send(self.town, self.schedule, cases)
                await self.schedule.pause()
            self.callers_left -= 1

        return life

    async def _calls(self, group: Settlements, plan: list[Call]) -> None:
        while plan:
            call = plan[0]
            if call.operation == "reverse" and not call.thing.int:
                before = self.calls[self.calls.index(call) - 1]
                if not before.settled:
                    break
                call.thing = UUID(before.settled)
            said = await self._asked(group, call)
            if said is None:
                await self.schedule.pause()
                continue
            if isinstance(said, Answer):
                call.answers.append(said.body)
            else:
                call.refused = True
            plan.pop(0)
        plan.clear()
        self.callers_left -= 1

    async def _asked(self, group: Settlements, call: Call) -> Outcome | Problem | None:
        """The final answer; None where the call is to be made again."""
        try:
            if call.operation == "settle":
                return await self._settled(group, call)
            return await self._reversed(call)
        except (Busy, TwinRunning, *LOST, *PASSING):
            return None
        except Problem as problem:
            return problem

    async def _settled(self, group: Settlements, call: Call) -> Outcome:
        """With a point before the group is asked, and one before the caller is told."""
        await self.schedule.stop("before settle.settle_stay.submit")
        outcome = await settle_stay(group, self._settle(call))
        await self.schedule.stop("after settle.settle_stay.submit")
        return outcome

    def _settle(self, call: Call) -> Settle:
        ask = Ask(NANJING, call.hospital, "settle", call.key, call.thing.bytes)
        return Settle(
            ask, call.thing, Money.from_wire(self.town.total), call.hospital, "", settled_form
        )

    async def _reversed(self, call: Call) -> Answer:
        """Through the edge's own keyed way; only its request is made up."""
        pool = StoppingPool(self.town.service, self.schedule)
        here = SimpleNamespace(pool=pool, clock=self.town.clock, hash_key=b"key")
        request = SimpleNamespace(
            url=SimpleNamespace(path=f"/settlements/{call.thing}/reverse"),
            state=SimpleNamespace(body={}),
            headers={"idempotency-key": call.key},
            app=SimpleNamespace(state=SimpleNamespace(desk=here)),
        )
        who = Caller(call.hospital, "hospital", NANJING, call.hospital)
        scene = Scene(NANJING, call.hospital, call.hospital, "request", self.town.clock.now())

        async def effect(tx: Connection) -> tuple[UUID, Answer]:
            reversal = await reverse(tx, scene, call.thing)
            if isinstance(reversal, Refusal):
                raise Problem(cast(Any, reversal))
            return reversal.settlement_id, Answer(201, settlement_bytes(reversal))

        answered = await once_per_key(cast(Any, request), who, "reverse", [call.hospital], effect)
        return Answer(answered.status_code, bytes(answered.body))

    # ---- relay and consumers

    def relay(self, wait: int) -> Callable[[], Awaitable[None]]:
        """A relay that takes over after so many steps, and ends when all is told and passed on."""
        waits = [wait]

        async def life() -> None:
            while waits[0] and self.callers_left:
                waits[0] -= 1
                await self.schedule.pause()
            pool = cast(Any, StoppingPool(self.town.service, self.schedule))
            relay = Relay(pool, VirtualSender(self.broker), self.town.clock)
            raised = False
            while True:
                over = not self.callers_left
                try:
                    if not raised:
                        await relay.raise_fence()
                        raised = True
                    passed = await relay.pass_on()
                except Fenced:
                    return  # another took over, and goes on
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    passed, raised = 1, False  # as the relay's own run: it starts again
                if over and not passed:
                    return
                await self.schedule.pause()

        return life

    def consumer(self, member: str) -> Callable[[], Awaitable[None]]:
        """A consumer of claims, until callers are done and nothing lies before it."""

        async def life() -> None:
            self.broker.join(member)
            inbox = self.inbox(member)
            while True:
                over = not self.callers_left
                try:
                    taken = await inbox.take_once()
                except (*LOST, *PASSING, Overtaken):
                    await inbox._source.again()
                    taken = 1
                if over and not taken:
                    return
                await self.schedule.pause()

        return life

    def inbox(self, member: str) -> Inbox:
        """Audit's own inbox and handler, at the virtual broker."""
        pool = cast(Any, StoppingPool(self.town.audit, self.schedule))
        source = VirtualSource(self.broker, member)
        handle = claim_handler(self.town.clock, self.town.library)
        return Inbox(CONSUMER, pool, source, handle, self.town.clock)
