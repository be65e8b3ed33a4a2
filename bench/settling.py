"""P1, P2 and P5: settling over HTTP, beside the yard-stick, in interleaved pairs.

One stage and one set of pairs serve all three: P1 is the rate at 64 connections over C1, P5 what
a settlement costs in those runs, P2 the 99th percentile at half of that rate.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.figure import Void, medians_of, say, spread
from bench.stage import Load, Stage, staged
from bench.stays import faults, lay
from bench.yardstick import Yardstick

PAIRS = 5
SECONDS = 8
_STAYS_FOR_FASTEST = 7_000
"""Stays laid for each second: more than this machine can settle in one."""
_WARM = 3_000


Settle = Callable[[Stage, int, float, float | None], Load]
"""Settles at most so many fresh stays for so many seconds, at a fixed rate or as fast as it goes.
Raises Void where any is refused."""


@dataclass(frozen=True)
class Pairs:
    """Runs of the load, each with the yard-stick before and after it."""

    loads: list[Load]
    ceilings: list[float]
    slow: list[Load]

    def ratios(self) -> list[float]:
        """Each run's rate over its yard-stick."""
        return [load.rate / c1 for load, c1 in zip(self.loads, self.ceilings, strict=True)]


def measure(figures: set[str]) -> None:
    """Print those of P1, P2 and P5 that were asked for, and C1. Raises Void."""
    with staged() as stage:
        pairs = take(stage, _settle, "P2" in figures)
    c1 = statistics.median(pairs.ceilings)
    say("C1", c1, "settlements/s", spread=spread(pairs.ceilings))
    costs = medians_of([load.cost() for load in pairs.loads])
    if "P1" in figures:
        say_ratio("P1", pairs, required=0.4)
    if "P2" in figures:
        tails = [load.p99_ms for load in pairs.slow]
        say(
            "P2", statistics.median(tails), "ms", spread=spread(tails), required=60,
            rate=round(statistics.median(load.rate for load in pairs.slow)),
            p50_ms=statistics.median(load.p50_ms for load in pairs.slow),
        )  # fmt: skip
    if "P5" in figures:
        cpu = [load.cpu_us / 1000 for load in pairs.loads]
        # A statement is one round trip: both are prepared once, and each is its own transaction.
        say(
            "P5", statistics.median(cpu), "ms CPU/settlement", spread=spread(cpu), required=0.6,
            round_trips_per_group=costs["statements_per_group"], **costs,
        )  # fmt: skip


def say_ratio(figure: str, pairs: Pairs, *, required: float) -> None:
    """Print a rate of settlements over the yard-stick's."""
    say(
        figure, statistics.median(load.rate for load in pairs.loads), "settlements/s",
        ceiling=statistics.median(pairs.ceilings), ratio=statistics.median(pairs.ratios()),
        spread=spread(pairs.ratios()), required=required,
        p50_ms=statistics.median(load.p50_ms for load in pairs.loads),
        p99_ms=statistics.median(load.p99_ms for load in pairs.loads),
        **medians_of([load.cost() for load in pairs.loads]),
    )  # fmt: skip


def take(stage: Stage, settle: Settle, slow_too: bool = False) -> Pairs:
    """Load a stage in interleaved pairs with the yard-stick; `slow_too` at half the rate as well.
    Raises Void where anything was refused, lost or doubled."""
    yardstick = Yardstick(stage.cluster)
    asyncio.run(yardstick.prepare())
    stage.up()
    settled = settle(stage, _WARM, 3, None).done
    pairs = Pairs([], [], [])
    for _ in range(PAIRS):
        before = asyncio.run(yardstick.c1(SECONDS))
        load = settle(stage, _STAYS_FOR_FASTEST * SECONDS, SECONDS, None)
        pairs.ceilings.append(before)
        pairs.loads.append(load)
        settled += load.done
        if slow_too:
            half = load.rate / 2
            slow = settle(stage, int(half * SECONDS) + 1, SECONDS, half)
            pairs.slow.append(slow)
            settled += slow.done
    last = asyncio.run(yardstick.c1(SECONDS))
    # The yard-stick before and after each run: a machine that slowed down slowed both.
    for at in range(PAIRS):
        after = pairs.ceilings[at + 1] if at + 1 < PAIRS else last
        pairs.ceilings[at] = (pairs.ceilings[at] + after) / 2
    found = asyncio.run(faults(stage.dsn, settled))
    refused = sum(load.refused for load in (*pairs.loads, *pairs.slow))
    if found or refused:
        raise Void("; ".join([*found, f"{refused} refused"]))
    return pairs


def _settle(stage: Stage, stays: int, seconds: float, rate: float | None) -> Load:
    fresh = asyncio.run(lay(stage.laying_dsn, stays))
    load = stage.settle(fresh, seconds, rate=rate, connections=64 if rate is None else 256)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load
