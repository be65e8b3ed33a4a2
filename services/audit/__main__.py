"""`python -m services.audit`."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from services.audit.main import create_app
from shared.plumbing.clock import SystemClock
from shared.plumbing.command_line import new_command_line
from shared.plumbing.logs import configure_logs
from shared.plumbing.settings import read_settings

commands = new_command_line("audit", create_app)


@commands.command("score")
def score(
    claims: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CLAIMS.csv")],
    out: Annotated[Path, typer.Option(file_okay=False, help="folder for what is found")],
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="only earlier reviews teach; else all of the file"),
    ] = None,
    champion: Annotated[
        str | None, typer.Option(help="whose score counts: evidence or ranker")
    ] = None,
) -> None:
    """Score a file of claims, without a database.

    Posted prices (price_notices.csv) and reviews (reviews.csv) are read from beside it.
    """
    # What serves never loads the libraries of statistics.
    from services.audit.scoring.claims_file import BadFile
    from services.audit.scoring.models import NoSuchChampion
    from services.audit.scoring.score_file import score_file

    try:
        score_file(claims, out, on.date() if on else None, champion)
    except (BadFile, NoSuchChampion) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@commands.command("watch")
def watch(
    every: Annotated[
        int | None, typer.Option(min=60, help="seconds from one run to the next; once without")
    ] = None,
) -> None:
    """Score the months that are over, and raise flags for what grows without reason."""
    from services.audit.work.watch import watch as watching

    configure_logs("audit")
    asyncio.run(watching(read_settings("audit"), SystemClock(), every))


if __name__ == "__main__":
    commands()
