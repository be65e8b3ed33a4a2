"""`python -m deploy.verify [--run FILE] [--anchors DIR]`: a line for each invariant; exit 1 if any
fails."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from pathlib import Path
from typing import Annotated

import structlog
import typer

from deploy.verify.invariants import INVARIANTS
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores

QUIET_SECONDS_MAX = 60


def main(
    run: Annotated[Path | None, typer.Option(help="the run file; else $DATA_DIR/run.json")] = None,
    anchors: Annotated[Path | None, typer.Option(help="copies of the anchors, kept apart")] = None,
) -> None:
    """Ask the stores whether every invariant holds."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    # What a replay meets belongs to V08's line, not between the lines.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    file = run or Path(os.environ.get("DATA_DIR") or ".data") / "run.json"
    if not file.exists():
        typer.echo(f"nothing runs here: {file} is missing", err=True)
        raise typer.Exit(1)
    if not asyncio.run(verify(file, anchors)):
        raise typer.Exit(1)


async def verify(run_file: Path, copies: Path | None) -> bool:
    """Print every line; returns whether none fails."""
    holds = True
    async with open_stores(run_file, copies) as stores:
        if not stores.snapshot.exists():
            typer.echo("S02: no snapshot yet; this run takes the first", err=True)
        for moving in await wait_for_quiet(stores, QUIET_SECONDS_MAX):
            typer.echo(f"not quiet after {QUIET_SECONDS_MAX} s: {moving}", err=True)
        for invariant in INVARIANTS:
            line = await invariant.line(stores)
            holds = holds and " FAIL:" not in line
            typer.echo(line)
    return holds


if __name__ == "__main__":
    typer.run(main)
