"""The services as processes of their own, over real HTTP: started, killed by pid, started again."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.local.keys import Keys
from deploy.local.ports import free_port
from deploy.local.run_file import write_run_file
from deploy.local.site import SERVICES, Site
from tests.support.kafka import Kafka
from tests.support.source import ROOT

READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 12
STARTS_MOST = 8


@dataclass
class PrefixedSite(Site):
    """A site whose topics have a prefix of their own on a broker that others use too.

    `postgres_at` and `kafka_at` are ports where settlement finds them: those of proxies. `more`
    are further variables of every process.
    """

    prefix: str = ""
    postgres_at: int = 0
    kafka_at: int = 0
    more: dict[str, str] = field(default_factory=dict)

    def environment(self, service: str) -> dict[str, str]:
        """The settings, with the prefix, and with the proxies."""
        settings = super().environment(service) | {f"{service.upper()}_TOPIC_PREFIX": self.prefix}
        if service == "settlement" and self.postgres_at:
            settings |= {
                f"SETTLEMENT_{role}_DSN".upper(): re.sub(r":\d+/", f":{self.postgres_at}/", dsn)
                for role, dsn in self.databases[service].items()
            }
        if service == "settlement" and self.kafka_at:
            settings["SETTLEMENT_KAFKA"] = f"127.0.0.1:{self.kafka_at}"
        return settings | self.more


@dataclass
class Processes:
    """The services that run, by name; `code` is where their source lies."""

    site: PrefixedSite
    code: Path = ROOT
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, service: str) -> None:
        """Start a service; on its old address where it ran before. Call it from the main thread:
        the process dies with the thread that started it.
        """
        bound = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with (self.site.folder / f"{service}.log").open("ab") as log:
            self.running[service] = subprocess.Popen(
                [*bound, sys.executable, "-m", f"services.{service}", "serve"],
                cwd=self.code,
                env=os.environ | {"PYTHONPATH": str(self.code)} | self.site.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, service: str) -> None:
        """Wait until it answers that it is ready. Raises RuntimeError with the end of its log."""
        address = f"{self.site.addresses[service]}/{service}/readyz"
        deadline = time.monotonic() + READY_SECONDS_MAX
        async with httpx.AsyncClient(timeout=2) as http:
            while True:
                try:
                    if (await http.get(address)).status_code == httpx.codes.OK:
                        return
                except httpx.HTTPError:
                    pass
                if self.running[service].poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{service} is not ready\n{self.log_end(service)}")
                await asyncio.sleep(0.05)

    async def supervised(self, service: str) -> None:
        """Start it as a supervisor does: where its start meets a cut network it ends, and is started
        again.
        """
        for _ in range(STARTS_MOST):
            self.start(service)
            try:
                await self.ready(service)
            except RuntimeError:
                if self.running[service].poll() is None:
                    raise
            else:
                return
        raise RuntimeError(f"{service} does not start\n{self.log_end(service)}")

    def kill(self, service: str) -> None:
        """Kill -9, by its pid, and wait until it is gone."""
        process = self.running[service]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ask all to end, as an operator does."""
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def log_end(self, service: str) -> str:
        """The last lines that a service logged."""
        log = self.site.folder / f"{service}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:])

    def run_file(self) -> Path:
        """The run file of what runs here, for deploy.verify."""
        pids = {name: self.running[name].pid if name in self.running else 0 for name in SERVICES}
        file = self.site.folder / "run.json"
        write_run_file(file, self.site.run_record(pids, {"topic_prefix": self.site.prefix}))
        return file


def site_on(
    folder: Path,
    databases: dict[str, dict[str, str]],
    kafka: Kafka | None,
    *,
    clients_are_there: bool = False,
) -> PrefixedSite:
    """A site on these databases, with the demo's clients."""
    site = PrefixedSite(
        folder=folder,
        databases=databases,
        addresses={name: f"http://127.0.0.1:{free_port()}" for name in SERVICES},
        keys=Keys(folder / "keys.json"),
        kafka=kafka.bootstrap if kafka else "",
        prefix=kafka.prefix if kafka else "",
    )
    if not clients_are_there:
        site.add_clients()
    return site
