"""`python -m services.settlement`: serve, migrate, credential, retry-parked, price, reprice,
catalogue."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from services.settlement.actions.scene import Scene
from services.settlement.api.catalogue_command import BadFile, import_catalogue
from services.settlement.api.price_command import price_command
from services.settlement.api.reprice_command import reprice_command
from services.settlement.main import create_app, heard
from shared.ids import new_id
from shared.plumbing.asking import asking, own
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.command_line import new_command_line
from shared.plumbing.settings import read_settings

commands = new_command_line("settlement", create_app, heard)
catalogue = typer.Typer(no_args_is_help=True, help="The pool's catalogue of items.")
commands.add_typer(catalogue, name="catalogue")


@commands.command("price")
def price(
    cases: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if absent")
    ] = None,
    policy: Annotated[list[Path] | None, typer.Option(help="folders of further pools")] = None,
) -> None:
    """Price cases without a database: one JSON result a line."""
    today = business_day(SystemClock().now())
    lines = cases.open(encoding="utf-8") if cases else sys.stdin
    for result in price_command(lines, policy or [], today):
        print(result)


@commands.command("reprice")
def reprice(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="first rule date")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="last rule date")],
    policy: Annotated[
        list[Path] | None, typer.Option(help="folders laid over the built-in pools")
    ] = None,
) -> None:
    """What stored claims would come to under another book: before and after; nothing is stored."""
    dsn, named = own("settlement", read_settings("settlement"), "service")
    with asking(dsn, named), _own_line():
        reprice_command(
            dsn, policy or [], since.date(), until.date(), processes=os.cpu_count() or 1,
            done=_progress, say=print,
        )  # fmt: skip


@catalogue.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8; the first line names the columns")],
    pool: Annotated[str, typer.Option(help="pool code")],
) -> None:
    """Check a file of catalogue items and propose it; another person, a clerk, approves it."""
    dsn, named = own("settlement", read_settings("settlement"), "service")
    actor = f"operator:{getpass.getuser()}"
    scene = Scene(pool, "", actor, str(new_id()), SystemClock().now())
    with asking(dsn, named), Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("items", total=None)
        try:
            proposed = asyncio.run(
                import_catalogue(
                    dsn, file, scene, lambda rows: progress.update(task, total=rows),
                    lambda rows: progress.advance(task, rows),
                )
            )  # fmt: skip
        except BadFile as refused:
            print(refused, file=sys.stderr)
            raise typer.Exit(1) from None
    print(proposed)


def _progress(claims: int) -> None:
    if claims:
        print(f"\r{claims} claims", end="", file=sys.stderr, flush=True)


@contextmanager
def _own_line() -> Iterator[None]:
    """What comes after the progress stands on a line of its own."""
    try:
        yield
    finally:
        print(file=sys.stderr)


if __name__ == "__main__":
    commands()
