"""One machine's set-up of the three services: databases, settings and clients."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.databases import run_apart
from deploy.local.keys import Keys
from deploy.local.postgres import Postgres
from shared.plumbing.auth import add_client
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.database import open_pool
from shared.plumbing.migrate import migrate

SERVICES = ("enrollment", "settlement", "audit")
# Who reads whose log, and who asks whom.
FEEDS = {"settlement": ("enrollment", "audit"), "audit": ("settlement",), "enrollment": ()}
PEERS = {"settlement": ("enrollment", "audit"), "audit": ("settlement",), "enrollment": ()}
CLIENTS = Path(__file__).with_name("demo.toml")


@dataclass(frozen=True)
class Client:
    """A caller of the demo; the secret is the same at each of its services."""

    client_id: str
    role: str
    services: tuple[str, ...]
    pool_code: str = ""
    institution_code: str = ""


@dataclass
class Site:
    """What the services of one machine are started with."""

    folder: Path
    databases: dict[str, dict[str, str]]
    addresses: dict[str, str]
    keys: Keys
    kafka: str = ""
    clients: list[Client] = field(default_factory=lambda: read_clients(CLIENTS))

    def environment(self, service: str) -> dict[str, str]:
        """The settings of a service, as its environment variables."""
        feeds = {peer: self.databases[peer]["service"] for peer in FEEDS[service]}
        secret = self.keys.client_secret(f"service-{service}")
        asks = PEERS[service]
        settings = {
            "mode": "demo",
            "host": "127.0.0.1",
            "port": self.addresses[service].rpartition(":")[2],
            "bus": "kafka" if self.kafka else "local",
            "feeds": json.dumps({} if self.kafka else feeds),
            "peers": json.dumps({peer: self.addresses[peer] for peer in asks}),
            "peer_secrets": json.dumps(dict.fromkeys(asks, f"service-{service}:{secret}")),
            "signing_key": self.keys.signing_key(service),
            "field_key": self.keys.field_key(service),
            "anchor_file": str(self.anchor_file(service)),
        }
        if self.kafka:
            settings["kafka"] = self.kafka
        settings |= {f"{role}_dsn": dsn for role, dsn in self.databases[service].items()}
        return {f"{service}_{name}".upper(): value for name, value in settings.items()}

    def anchor_file(self, service: str) -> Path:
        """Where a service anchors its sealed log, outside its database."""
        return self.folder / f"{service}.anchors"

    def migrate(self, months_back: int = 0) -> None:
        """Bring every service's schema to its head; its partitions begin so many months ago."""
        today = business_day(SystemClock().now())
        with ThreadPoolExecutor(max_workers=1) as apart:  # migrations run a loop of their own
            for service in SERVICES:
                dsn = self.databases[service]["owner"]
                apart.submit(migrate, service, dsn, today, months_back).result()

    def add_clients(self) -> None:
        """Store every client's credential at its services."""
        run_apart(self._add_clients())

    async def _add_clients(self) -> None:
        for service in SERVICES:
            owner = await open_pool(self.databases[service]["owner"], size=1)
            for client in self.clients:
                if service in client.services:
                    await add_client(
                        owner,
                        client_id=client.client_id,
                        role=client.role,
                        pool_code=client.pool_code,
                        institution_code=client.institution_code,
                        at=SystemClock().now(),
                        secret=self.keys.client_secret(client.client_id),
                    )
            await owner.close()

    def was_opened(self, state: str) -> bool:
        """Whether this folder was opened for business in this very state."""
        mark = self.folder / "opened"
        return mark.exists() and mark.read_text() == state

    def note_opened(self, state: str) -> None:
        """Remember it for the next start."""
        (self.folder / "opened").write_text(state)

    def run_record(self, pids: Mapping[str, int], extra: Mapping[str, Any]) -> dict[str, Any]:
        """What a tool needs in order to talk to these services."""
        return {
            "url": self.addresses["settlement"],
            "services": {
                name: {"url": self.addresses[name], "pid": pids[name]} for name in SERVICES
            },
            "databases": {name: self.databases[name]["owner"] for name in SERVICES},
            "kafka": self.kafka or None,
            "bus": "kafka" if self.kafka else "local",
            "topic_prefix": "",
            "anchors": {name: str(self.anchor_file(name)) for name in SERVICES},
            "credentials": [
                {
                    "role": client.role,
                    "pool": client.pool_code,
                    "institution_code": client.institution_code,
                    "client_id": client.client_id,
                    "client_secret": self.keys.client_secret(client.client_id),
                    "services": list(client.services),
                }
                for client in self.clients
            ],
            **extra,
        }


def read_clients(file: Path) -> list[Client]:
    """The demo's clients."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["client"]
    return [Client(**{**entry, "services": tuple(entry["services"])}) for entry in entries]


def create_databases(cluster: Postgres) -> dict[str, dict[str, str]]:
    """Each service's own database and roles."""
    return {service: cluster.create_service_database(service) for service in SERVICES}
