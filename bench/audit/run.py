"""A whole benchmark: generate, score by the real command, judge, beside baselines, on a page."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from rich.console import Console
from rich.progress import Progress

from bench.audit.baselines import BASELINES, read_panel
from bench.audit.claim_judge import average_precision, read_claims
from bench.audit.figures import of_claims, of_series, told
from bench.audit.generate import province, write
from bench.audit.page import Results, write_page
from bench.audit.reviews import COUNT, TooFewClaims, write_reviews
from bench.audit.scoring_run import NotScored, Scored, score
from bench.audit.series_judge import Series, read_series
from bench.figure import say

Found = dict[str, float]

SEEDS = (11, 12, 13)


@dataclass(frozen=True)
class Setting:
    """What the generator is asked for."""

    hospitals: int = 100
    months: int = 36
    volume: float = 1.0
    strength: float = 1.0

    def write(self, seed: int, folder: Path) -> int:
        made = province(seed, self.hospitals, self.months, self.volume, self.strength)
        return write(made, folder)


def benchmark(
    seeds: Sequence[int], setting: Setting, out: Path, *, robust: bool, keep: bool
) -> None:
    """Take every figure on every seed; JSON lines to the output, a page into `out`."""
    variants = {
        "strength 0.6": replace(setting, strength=0.6),
        "12 hospitals": replace(setting, hospitals=12),
        "0.3 volume": replace(setting, volume=0.3),
    } if robust else {}  # fmt: skip
    scorer: list[Found] = []
    cost: list[Found] = []
    others: dict[str, list[Found]] = {name: [] for name in BASELINES}
    judged: dict[str, list[Series]] = {name: [] for name in ("audit", *BASELINES)}
    weaker: dict[str, list[Found]] = {name: [] for name in variants}
    with (
        TemporaryDirectory(prefix="bench-audit-") as scratch,
        Progress(console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("seeds", total=len(seeds) * (1 + len(variants)))
        for seed in seeds:
            folder = (out if keep else Path(scratch)) / f"seed-{seed}"
            claims = setting.write(seed, folder)
            scored = score(folder / "CLAIMS.csv", folder / "scored")
            own = read_series(folder / "labels_series.csv", scored.series)
            judged["audit"].append(own)
            scorer.append(of_series(own) | _of_claims(folder, scored, seed))
            cost.append(
                {"claims": claims, "seconds": scored.seconds, "memory_mb": scored.memory_mb}
            )
            panel = read_panel(folder / "CLAIMS.csv", own)
            for name, detector in BASELINES.items():
                one = replace(own, score=detector(panel))
                judged[name].append(one)
                others[name].append(of_series(one))
            if not keep:
                shutil.rmtree(folder)
            progress.advance(task)
            for name, variant in variants.items():
                folder = Path(scratch) / f"robust-{seed}"
                variant.write(seed, folder)
                scored = score(folder / "CLAIMS.csv", folder / "scored")
                weaker[name].append(
                    of_series(read_series(folder / "labels_series.csv", scored.series))
                )
                shutil.rmtree(folder)
                progress.advance(task)
    told("", scorer)
    for name, runs in {**others, **weaker}.items():
        told(f"{name.replace(' ', '_')}.", runs)
    for run in cost:
        say("P13.speed", run["claims"] / run["seconds"], "claims/s", **run)
    write_page(Results(seeds, scorer, others, weaker, judged, cost), out)


def judged_folder(folder: Path, scored: Path) -> None:
    """Judge scores that lie in a folder already."""
    found = of_series(read_series(folder / "labels_series.csv", scored / "series_flags.csv"))
    flags = scored / "claim_flags.csv"
    if flags.exists():
        found |= of_claims(folder / "CLAIMS.csv", folder / "labels_claims.csv", flags)
    told("", [found])


def _of_claims(folder: Path, scored: Scored, seed: int) -> Found:
    """Claims without labels, and once more after reviewers looked at the first scores; of the first
    scores also what they are worth over the claims that were left to look at."""
    if scored.claims is None:
        return {}
    claims, labels = folder / "CLAIMS.csv", folder / "labels_claims.csv"
    found = of_claims(claims, labels, scored.claims)
    try:
        write_reviews(folder, scored.claims, COUNT, seed)
    except TooFewClaims as reason:
        return _not_reviewed(found, reason)
    # Who learned takes over by itself once enough is reviewed. Asked for by name, it refuses where
    # too little was, and no figure of evidence alone is taken for one of a ranker.
    try:
        again = score(claims, folder / "reviewed", "--champion", "ranker")
    except NotScored as reason:
        return _not_reviewed(found, reason)
    finally:
        (folder / "reviews.csv").rename(folder / "reviews_made.csv")
    assert again.claims is not None
    with duckdb.connect() as engine:
        rows = engine.read_csv(str(folder / "reviews_made.csv"), all_varchar=True).fetchall()
    reviewed = {row[0] for row in rows}
    before, after = (
        average_precision(read_claims(claims, labels, flags), reviewed)
        for flags in (scored.claims, again.claims)
    )
    return found | {"claims_reviewed": after, "claims_left_before_reviews": before}


def _not_reviewed(found: Found, reason: Exception) -> Found:
    """Too few claims, or too few confirmed, to teach: a small province has no such figure."""
    say("P13.claims_reviewed", None, "share", skipped=str(reason)[-200:])
    return found
