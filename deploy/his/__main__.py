"""`make his-demo`: a hospital's day through the gateway, and both books side by side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy.his.client import Broken, Refused
from deploy.his.day import Day
from deploy.his.shown import both_books, outcome
from deploy.his.town import NotReady, Town, staff_of

_SECONDS = 30
_WIDTH = 130


def main(
    base: Annotated[str, typer.Option(envvar="BASE", help="the services' address")] = "",
    data: Annotated[str, typer.Option(envvar="DATA_DIR", help="where run.json lies")] = "",
) -> None:
    """Play a day at a running agency; exit 1 where the two books differ."""
    run_file = Path(data or ".data") / "run.json"
    try:
        record: dict[str, Any] = json.loads(run_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        typer.echo(f"{run_file} cannot be read: is `make run` up?", err=True)
        raise typer.Exit(1) from None
    # Wide enough for a row of both books, also where nobody's window says how wide.
    console = Console(width=max(Console().width, _WIDTH))
    raise typer.Exit(asyncio.run(played(base or record["url"], record, console)))


async def played(base: str, record: dict[str, Any], console: Console) -> int:
    """A day, and what the process ends with: 0 where the books are level."""
    try:
        async with httpx.AsyncClient(base_url=base, timeout=_SECONDS) as http:
            town = Town(http, await staff_of(http, record))
            day = Day(town, await town.his(), console.print)
            await day.play()
            return await closed(day, console)
    except (NotReady, Broken, Refused, httpx.HTTPError) as error:
        console.print(f"outcome: the day broke off: {error or type(error).__name__}")
        return 1


async def closed(day: Day, console: Console) -> int:
    """Hold the hospital's book against the agency's, and say what came of it, the outcome last."""
    compared = await day.compared(day.book)
    table: Table = both_books(day.book, compared)
    console.print(table)
    level, said = outcome(day.book, compared)
    console.print(said)
    return 0 if level else 1


if __name__ == "__main__":
    typer.run(main)
