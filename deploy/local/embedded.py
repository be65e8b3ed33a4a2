"""`make run`: PostgreSQL and the three services on one port, in one tree of processes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import typer
import uvicorn
import uvloop
from fastapi import FastAPI

from deploy.local.demo import seeding
from deploy.local.distributed import start_watch, stop_all
from deploy.local.front import Front
from deploy.local.keys import Keys
from deploy.local.opening import open_for_business
from deploy.local.postgres import Postgres
from deploy.local.quiet import behind
from deploy.local.run_file import run_table, write_run_file
from deploy.local.site import SERVICES, Site, create_databases
from shared.plumbing.garbage import collect_rarely
from shared.plumbing.logs import configure_logs
from shared.plumbing.settings import read_settings
from shared.plumbing.tracing import configure_traces

READY_SECONDS_MAX = 120
SEED_SECONDS_MAX = 600
GRACE_SECONDS = 8


def run(folder: Path, port: int, births: int) -> None:
    """Start everything, serve until SIGINT or SIGTERM, stop everything.

    A new folder gets a demo of so many births first; 0 leaves it empty.
    """
    folder = folder.resolve()
    run_file = folder / "run.json"
    new = not (folder / "postgres" / "pgdata").exists()  # books that were restored are not new
    with Postgres(folder / "postgres") as cluster:
        run_file.unlink(missing_ok=True)  # an old one would name ports and pids of the past
        listener = bind(port)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        new = seeding.clear_interrupted(folder, cluster) or new
        births = births if new else 0
        if births:
            seeding.note_begun(folder)
        site = Site(
            folder=folder,
            databases=create_databases(cluster),
            addresses=dict.fromkeys(SERVICES, address),
            keys=Keys(folder / "keys.json"),
        )
        site.migrate(seeding.MONTHS_BACK if births else 0)
        site.add_clients()
        for service in SERVICES:
            os.environ.update(site.environment(service))
        configure_logs("local")
        configure_traces("local")
        owners = {service: dsns["owner"] for service, dsns in site.databases.items()}
        # Only of a demo: who reaches this port by a proxy of this machine is taken for its user.
        shown = site.clients if seeding.holds_demo(folder) else []
        secrets = {one.client_id: site.keys.client_secret(one.client_id) for one in shown}
        front = Front({service: _app(service) for service in SERVICES}, owners, secrets)
        collect_rarely()
        server = server_of(front)
        try:
            uvloop.run(_serve(server, front, site, run_file, listener, births))
        finally:
            run_file.unlink(missing_ok=True)


def server_of(app: Any) -> uvicorn.Server:
    """The one server of the tree. Whom a caller says it speaks for is not believed: an address may
    be all that a private line shows."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
            lifespan="on",
        )
    )


def bind(port: int) -> socket.socket:
    """Listen on a loopback port, or on the next free one, and say so.

    Bound alone, it would not be ours yet: another run that starts could bind it as well.
    """
    for candidate in range(port, port + 100):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            listener.listen()
        except OSError:
            listener.close()
            continue
        if candidate != port:
            typer.echo(f"port {port} is taken; using {candidate}")
        return listener
    raise OSError(f"no free port from {port} to {port + 99}")


def _app(service: str) -> FastAPI:
    module = importlib.import_module(f"services.{service}.main")
    app: FastAPI = module.create_app(read_settings(service))
    return app


async def _serve(
    server: uvicorn.Server, front: Front, site: Site, run_file: Path, listener: socket.socket,
    births: int,
) -> None:  # fmt: skip
    watching: list[subprocess.Popen[bytes]] = []
    opening = asyncio.create_task(_open(server, front, site, run_file, births, watching))
    opening.add_done_callback(lambda task: _stop_where_failed(task, server))
    try:
        await server.serve(sockets=[listener])
        if not server.started:
            raise typer.Exit(1)
    finally:
        stop_all(watching)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening


def _stop_where_failed(opening: asyncio.Task[None], server: uvicorn.Server) -> None:
    """A house that could not be opened is not served in silence for ever."""
    if not opening.cancelled() and opening.exception() is not None:
        server.should_exit = True


async def _open(
    server: uvicorn.Server, front: Front, site: Site, run_file: Path, births: int,
    watching: list[subprocess.Popen[bytes]],
) -> None:  # fmt: skip
    """Write the run file and open, once every service is ready and has heard everything."""
    seconds = READY_SECONDS_MAX + (SEED_SECONDS_MAX if births else 0)
    try:
        async with asyncio.timeout(seconds):
            while not server.started or not await _all_ready(front):
                await asyncio.sleep(0.05)
            await open_for_business(site)
            if births:
                await seeding.make_demo(site, births)
            services = {name: dsns["service"] for name, dsns in site.databases.items()}
            while await behind(services):
                await asyncio.sleep(0.05)
    except (TimeoutError, httpx.HTTPError, seeding.SeedingFailed) as problem:
        typer.echo(f"not ready within {seconds} s ({problem!r}); stopping", err=True)
        server.should_exit = True
        return
    record = site.run_record(dict.fromkeys(SERVICES, os.getpid()), {})
    write_run_file(run_file, record)
    front.opened = True
    watching.append(start_watch(site))
    typer.echo(f"ready at {record['url']}/")
    for line in run_table(record, run_file):
        typer.echo(line)
    typer.echo("Ctrl-C stops it")


async def _all_ready(front: Front) -> bool:
    for service, app in front.apps.items():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            if (await client.get(f"/{service}/readyz")).status_code != httpx.codes.OK:
                return False
    return True
