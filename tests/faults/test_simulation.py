"""Ring 1: the services' own code on a real database, its schedule drawn from a seed.

`make test` plays 300 seeds and meets every point at least once; `make faults` plays 10,000.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.planting import PLANTED, planted_copy
from tests.faults.simulation.apart import play_apart
from tests.faults.simulation.play import Played, play
from tests.faults.simulation.town import Town, open_town
from tests.support.postgres import ServiceDatabases
from tests.support.source import ROOT

LONG = os.environ.get("FAULTS") == "long"
SEEDS = int(os.environ.get("SEEDS", "10000" if LONG else "300"))
MEET_TRIES = 600
"""At most, and so below: where the machine is slow, the same seed is another schedule."""

# Faults of the plumbing, which a schedule shows sooner than a call; and the name that it breaks.
FAULTS = {
    "stamped-before-sent": "V02",
    "no-fence": "V02",
    "offset-before-effect": "V07",
    "batch-answers-who-lost": "K05",
    "batch-forgets-its-keys": "K03",
}
FAULT_SEEDS = 600

WRITE_PATH = (
    "shared/plumbing/relay.py", "shared/plumbing/inbox.py", "shared/plumbing/outbox.py",
    "shared/plumbing/repeats.py", "shared/plumbing/database.py", "shared/plumbing/group.py",
    "services/settlement/actions/settle.py", "services/settlement/store/settling.py",
    "services/settlement/actions/settle_cases.py",
)  # fmt: skip
# Of these modules batches of complete cases wait in one function each.
OF_BATCHES = {
    "services/settlement/store/pregnancies.py": "keep_all",
    "services/settlement/store/catalogue.py": "items",
    "services/settlement/store/stays.py": "insert",
    "services/settlement/store/lines.py": "insert",
    "services/settlement/store/stay_items.py": "keep",
    "shared/plumbing/journal.py": "write_log",
}
# These reach the database through others: there each await counts but on functions of their own.
THROUGH_OTHERS = (
    "shared/plumbing/group.py", "services/settlement/actions/settle.py",
    "services/settlement/actions/settle_cases.py",
)  # fmt: skip
ACTS = {"fetch", "fetchval", "fetchrow", "execute", "executemany", "send", "take", "done"}
ELSEWHERE = {
    "relay.run": "whose turn it is: here two relays run at once, which is worse",
    "relay._wait_for_turn": "as relay.run",
    "inbox._park": "no event of a play is poison; tests/contracts/test_buses.py has them",
    "inbox._bury": "as inbox._park",
    "inbox._bury_in": "as inbox._park",
    "inbox.retry_parked": "as inbox._park",
    "settle.read.read": "awaits settling.read.fetch and nothing else",
    "settle.write.write": "awaits settling.write.fetch and nothing else",
    "group._run.read": "awaits settle.read.read and nothing else",
    "group._write.write": "awaits settle.write.write and nothing else",
    "group._flush.acquire": "holds no connection yet: as before settling.read.fetch",
    "group._flush.sleep": "lost its connection: as before or after settling.write.fetch",
    "group._flush_for_ever.wait": "waits for a command: nothing is at hand",
    "group._follow.wait": "a twin is under way: as before settle.settle_stay.submit",
    "group.submit.shield": "what it waits for is written: as after settling.write.fetch; what it is"
    " told is answered at once: as after settle.settle_stay.submit",
    "group.close": "an orderly end: who dies has none",
    "settle_cases.settle_cases.keep_all": "awaits pregnancies.keep_all.fetch and nothing else",
    "settle_cases.settle_cases.known_of": "awaits catalogue.items.fetch and nothing else, where no"
    " line has a hospital's own code",
    "settle_cases.settle_cases._store": "awaits what follows",
    "settle_cases._store.insert": "awaits stays.insert.fetch, then lines.insert.fetch",
    "settle_cases._store.note": "asks nothing without doubts, and no line of a play is doubtful:"
    " as after lines.insert.fetch",
    "settle_cases._store.keep": "awaits stay_items.keep.execute and nothing else",
    "settle_cases._store.write_log": "awaits journal.write_log.execute and nothing else",
    "settle_cases.settle_cases.read": "awaits settling.read.fetch and nothing else",
    "settle_cases.settle_cases.write": "awaits settling.write.fetch and nothing else",
    "repeats.kept_with": "asked by who undoes a message of the national gateway: none is in a play",
}

pytestmark = pytest.mark.timeout(0 if LONG else 900)


@pytest.fixture(scope="module")
async def town(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    async with open_town(module_databases("settlement"), module_databases("audit"), folder) as town:
        yield town


async def test_no_schedule_breaks_an_invariant_and_every_point_is_met(
    town: Town, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    played = await asyncio.to_thread(play_apart, range(SEEDS), tmp_path)
    assert played.wrong == []
    assert played.seeds == SEEDS
    for seed in range(SEEDS, SEEDS + MEET_TRIES):
        if missing := sorted(_both_sides(_awaits()) - played.died_at):
            await play(town, seed, played, die_at=missing[seed % len(missing)])
            assert played.wrong == []
    met = _met(played)
    assert _both_sides(_awaits()) <= played.died_at, "nobody died at some points"
    stems, parts = {Path(f).stem for f in WRITE_PATH}, _parts()
    in_the_path = {p for p in met if p.partition(".")[0] in stems or p.rpartition(".")[0] in parts}
    assert _awaits() == in_the_path, "the write path waits where no schedule stops, or no longer"
    record_property("seeds", played.seeds)
    record_property("steps", played.steps)
    record_property("deaths", played.deaths)
    record_property("points", sorted(met))


def _met(played: Played) -> set[str]:
    """The points, without their sides, at which a process died."""
    return {place.partition(" ")[2] for place in played.died_at}


def _both_sides(points: set[str]) -> set[str]:
    return {f"{side} {point}" for side in ("before", "after") for point in points}


def _awaits() -> set[str]:
    """Every await on database or bus in the write path, as points are named."""
    whole = {
        f"{function}.{act}"
        for file in WRITE_PATH
        for function, act in _acts_of(file)
        if ELSEWHERE.keys().isdisjoint((function, f"{function}.{act}"))
    }
    parts = {one for file in OF_BATCHES for one in _acts_of(file) if one[0] in _parts()}
    return whole | {".".join(one) for one in parts}


def _parts() -> set[str]:
    return {f"{Path(file).stem}.{function}" for file, function in OF_BATCHES.items()}


def _acts_of(file: str) -> Iterator[tuple[str, str]]:
    text, every = (ROOT / file).read_text(), file in THROUGH_OTHERS
    for function, act in _acts_in(text, every=every):
        yield f"{Path(file).stem}.{function}", act


def _acts_in(text: str, *, every: bool) -> Iterator[tuple[str, str]]:
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Await):
                whose, _, act = ast.unparse(_called(node.value)).rpartition(".")
                if act in ACTS or (every and whose != "self"):
                    yield function.name, act
            for item in node.items if isinstance(node, ast.AsyncWith) else ():
                act = ast.unparse(_called(item.context_expr)).rpartition(".")[2]
                if ast.unparse(item.context_expr).endswith("transaction()"):
                    yield function.name, "commit"
                elif every:
                    yield function.name, act


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def test_a_new_await_is_seen() -> None:
    """The search for awaits finds what it is to find."""
    found = _awaits()
    assert {"settling.write.fetch", "relay._stamp.commit", "inbox.take_once.done"} <= found
    assert "settle.settle_stay.submit" in found
    assert {one.rpartition(".")[0] for one in found} >= _parts()
    assert len(found) >= 15


def test_whoever_reaches_the_database_through_others_hides_no_await() -> None:
    text = """
async def _run(self, connection):
    await self._follow()
    await self._act.read(connection)
    await check(connection)
    await future
    async with self._pool.acquire():
        pass
"""
    acts = [act for _, act in _acts_in(text, every=True)]
    assert acts == ["acquire", "read", "check", "future"]
    assert list(_acts_in(text, every=False)) == []


def test_what_is_named_as_met_elsewhere_is_there() -> None:
    acts = {act for file in WRITE_PATH for act in _acts_of(file)}
    there = {function for function, _ in acts} | {".".join(act) for act in acts}
    assert ELSEWHERE.keys() <= there


@pytest.mark.parametrize("patch", FAULTS)
async def test_a_planted_fault_of_the_plumbing_is_found(
    patch: str, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    code = planted_copy(tmp_path, PLANTED / f"{patch}.patch")
    databases = [json.dumps(service_databases(name)) for name in ("settlement", "audit")]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.faults.simulation.play", *databases, str(tmp_path),
         f"0-{FAULT_SEEDS}"],
        cwd=code,
        env=os.environ | {"PYTHONPATH": f"{code}{os.pathsep}{ROOT}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("seed ")]
    assert FAULTS[patch] in found[0], done.stdout
