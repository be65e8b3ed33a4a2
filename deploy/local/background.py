"""`make up-local` and `make down-local`: start the supervisor in the background, and end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import typer

from deploy.local.run_file import run_table


def up(folder: Path) -> None:
    """Start the supervisor in the background; return when all services are ready."""
    folder = folder.resolve()
    record = folder / "local.json"
    if supervisor(record):
        typer.echo(f"already running; its addresses are in {record}")
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    record.unlink(missing_ok=True)
    log = folder / "local.log"
    with log.open("ab") as opened:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "distributed", "--dir", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            start_new_session=True,
        )
    while not record.exists():
        if process.poll() is not None:
            typer.echo("\n".join(log.read_text(errors="replace").splitlines()[-15:]), err=True)
            typer.echo(f"it did not start; see {log}", err=True)
            raise typer.Exit(1)
        time.sleep(0.1)
    for line in run_table(json.loads(record.read_text()), record):
        typer.echo(line)


def down(folder: Path) -> None:
    """Stop what `up` started; data stays."""
    pid = supervisor(folder.resolve() / "local.json")
    if not pid:
        typer.echo("not running")
        return
    os.kill(pid, signal.SIGTERM)
    while _runs(pid):
        time.sleep(0.05)


def supervisor(record: Path) -> int:
    """The supervisor's pid by the run file; 0 where it does not run."""
    try:
        pid = int(json.loads(record.read_text())["supervisor"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return 0
    return pid if b"deploy.local" in words else 0


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
