"""`make up-local`: each service as its own process with its own database, a real broker between.

This is the supervisor, which holds everything; `background.py` starts and ends it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

import httpx
import typer

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.local.databases import run_apart
from deploy.local.keys import Keys
from deploy.local.opening import open_for_business
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.run_file import write_run_file
from deploy.local.site import SERVICES, Site, create_databases

READY_SECONDS_MAX = 180
STOP_SECONDS_MAX = 12
WATCH_SECONDS = 3600


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
        held.callback(stop_all, services.values())
        _wait_ready(site, services)
        run_apart(open_for_business(site))
        held.callback(stop_all, [start_watch(site)])
        pids = {name: process.pid for name, process in services.items()}
        extra = {"supervisor": os.getpid(), "postgres": cluster.pid, "broker": broker.pid}
        write_run_file(run_file, site.run_record(pids, extra))
        while True:  # a service that was killed stays down, so that its absence can be seen
            time.sleep(1)
            for process in services.values():
                process.poll()


def start_service(site: Site, service: str) -> subprocess.Popen[bytes]:
    """Start one service as its own process; it dies with the thread that started it."""
    return _start(site, service, "serve", site.folder / f"{service}.log")


def start_watch(site: Site) -> subprocess.Popen[bytes]:
    """Start the process that scores months, now and every hour; it dies as a service does."""
    every = ("--every", str(WATCH_SECONDS))
    return _start(site, "audit", "watch", site.folder / "watch.log", *every)


def _start(
    site: Site, service: str, command: str, log_file: Path, *options: str
) -> subprocess.Popen[bytes]:
    bound = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [*bound, sys.executable, "-m", f"services.{service}", command, *options],
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


def stop_all(processes: Collection[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, and insist after a while."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
