"""`make up-local`: each service as its own process with its own database, a real broker between.

This is the supervisor, which holds everything; `background.py` starts and ends it.
"""

from __future__ import annotations

import os
import shutil
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
from deploy.local.opening import open_for_business
from deploy.local.postgres import Postgres, free_port
from deploy.local.run_file import write_run_file
from deploy.local.site import SERVICES, Site, create_databases

READY_SECONDS_MAX = 180
STOP_SECONDS_MAX = 12


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
        run_apart(open_for_business(site))
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
