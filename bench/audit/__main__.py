"""`python -m bench.audit`: generate claims with labels, and see what audit's scores are worth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from bench.audit.generate import province, write

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@app.callback()
def together() -> None:
    """The benchmark of audit."""


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
    begun = time.monotonic()
    count = write(province(seed, hospitals, months, volume, strength), out)
    typer.echo(f"{count} claims in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    app()
