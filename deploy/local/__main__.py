"""Everything on one machine: `python -m deploy.local run | up | down`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

# asyncpg looks for a runtime folder that a server account does not have, and does not need.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
DEFAULT_PORT = 8000
Folder = Annotated[Path, typer.Option("--dir", help="where data, logs and the run file lie")]


@app.command()
def run(
    port: Annotated[str, typer.Option(envvar="PORT")] = "",
    data: Annotated[str, typer.Option(envvar="DATA_DIR")] = "",
    seed: Annotated[str, typer.Option(envvar="SEED", help="none, or how many births")] = "",
) -> None:
    """PostgreSQL and the three services on one port, until Ctrl-C; a new folder gets the demo."""
    from deploy.local.signals import end_on_signals

    end_on_signals()
    from deploy.local import embedded
    from deploy.local.demo.seeding import wanted
    from deploy.local.postgres import PostgresUnavailableError

    try:
        at, births = int(port or DEFAULT_PORT), wanted(seed)
        if at not in range(2**16) or births < 0:
            raise ValueError
    except ValueError:
        typer.echo("PORT is a number, SEED a number of births or `none`", err=True)
        raise typer.Exit(2) from None
    try:
        embedded.run(Path(data or ".data"), at, births)
    except PostgresUnavailableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None


@app.command()
def up(folder: Folder = Path(".run")) -> None:
    """A broker, PostgreSQL and each service as its own process, in the background."""
    from deploy.local import background

    background.up(folder)


@app.command()
def down(folder: Folder = Path(".run")) -> None:
    """Stop what `up` started."""
    from deploy.local import background

    background.down(folder)


@app.command()
def distributed(folder: Folder = Path(".run")) -> None:
    """The supervisor that `up` starts in the background; stays in the foreground here."""
    from deploy.local.signals import end_on_signals

    end_on_signals()
    from deploy.local import distributed as whole

    whole.supervise(folder)


app()
