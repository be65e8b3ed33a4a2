"""`python -m bench.audit`: generate claims with labels, and see what audit's scores are worth."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Seeds = Annotated[
    list[int], typer.Option("--seed", help="Repeat for several; else three of its own")
]


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="Folder for CLAIMS.csv, notices and labels")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same files")] = 1,
    hospitals: Annotated[int, typer.Option(min=4)] = 100,
    months: Annotated[int, typer.Option(min=20)] = 36,
    volume: Annotated[float, typer.Option(help="Factor on every hospital's births")] = 1.0,
    strength: Annotated[float, typer.Option(help="Factor on every violation's size")] = 1.0,
) -> None:
    """Write a province's claims, its price notices, and what is wrong with them."""
    from bench.audit.generate import province, write

    begun = time.monotonic()
    count = write(province(seed, hospitals, months, volume, strength), out)
    typer.echo(f"{count} claims in {time.monotonic() - begun:.1f} s")


@app.command()
def reviews(
    folder: Annotated[
        Path, typer.Argument(help="A folder that generate made", exists=True, file_okay=False)
    ],
    flags: Annotated[
        Path | None, typer.Option(help="claim_flags.csv; without, at random", exists=True)
    ] = None,
    count: Annotated[int, typer.Option(min=1)] = 4_500,
    seed: int = 1,
) -> None:
    """Write reviews.csv beside CLAIMS.csv: what reviewers found, and when."""
    from bench.audit.reviews import write_reviews

    typer.echo(f"{write_reviews(folder, flags, count, seed)} reviews")


@app.command()
def judge(
    folder: Annotated[Path, typer.Argument(help="A folder that generate made")],
    scored: Annotated[Path, typer.Argument(help="The folder that audit's score command wrote")],
) -> None:
    """Print what scores are worth, one JSON line a figure."""
    from bench.audit.run import judged_folder

    judged_folder(folder, scored)


@app.command()
def run(
    seed: Seeds = [],  # noqa: B006
    out: Annotated[Path, typer.Option(help="Where the results page goes")] = Path(
        "bench/audit/results"
    ),
    hospitals: int = 100,
    months: int = 36,
    volume: float = 1.0,
    strength: float = 1.0,
    robust: Annotated[bool, typer.Option(help="Also weaker, fewer, smaller")] = True,
    keep: Annotated[bool, typer.Option(help="Keep the generated claims")] = False,
) -> None:
    """Generate, score by audit's own command, judge, and write a page of results."""
    from bench.audit.run import SEEDS, Setting, benchmark

    benchmark(
        seed or SEEDS, Setting(hospitals, months, volume, strength), out, robust=robust, keep=keep
    )


@app.command()
def speed(
    out: Annotated[Path, typer.Option(help="Folder for the claims, some 1.6 GB")],
    provinces: Annotated[int, typer.Option(min=1, help="A million claims each")] = 6,
) -> None:
    """Score several provinces in one file, cold: seconds until all series and channels of its
    hospitals are scored, claims a second after that, memory."""
    from bench.audit.speed import measure

    measure(provinces, out)


@app.command()
def causality(
    claims: Annotated[Path, typer.Argument(help="CLAIMS.csv", exists=True)],
    last: Annotated[str, typer.Argument(help="The month, YYYY-MM, after which data is cut")],
) -> None:
    """Score the file whole and cut; say which earlier months and flags the future changed."""
    from tempfile import TemporaryDirectory

    from bench.audit.causality import causality

    with TemporaryDirectory(prefix="bench-audit-") as scratch:
        changed, flags = causality(claims, last, Path(scratch))
    for month, by in changed.items():
        typer.echo(f"{month}: a score changed by {by:g}")
    for column, rows in flags.items():
        typer.echo(f"{column} changed in {rows} rows")
    typer.echo(f"{len(changed)} months up to {last} know the future")
    raise typer.Exit(1 if changed or flags else 0)


def main() -> int:
    """Run a command; what cannot be judged or reviewed is said in one line, and ends with 2."""
    from bench.audit.reviews import TooFewClaims
    from bench.audit.scoring_run import NotScored
    from bench.audit.series_judge import Unscored

    try:
        app()
    except (Unscored, NotScored) as reason:
        typer.echo(f"not judged: {reason}", err=True)
        return 2
    except TooFewClaims as reason:
        typer.echo(f"not reviewed: {reason}", err=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
