"""One seed, from the first call to the last check; many of them; and the command line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from tests.faults.simulation.batches import CaseCall
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.oracle import broken
from tests.faults.simulation.points import Schedule
from tests.faults.simulation.processes import Call, World
from tests.faults.simulation.town import HOSPITALS, Town, open_town

NOTHING = UUID(int=0)
BATCHES_SHARE = 0.5
"""A play with batches has twice the steps."""


@dataclass
class Played:
    """What some seeds came to."""

    seeds: int = 0
    steps: int = 0
    deaths: int = 0
    places: set[str] = field(default_factory=set)
    died_at: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def and_(self, other: Played) -> Played:
        """Both together."""
        return Played(
            self.seeds + other.seeds, self.steps + other.steps, self.deaths + other.deaths,
            self.places | other.places, self.died_at | other.died_at, self.wrong + other.wrong,
        )  # fmt: skip


async def play(town: Town, seed: int, played: Played, die_at: str = "") -> None:
    """Play a seed; what it broke is noted with all that is needed to play it again."""
    schedule = Schedule(seed, die_at=die_at)
    world = World(town, schedule, Broker(schedule))
    await _drive(world)
    wrong = await broken(world)
    played.seeds += 1
    played.steps += len(schedule.trace)
    played.deaths += len(schedule.died_at)
    played.places |= schedule.places
    played.died_at |= set(schedule.died_at)
    if wrong:
        played.wrong.append(
            f"seed {seed} at {_commit()} die_at={die_at!r}: {'; '.join(wrong)}\n  "
            + "\n  ".join(schedule.trace[-40:])
        )


async def _drive(world: World) -> None:
    dice = world.schedule.dice
    (a1, b1), (a2, _) = await world.town.stays(2)
    a, b = HOSPITALS

    def call(operation: str, hospital: str, thing: UUID, key: str = "") -> Call:
        made = Call(operation, hospital, thing, key or uuid4().hex)
        world.calls.append(made)
        return made

    # Two hospitals claim one birth; the first may undo its claim and make it again. Another stay is
    # settled twice under one key, at both replicas.
    first = [call("settle", a, a1)]
    if dice.random() < 0.5:
        first += [call("reverse", a, NOTHING), call("settle", a, a1)]
    rival = [call("settle", b, b1)]
    twin = [call("settle", a, a2)]
    other_twin = [call("settle", a, a2, twin[0].key)]
    if dice.random() < 0.3:
        twin.append(call("reverse", a, NOTHING))
    lives = {
        "settlement-1": world.replica([first, twin]),
        "settlement-2": world.replica([rival, other_twin]),
        "relay-1": world.relay(0),
        "relay-2": world.relay(dice.randrange(5, 60)),
        "audit-1": world.consumer("audit-1"),
        "audit-2": world.consumer("audit-2"),
    }
    if dice.random() < BATCHES_SHARE:
        for number, cases in enumerate(await _batches(world), 1):
            lives[f"batches-{number}"] = world.batcher(cases)
    await world.schedule.drive(
        [asyncio.create_task(world.lives(name, life)) for name, life in lives.items()]
    )
    # The end of every play is calm: whoever was dead is back, and everything is heard.
    await world.relay(0)()
    for member in ("audit-1", "audit-2"):
        world.broker.join(member)
    world.broker.owners = ["audit-1" for _ in world.broker.owners]
    inbox = world.inbox("audit-1")
    while world.broker.lag():
        await inbox.take_once()


async def _batches(world: World) -> tuple[list[CaseCall], list[CaseCall]]:
    """A batch of two births; and at the other replica, beside a third, the second one once more
    under its key, or another hospital's claim on the first."""
    one, other, third = await world.town.mothers(3)
    a, b = HOSPITALS
    first = [CaseCall(a, *one), CaseCall(a, *other)]
    if world.schedule.dice.random() < 0.5:
        return first, [CaseCall(a, *third), CaseCall(a, *other, first[1].key)]
    return first, [CaseCall(b, *one), CaseCall(b, *third)]


def _commit() -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "no commit"


async def _main(settlement: str, audit: str, folder: str, seeds: str) -> int:
    """Play seeds on given databases until one breaks something; 1 then."""
    played = Played()
    first, last = (int(word) for word in seeds.split("-"))
    async with open_town(json.loads(settlement), json.loads(audit), Path(folder)) as town:
        for seed in range(first, last):
            await play(town, seed, played)
            if played.wrong:
                print(played.wrong[0])  # noqa: T201
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(*sys.argv[1:])))
