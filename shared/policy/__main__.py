"""`python -m shared.policy`: check, show, diff, new-pool, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.policy.checking import compile_with, described, summary
from shared.policy.faults import PolicyFaults

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@commands.callback()
def tools() -> None:
    """For whoever writes a pool's documents: docs/policy-authors.md."""


@commands.command("check")
def check(folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder of pools")]) -> None:
    """Compile the pools of DIR with the built-in ones; print every fault, else what they admit."""
    try:
        book = compile_with(folder)
    except PolicyFaults as found:
        for line in described(found.faults, folder):
            print(line)
        raise typer.Exit(1) from None
    for line in summary(book, folder):
        print(line)


if __name__ == "__main__":
    commands()
