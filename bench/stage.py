"""What a figure is measured on: PostgreSQL by our launcher, settlement as its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.machine import cpu_seconds, tree_cpu_seconds
from deploy.local.distributed import start_service
from deploy.local.keys import Keys
from deploy.local.opening import BOOK_NOTICE_SECONDS
from deploy.local.postgres import Postgres, free_port
from deploy.local.site import SERVICES, Client, Site, create_databases

POOLS = ("320100", "653000")
HOSPITALS = tuple((POOLS[n % 2], f"H{n:05d}", n % 3 + 1) for n in range(50))
_CLERKS = ("bench-clerk-1", "bench-clerk-2")
_READY_SECONDS_MAX = 60
_WORK = Path(".cache")

Fresh = Sequence[tuple[str, str, str]]
"""Stays that wait for settlement: id, institution, the bill's total."""


@dataclass(frozen=True)
class Load:
    """What came of one run of the load, and what it cost."""

    seconds: float
    settled: int
    refused: int
    left: int
    p50_ms: float
    p99_ms: float
    python_us: float
    postgres_us: float
    groups: float
    statements: float

    @property
    def rate(self) -> float:
        """Settlements a second."""
        return self.settled / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of a settlement, Python and PostgreSQL, in microseconds."""
        return self.python_us + self.postgres_us

    def cost(self) -> dict[str, float]:
        """The parts of the cost, for a figure's line."""
        per_group = self.statements / self.groups if self.groups else 0.0
        return {
            "python_us": round(self.python_us, 1),
            "postgres_us": round(self.postgres_us, 1),
            "group_size": round(self.settled / self.groups, 1) if self.groups else 0.0,
            "statements_per_group": round(per_group, 3),
        }


class Stage:
    """A cluster with the three services' databases; settlement runs between `up` and `down`."""

    def __init__(self, cluster: Postgres, folder: Path) -> None:
        self.cluster = cluster
        address = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        clients = [Client(name, "clerk", ("settlement",), POOLS[0]) for name in _CLERKS]
        clients.append(Client("bench-clerk-3", "clerk", ("settlement",), POOLS[1]))
        clients += [Client(code, "hospital", ("settlement",), p, code) for p, code, _ in HOSPITALS]
        self.site = Site(
            folder, create_databases(cluster), address, Keys(folder / "keys.json"), clients=clients
        )
        self.site.migrate()
        self.site.add_clients()
        self._service: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Settlement's database, as the owner of the tables."""
        return self.site.databases["settlement"]["owner"]

    @property
    def laying_dsn(self) -> str:
        """The same as the superuser, who may lay rows without foreign keys being looked at."""
        return self.cluster.dsn(database="settlement")

    def up(self) -> None:
        """Start settlement, and open it for business where that was not done."""
        self._service = start_service(self.site, "settlement")
        deadline = time.monotonic() + _READY_SECONDS_MAX
        address = f"{self.site.addresses['settlement']}/settlement/readyz"
        while not _ready(address):
            if self._service.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.site.folder / "settlement.log").read_text()[-2000:])
            time.sleep(0.1)
        if not self.site.was_opened("bench"):
            self._open()
            self.site.note_opened("bench")

    def down(self) -> None:
        """Stop settlement."""
        if self._service is not None:
            self._service.terminate()
            self._service.wait(30)
            self._service = None

    def settle(
        self, stays: Fresh, seconds: float, *, connections: int = 64, rate: float | None = None
    ) -> Load:
        """Settle stays by a load process of its own; what came of it, and what it cost."""
        assert self._service is not None
        host, _, port = self.site.addresses["settlement"].removeprefix("http://").partition(":")
        plan = {
            "host": host, "port": int(port), "connections": connections, "seconds": seconds,
            "rate": rate, "tokens": self._tokens({code for _, code, _ in stays}),
            "stays": list(stays),
        }  # fmt: skip
        file = self.site.folder / "plan.json"
        file.write_text(json.dumps(plan))
        with subprocess.Popen(
            [sys.executable, "-m", "bench.load", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as load:  # fmt: skip
            assert load.stdin is not None
            assert load.stdout is not None
            load.stdout.readline()
            before = self._spent()
            load.stdin.write("go\n")
            load.stdin.flush()
            said = json.loads(load.stdout.readline())
            after = self._spent()
        python, postgres, groups, statements = (b - a for a, b in zip(before, after, strict=True))
        settled = said["statuses"].get("201", 0)
        return Load(
            seconds=said["seconds"],
            settled=settled,
            refused=sum(said["statuses"].values()) - settled,
            left=said["left"],
            p50_ms=said["p50_ms"],
            p99_ms=said["p99_ms"],
            python_us=python / max(1, settled) * 1e6,
            postgres_us=postgres / max(1, settled) * 1e6,
            groups=groups,
            statements=statements,
        )

    def _spent(self) -> tuple[float, float, float, float]:
        assert self._service is not None
        counts = self._group_counts()
        return (
            cpu_seconds(self._service.pid),
            tree_cpu_seconds(self.cluster.pid),
            counts["groups"],
            counts["statements"],
        )

    def _group_counts(self) -> dict[str, float]:
        said = httpx.get(f"{self.site.addresses['settlement']}/settlement/metrics", timeout=10)
        found = {"groups": 0.0, "statements": 0.0}
        for line in said.text.splitlines():
            for what in found:
                if line.startswith(f"group_commit_{what}_total"):
                    found[what] += float(line.rpartition(" ")[2])
        return found

    def _tokens(self, client_ids: set[str]) -> dict[str, str]:
        with httpx.Client(base_url=self.site.addresses["settlement"], timeout=30) as http:
            return {client_id: self._token(http, client_id) for client_id in client_ids}

    def _token(self, http: httpx.Client, client_id: str) -> str:
        secret = self.site.keys.client_secret(client_id)
        body = {"client_id": client_id, "client_secret": secret}
        answer = http.post("/settlement/v1/token", json=body)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def _open(self) -> None:
        with httpx.Client(base_url=self.site.addresses["settlement"], timeout=30) as http:
            clerks = [self._token(http, clerk) for clerk in (*_CLERKS, "bench-clerk-3")]
            proposal = _post(http, clerks[0], "books", {})["proposal"]
            _post(http, clerks[1], f"books/{proposal}/approve", {})
            of_pool = {POOLS[0]: clerks[0], POOLS[1]: clerks[2]}
            for pool, code, level in HOSPITALS:
                agreed = {"institution_code": code, "level": level, "start": "2020-01-01"}
                _post(http, of_pool[pool], "agreements", agreed)
            time.sleep(BOOK_NOTICE_SECONDS)


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage for one figure, thrown away afterwards."""
    _WORK.mkdir(exist_ok=True)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=_WORK)))
        cluster = held.enter_context(Postgres(folder / "postgres"))
        stage = Stage(cluster, folder.resolve())
        held.callback(stage.down)
        yield stage


def _post(http: httpx.Client, token: str, place: str, body: Mapping[str, Any]) -> dict[str, Any]:
    key = f"bench-{place}-{body.get('institution_code', '')}"
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    answer = http.post(f"/settlement/v1/{place}", json=body, headers=headers)
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made


def _ready(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
