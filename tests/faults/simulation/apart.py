"""Many seeds, in processes of their own: a play waits most of its time for locks.

Each process has a PostgreSQL of its own, since a transaction that is open anywhere in a cluster
holds up every relay in it.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from pathlib import Path

from deploy.local.postgres import Postgres
from tests.faults.simulation.play import Played, play
from tests.faults.simulation.town import open_town
from tests.support.postgres import ServiceDatabases

PROCESSES = 4
_TELL_EVERY = 250


def play_apart(seeds: Sequence[int], folder: Path) -> Played:
    """Play all seeds; a process stops at the first of its own that breaks something."""
    shares = [seeds[n::PROCESSES] for n in range(PROCESSES)]
    folders = [folder / f"process-{n}" for n in range(PROCESSES)]
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=fresh) as processes:
        return reduce(Played.and_, processes.map(_play, shares, folders), Played())


def _play(seeds: Sequence[int], folder: Path) -> Played:
    folder.mkdir()
    with Postgres(folder / "postgres", buffers_mb=256) as cluster:
        databases = ServiceDatabases(cluster, itertools.count(1))
        return asyncio.run(_play_all(seeds, databases("settlement"), databases("audit"), folder))


async def _play_all(
    seeds: Sequence[int], settlement: dict[str, str], audit: dict[str, str], folder: Path
) -> Played:
    played = Played()
    async with open_town(settlement, audit, folder) as town:
        for seed in seeds:
            await play(town, seed, played)
            if played.wrong:
                break
            if played.seeds % _TELL_EVERY == 0:
                print(f"{played.seeds} of {len(seeds)} seeds", file=sys.stderr, flush=True)  # noqa: T201
    return played
