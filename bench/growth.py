"""P6 and P21: what a settlement costs on tables that hold nothing, little and much.

P21 takes the first minute of a fresh process at a fixed rate, its plans made on the tables as they
are; P6 the rate at 64 connections after that. Each size is a stage of its own. P6.whole goes to ten
million, for which there must be 70 GB of disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.figure import Void, say
from bench.stage import Load, Stage, staged
from bench.stays import faults, lay
from bench.stored import lay_settled

SIZES = {
    "P6": (10_000, 1_000_000),
    "P6.whole": (10_000, 10_000_000),
    "P21": (0, 1_000, 1_000_000),
}
FIRST_MINUTE_SECONDS = 60
FIRST_MINUTE_RATE = 300.0
_FULL_SECONDS = 8
_FULL_STAYS = 30_000
_GENUINE = 10


def measure(figures: set[str]) -> None:
    """Print those of P6, P6.whole and P21 that were asked for. Raises Void."""
    sizes = sorted({size for figure in figures for size in SIZES[figure]})
    loads = {size: _take(size, "P21" in figures, bool(figures - {"P21"})) for size in sizes}
    for name in sorted(figures - {"P21"}):
        _say(name, {size: loads[size][-1] for size in SIZES[name]}, required=1.5)
    if "P21" in figures:
        of_p21 = {size: loads[size][0] for size in SIZES["P21"]}
        _say("P21", of_p21, required=1.5)


def _say(figure: str, loads: dict[int, Load], *, required: float) -> None:
    costs = [load.cpu_us for load in loads.values()]
    # P6 is much over little; P21 the dearest size over the cheapest: an empty table may be it.
    ratio = costs[-1] / costs[0] if figure != "P21" else max(costs) / min(costs)
    say(
        figure, costs[-1] / 1000, "ms CPU/settlement", ceiling=costs[0] / 1000, ratio=ratio,
        required=required, runs=1,
        ms_by_stored_rows={str(size): round(load.cpu_us / 1000, 3) for size, load in loads.items()},
        laid="settled claims in bulk, one line a stay, without old outbox and log rows",
    )  # fmt: skip


def _take(stored: int, first_minute: bool, full: bool) -> Sequence[Load]:
    with staged() as stage:
        stage.up()
        settled = 0
        if stored:
            settled += _settle(stage, _GENUINE, 5, connections=1).done
            asyncio.run(lay_settled(stage.laying_dsn, stored - _GENUINE))
            settled = stored
            stage.down()
            stage.up()
        loads = []
        if first_minute:
            # The first calls make their plans on the tables as they are; then many stays arrive.
            settled += _settle(stage, 20, 5, connections=2).done
            stays = int(FIRST_MINUTE_RATE * FIRST_MINUTE_SECONDS)
            loads.append(_settle(stage, stays, FIRST_MINUTE_SECONDS, rate=FIRST_MINUTE_RATE))
        if full:
            loads.append(_settle(stage, _FULL_STAYS, _FULL_SECONDS, tidy=True))
        settled += sum(load.done for load in loads)
        found = asyncio.run(faults(stage.dsn, settled, unlogged=stored and stored - _GENUINE))
        if found:
            raise Void("; ".join(found))
    return loads


def _settle(
    stage: Stage,
    stays: int,
    seconds: float,
    *,
    connections: int = 64,
    rate: float | None = None,
    tidy: bool = False,
) -> Load:
    fresh = asyncio.run(lay(stage.laying_dsn, stays, lines=1, tidy=tidy))
    load = stage.settle(fresh, seconds, rate=rate, connections=connections)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load
