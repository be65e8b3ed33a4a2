"""`python -m deploy.kafka start|stop|status|reset [--dir D] [--port P]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.kafka.broker import KafkaBroker
from deploy.kafka.jars import KafkaUnavailableError

app = typer.Typer(help="A real Apache Kafka broker on this machine, without Docker.")
Folder = Annotated[Path, typer.Option("--dir", help="where its data, log and pid file lie")]
DEFAULT = Path(".run/kafka")


@app.command()
def start(folder: Folder = DEFAULT, port: int = 0) -> None:
    """Start in the background and print the bootstrap address; --port 0 takes a free one."""
    broker = KafkaBroker(folder, port=port, detached=True)
    try:
        broker.start()
    except KafkaUnavailableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    typer.echo(broker.bootstrap)


@app.command()
def stop(folder: Folder = DEFAULT) -> None:
    """Stop it; its data stays."""
    KafkaBroker(folder).stop()


@app.command()
def status(folder: Folder = DEFAULT) -> None:
    """Say whether it runs; exit code 1 where it does not."""
    broker = KafkaBroker(folder)
    if not broker.pid:
        typer.echo("not running")
        raise typer.Exit(1)
    typer.echo(f"running, pid {broker.pid}, at {(broker.folder / 'bootstrap').read_text()}")


@app.command()
def reset(folder: Folder = DEFAULT) -> None:
    """Stop it and delete its data."""
    KafkaBroker(folder).reset()


app()
