"""What a figure is measured on: PostgreSQL by our launcher, a service as its own process."""

from __future__ import annotations

import asyncio
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
from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.local.distributed import start_service
from deploy.local.keys import Keys
from deploy.local.opening import BOOK_NOTICE_SECONDS
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES, Client, Site, create_databases

POOLS = ("320100", "653000")
HIS_SECRET = "bench-bench-bench"  # noqa: S105 - of a stage that is thrown away
HOSPITALS = tuple((POOLS[n % 2], f"H{n:05d}", n % 3 + 1) for n in range(50))
_CLERKS = ("bench-clerk-1", "bench-clerk-2")
_OTHER_CLERKS = ("bench-clerk-3", "bench-clerk-4")
REVIEWER = "bench-reviewer"
"""Who reads audit's queue of the first pool."""
_READY_SECONDS_MAX = 60
_WORK = Path(".cache")

Fresh = Sequence[tuple[str, str, str]]
"""Stays that wait for settlement: id, institution, the bill's total."""
Request = tuple[str, str, str, str]
"""What is sent: the client, method and path, the key, the body (ASCII)."""


def settles(stays: Fresh) -> list[Request]:
    """Each stay's settling, its key the stay's id."""
    return [
        (institution, f"POST /settlement/v1/stays/{stay}/settle", stay, f'{{"total":"{total}"}}')
        for stay, institution, total in stays
    ]


@dataclass(frozen=True)
class Load:
    """What came of one run of the load, and what it cost."""

    seconds: float
    done: int
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
        """Requests done a second."""
        return self.done / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU of a request, Python and PostgreSQL, in microseconds."""
        return self.python_us + self.postgres_us

    def cost(self) -> dict[str, float]:
        """The parts of the cost, for a figure's line."""
        per_group = self.statements / self.groups if self.groups else 0.0
        return {
            "python_us": round(self.python_us, 1),
            "postgres_us": round(self.postgres_us, 1),
            "group_size": round(self.done / self.groups, 1) if self.groups else 0.0,
            "statements_per_group": round(per_group, 3),
        }


class Stage:
    """A cluster with the three services' databases; one service runs between `up` and `down`.

    It is the one that is loaded and measured; with `kafka`, a broker's address, audit runs too.
    """

    def __init__(
        self, cluster: Postgres, folder: Path, service: str = "settlement", kafka: str = ""
    ) -> None:
        self.cluster = cluster
        self.service = service
        address = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        clients = [Client(name, "clerk", (service,), POOLS[0]) for name in _CLERKS]
        clients += [Client(name, "clerk", (service,), POOLS[1]) for name in _OTHER_CLERKS]
        clients += [Client(code, "hospital", (service,), p, code) for p, code, _ in HOSPITALS]
        if service == "audit":
            clients.append(Client(REVIEWER, "reviewer", (service,), POOLS[0]))
        self.site = Site(
            folder, create_databases(cluster), address, Keys(folder / "keys.json"), kafka, clients
        )
        self.site.migrate()
        self.site.add_clients()
        self._service: subprocess.Popen[bytes] | None = None
        self._audit: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The service's database, as the owner of the tables."""
        return self.site.databases[self.service]["owner"]

    @property
    def laying_dsn(self) -> str:
        """The same as the superuser, who may lay rows without foreign keys being looked at."""
        return self.cluster.dsn(database=self.service)

    def up(self) -> None:
        """Start the service, and open settlement for business where that was not done."""
        self._service = start_service(self.site, self.service)
        if self.site.kafka:
            self._audit = start_service(self.site, "audit")
            self._wait_ready("audit", self._audit)
        self._wait_ready(self.service, self._service)
        if self.service == "settlement" and not self.site.was_opened("bench"):
            self._open()
            self.site.note_opened("bench")

    def down(self) -> None:
        """Stop the service."""
        for process in (self._service, self._audit):
            if process is not None:
                process.terminate()
                process.wait(30)
        self._service = self._audit = None

    def _wait_ready(self, service: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not _ready(f"{self.site.addresses[service]}/{service}/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.site.folder / f"{service}.log").read_text()[-2000:])
            time.sleep(0.1)

    def settle(
        self, stays: Fresh, seconds: float, *, connections: int = 64, rate: float | None = None
    ) -> Load:
        """Settle stays; what came of it, and what it cost."""
        return self.send(settles(stays), seconds, connections=connections, rate=rate)

    def send(
        self,
        requests: Sequence[Request],
        seconds: float,
        *,
        connections: int = 64,
        rate: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Load:
        """Send requests by a load process of its own, `headers` by client beside the usual ones;
        what came of it, and what it cost."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        plan = {
            "host": host, "port": int(port), "connections": connections, "seconds": seconds,
            "rate": rate, "tokens": self._tokens({client for client, *_ in requests}),
            "requests": list(requests), "headers": headers or {},
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
        done = sum(count for status, count in said["statuses"].items() if status < "300")
        return Load(
            seconds=said["seconds"],
            done=done,
            refused=sum(said["statuses"].values()) - done,
            left=said["left"],
            p50_ms=said["p50_ms"],
            p99_ms=said["p99_ms"],
            python_us=python / max(1, done) * 1e6,
            postgres_us=postgres / max(1, done) * 1e6,
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
        said = httpx.get(f"{self.address}/{self.service}/metrics", timeout=10)
        found = {"groups": 0.0, "statements": 0.0}
        for line in said.text.splitlines():
            for what in found:
                if line.startswith(f"group_commit_{what}_total"):
                    found[what] += float(line.rpartition(" ")[2])
        return found

    @property
    def address(self) -> str:
        """Where the service is called."""
        return self.site.addresses[self.service]

    def token(self, client_id: str) -> str:
        """A bearer token of a client."""
        return self._tokens({client_id})[client_id]

    def _tokens(self, client_ids: set[str]) -> dict[str, str]:
        with httpx.Client(base_url=self.address, timeout=30) as http:
            return {client_id: self._token(http, client_id) for client_id in client_ids}

    def _token(self, http: httpx.Client, client_id: str) -> str:
        secret = self.site.keys.client_secret(client_id)
        body = {"client_id": client_id, "client_secret": secret}
        answer = http.post(f"/{self.service}/v1/token", json=body)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def _open(self) -> None:
        with httpx.Client(base_url=self.address, timeout=30) as http:
            first, second = (self._token(http, clerk) for clerk in _CLERKS)
            proposal = _post(http, first, "books", {})["proposal"]
            _post(http, second, f"books/{proposal}/approve", {})
            of_pool = {POOLS[0]: first, POOLS[1]: self._token(http, _OTHER_CLERKS[0])}
            for pool, code, level in HOSPITALS:
                agreed = {"institution_code": code, "level": level, "start": "2020-01-01"}
                _post(http, of_pool[pool], "agreements", agreed)
            time.sleep(BOOK_NOTICE_SECONDS)

    def introduce_his(self) -> None:
        """Every hospital's HIS calls the gateway and signs its calls."""
        if self.site.was_opened("his"):
            return
        with httpx.Client(base_url=self.address, timeout=30) as http:
            of_pool = {
                pool: [self._token(http, clerk) for clerk in clerks]
                for pool, clerks in zip(POOLS, (_CLERKS, _OTHER_CLERKS), strict=True)
            }
            for pool, code, _ in HOSPITALS:
                profile = {"institution_code": code, "scheme": "csb_s", "access_key": code,
                           "secret": HIS_SECRET}  # fmt: skip
                first, second = of_pool[pool]
                proposal = _post(http, first, "his-profiles", profile)["proposal"]
                _post(http, second, f"his-profiles/{proposal}/approve", {})
        self.site.note_opened("his")


@contextmanager
def staged(service: str = "settlement", *, with_audit: bool = False) -> Iterator[Stage]:
    """A stage for one figure, thrown away afterwards; with audit, over a broker of its own."""
    _WORK.mkdir(exist_ok=True)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=_WORK)))
        # The commits' times are kept where they are asked for.
        cluster = held.enter_context(Postgres(folder / "postgres", commit_times=with_audit))
        kafka = ""
        if with_audit:
            broker = held.enter_context(KafkaBroker(folder.resolve() / "kafka"))
            kafka = broker.bootstrap
            asyncio.run(topics.create(kafka))
        stage = Stage(cluster, folder.resolve(), service, kafka)
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
