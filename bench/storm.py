"""P17: a storm of repeats, nine of ten keys sent before, beside the rate of new claims.

A hospital system that got no answer asks again; a hundred of them do so at once when the line
comes back. Repeats must be cheap, and must leave no row.
"""

from __future__ import annotations

import asyncio
import random
import statistics

from bench.figure import Void, say, spread
from bench.stage import Fresh, Request, Stage, settles, staged
from bench.stays import faults, lay

PAIRS = 5
SECONDS = 5
_FASTEST = 3_000
"""More requests a second than this machine answers."""
_WARM = 3_000
_REPEATS_IN_TEN = 9


def measure(_: set[str]) -> None:
    """Print P17. Raises Void."""
    with staged() as stage:
        stage.up()
        fresh = asyncio.run(lay(stage.laying_dsn, _WARM))
        settled = stage.settle(fresh, 3).done
        ratios, rates = [], []
        for number in range(PAIRS):
            new, answered = _settle_new(stage)
            storm = _storm(answered, asyncio.run(lay(stage.laying_dsn, _new_ones())), number)
            load = stage.send(storm, SECONDS)
            if load.refused:
                raise Void(f"{load.refused} refused")
            sent = storm[: len(storm) - load.left]
            settled += len(answered) + len({key for _, _, key, _ in sent} - _keys(answered))
            ratios.append(load.rate / new)
            rates.append(load.rate)
        # Every table holds each claim once: no repeat left a row.
        found = asyncio.run(faults(stage.dsn, settled))
        if found:
            raise Void("; ".join(found))
    say(
        "P17", statistics.median(rates), "answers/s", ratio=statistics.median(ratios),
        spread=spread(ratios), required=1.2, ceiling=statistics.median(rates)
        / statistics.median(ratios), new_rows_from_repeats=0,
    )  # fmt: skip


def _new_ones() -> int:
    return _FASTEST * SECONDS * (10 - _REPEATS_IN_TEN) // 10


def _settle_new(stage: Stage) -> tuple[float, list[Request]]:
    """The rate of new claims, and the requests that were answered."""
    requests = settles(asyncio.run(lay(stage.laying_dsn, _FASTEST // 2 * SECONDS)))
    load = stage.send(requests, SECONDS)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load.rate, requests[: len(requests) - load.left]


def _storm(answered: list[Request], fresh: Fresh, seed: int) -> list[Request]:
    drawn = random.Random(seed)
    storm: list[Request] = []
    for request in settles(fresh):
        storm += [request, *(drawn.choice(answered) for _ in range(_REPEATS_IN_TEN))]
    return storm


def _keys(requests: list[Request]) -> set[str]:
    return {key for _, _, key, _ in requests}
