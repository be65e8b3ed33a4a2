"""P13.whole: what audit's scores are worth, and how fast they are made."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Void


def measure(_: set[str]) -> None:
    """Print every figure of P13 but P13c, and leave the page of results. Raises Void."""
    # Imported late: no other figure is taken with statistics in memory.
    from bench.audit.run import SEEDS, Setting, benchmark
    from bench.audit.scoring_run import NotScored
    from bench.audit.series_judge import Unscored
    from bench.audit.speed import PROVINCES
    from bench.audit.speed import measure as measure_speed

    try:
        benchmark(SEEDS, Setting(), Path("bench/audit/results"), robust=True, keep=False)
        with TemporaryDirectory(prefix="bench-audit-") as folder:
            measure_speed(PROVINCES, Path(folder))
    except (NotScored, Unscored) as reason:
        raise Void(str(reason)) from reason
