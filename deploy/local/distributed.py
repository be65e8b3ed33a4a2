"""`make up-local`: each service as its own process with its own database, a real broker between.

A supervisor holds everything and runs in the background; `make down-local` ends it by its pid.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import typer

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.local.databases import run_apart
from deploy.local.keys import Keys
from deploy.local.postgres import Postgres, free_port
from deploy.local.site import SERVICES, Site, create_databases, run_table, write_run_file

READY_SECONDS_MAX = 180
STOP_SECONDS_MAX = 12


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


def supervise(folder: Path) -> None:
    """Hold PostgreSQL, the broker and the services until SIGTERM."""
    folder = folder.resolve()
    run_file = folder / "local.json"
    with ExitStack() as held:
        held.callback(run_file.unlink, missing_ok=True)
        cluster = held.enter_context(Postgres(folder / "postgres"))
        broker = held.enter_context(KafkaBroker(folder / "kafka"))
        run_apart(topics.create(broker.bootstrap))
        site = Site(
            folder=folder,
            databases=create_databases(cluster),
            addresses={name: f"http://127.0.0.1:{free_port()}" for name in SERVICES},
            keys=Keys(folder / "keys.json"),
            kafka=broker.bootstrap,
        )
        site.migrate()
        site.add_clients()
        services = {name: start_service(site, name) for name in SERVICES}
        held.callback(_stop_all, services)
        _wait_ready(site, services)
        pids = {name: process.pid for name, process in services.items()}
        extra = {"supervisor": os.getpid(), "postgres": cluster.pid, "broker": broker.pid}
        write_run_file(run_file, site.run_record(pids, extra))
        while True:  # a service that was killed stays down, so that its absence can be seen
            time.sleep(1)
            for process in services.values():
                process.poll()


def start_service(site: Site, service: str) -> subprocess.Popen[bytes]:
    """Start one service as its own process; it dies with the thread that started it."""
    bound = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with (site.folder / f"{service}.log").open("ab") as log:
        return subprocess.Popen(
            [*bound, sys.executable, "-m", f"services.{service}", "serve"],
            env=os.environ | site.environment(service),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_ready(site: Site, services: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    for name, process in services.items():
        while not _ready(f"{site.addresses[name]}/{name}/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                log = site.folder / f"{name}.log"
                typer.echo("\n".join(log.read_text(errors="replace").splitlines()[-15:]), err=True)
                raise RuntimeError(f"{name} did not become ready; see {log}")
            time.sleep(0.1)


def _ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _stop_all(services: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in services.values():
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for process in services.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
