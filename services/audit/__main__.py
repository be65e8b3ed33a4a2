"""`python -m services.audit`."""

from pathlib import Path
from typing import Annotated

import typer

from services.audit.main import create_app
from shared.plumbing.command_line import new_command_line

commands = new_command_line("audit", create_app)


@commands.command("score")
def score(
    claims: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CLAIMS.csv")],
    out: Annotated[Path, typer.Option(file_okay=False, help="folder for what is found")],
) -> None:
    """Score a file of claims, without a database. Posted prices are read from beside it."""
    # What serves never loads the libraries of statistics.
    from services.audit.scoring.claims_file import BadFile
    from services.audit.scoring.score_file import score_file

    try:
        score_file(claims, out)
    except BadFile as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


commands()
