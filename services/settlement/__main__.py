"""`python -m services.settlement`: serve, migrate, credential, price."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.settlement.api.price_command import price_command
from services.settlement.main import create_app
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.command_line import new_command_line

commands = new_command_line("settlement", create_app)


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


if __name__ == "__main__":
    commands()
