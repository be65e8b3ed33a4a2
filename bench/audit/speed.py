"""How long six million claims take, cold: the months of hospitals first, then every claim."""

from __future__ import annotations

from pathlib import Path

from bench.audit.crowd import write_crowd
from bench.audit.scoring_run import bare_reading, score
from bench.figure import say

PROVINCES = 6
"""A million claims each."""
_FIRST_SEED = 101


def measure(provinces: int, out: Path) -> None:
    """Print P13.cold, P13.batch and P13.memory. Raises NotScored."""
    claims = out / "CLAIMS.csv"
    count = write_crowd(range(_FIRST_SEED, _FIRST_SEED + provinces), out)
    scored = score(claims, out / "scored")
    say(
        "P13.cold", scored.series_seconds, "s", required=30, goal=15, claims=count,
        whole_seconds=round(scored.seconds, 1), cpu_s=round(scored.cpu_seconds, 1),
        cpu_us_per_claim=round(scored.cpu_seconds / count * 1e6, 1),
        cpu_over_bare_reading=round(scored.cpu_seconds / bare_reading(claims), 1),
    )  # fmt: skip
    of_claims = scored.seconds - scored.series_seconds
    say("P13.batch", count / of_claims, "claims/s", required=100_000, goal=250_000)
    say("P13.memory", scored.memory_mb, "MB at most", required=4_000)
