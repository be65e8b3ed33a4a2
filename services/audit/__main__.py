"""`python -m services.audit`."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from services.audit.actions.dry_run import dry_run
from services.audit.domain.dry_run import Yield
from services.audit.domain.library import BadLibrary, read_library, read_rule
from services.audit.main import create_app, heard
from shared.plumbing.asking import ask_own, asking, own
from shared.plumbing.clock import Clock, SystemClock
from shared.plumbing.command_line import new_command_line
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.inbox import Handle
from shared.plumbing.logs import configure_logs
from shared.plumbing.settings import read_settings


def _heard(clock: Clock) -> dict[str, Handle]:
    return heard(clock, read_library(read_settings("audit").library))


commands = new_command_line("audit", create_app, _heard)


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

    Price notices (price_notices.csv) and reviews (reviews.csv) are read from beside it.
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
    champion: Annotated[
        str | None, typer.Option(help="whose score counts: evidence or ranker")
    ] = None,
) -> None:
    """Score the months that are over, and raise flags for what grows without reason; score claims,
    which orders the queue, and draw some of them for review by lot."""
    from services.audit.scoring.models import NoSuchChampion
    from services.audit.work.watch import watch as watching

    configure_logs("audit")
    settings = read_settings("audit")
    try:
        with asking(*own("audit", settings, "service")):
            asyncio.run(watching(settings, SystemClock(), every, champion))
    except NoSuchChampion as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@commands.command("dry-run")
def dry_run_(
    rule: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="RULE.toml")],
    pool: Annotated[str, typer.Option(help="pool code")],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="first day of settling")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="day after the last")],
) -> None:
    """Ask a rule of the claims settled in a stretch of days; prints one JSON object, keeps nothing.

    `at_risk` is the money of the claims hit, `precision_percent` the share of those reviewed that
    was confirmed, null where none was.
    """
    settings = read_settings("audit")
    try:
        groups = read_library(settings.library).rules.groups
        compiled = read_rule(rule, groups)
    except BadLibrary as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None

    async def run(database: Pool) -> Yield:
        async with transaction(database, [AGENCY]) as tx:
            return await dry_run(tx, compiled, groups, pool, since.date(), until.date())

    found = ask_own("audit", settings, "service", run)
    said = {
        "rule": compiled.id,
        "version": compiled.version,
        "claims": found.claims,
        "silent": found.silent,
        "hits": found.hits,
        "at_risk": found.at_risk.to_wire(),
        "reviewed": found.reviewed,
        "confirmed": found.confirmed,
        "precision_percent": found.confirmed * 100 // found.reviewed if found.reviewed else None,
    }
    typer.echo(json.dumps(said))


if __name__ == "__main__":
    commands()
