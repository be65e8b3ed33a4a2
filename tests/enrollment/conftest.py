"""The enrollment service over HTTP, on a real database, at an hour that stands still."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from services.enrollment.domain.id_number import check_character
from services.enrollment.main import create_app
from shared.plumbing.auth import add_client
from shared.plumbing.database import open_pool
from shared.plumbing.settings import Settings
from tests.support.postgres import ServiceDatabases

KIZILSU, NANJING = "653000", "320100"
KIZILSU_COUNTY, NANJING_COUNTY = "653001", "320102"
NOW = datetime(2024, 6, 20, 2, 0, tzinfo=UTC)

_CLIENTS = {
    "kizilsu-clerk": ("clerk", KIZILSU, ""),
    "kizilsu-finance": ("finance", KIZILSU, ""),
    "nanjing-clerk": ("clerk", NANJING, ""),
    "hospital": ("hospital", KIZILSU, "H65300100001"),
    "settlement": ("service", "", ""),
    "no-pool-clerk": ("clerk", "", ""),
}


class StandingClock:
    """A clock that tells the same instant until it is set."""

    def __init__(self, now: datetime) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant


@dataclass
class Enrollment:
    """A client of the running service."""

    http: httpx.AsyncClient
    transport: httpx.ASGITransport
    clock: StandingClock
    owner: asyncpg.Pool[asyncpg.Record]
    secrets: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def call(
        self, method: str, path: str, body: Any = None, *, who: str = "kizilsu-clerk",
        key: str | None = None,
    ) -> httpx.Response:  # fmt: skip
        if who not in self.tokens:
            credential = {"client_id": who, "client_secret": self.secrets[who]}
            answer = await self.http.post("/enrollment/v1/token", json=credential)
            self.tokens[who] = answer.json()["access_token"]
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        headers["idempotency-key"] = key or f"test-{next(self.numbers)}"
        return await self.http.request(method, f"/enrollment/v1{path}", json=body, headers=headers)

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.call("POST", path, body, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", path, **options)

    async def employer(self, ref: str = "E1", *, pool: str = KIZILSU) -> str:
        county = KIZILSU_COUNTY if pool == KIZILSU else NANJING_COUNTY
        body = {
            "employer_ref": ref, "name": "一家单位", "pool": pool, "county_code": county,
            "kind": "enterprise",
        }  # fmt: skip
        who = "kizilsu-clerk" if pool == KIZILSU else "nanjing-clerk"
        answer = await self.post("/employers", body, who=who)
        assert answer.status_code == 201, answer.text
        return ref

    async def person(self, **changes: Any) -> dict[str, Any]:
        """Register somebody who must be accepted."""
        who = changes.pop("who", "kizilsu-clerk")
        answer = await self.post("/persons", registration(**changes), who=who)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found


def id_number(sequence: int = 1, *, born: str = "19900315", area: str = "653001") -> str:
    """A valid ID number."""
    first_17 = f"{area}{born}{sequence:03d}"
    return first_17 + check_character(first_17)


def registration(**changes: Any) -> dict[str, Any]:
    """A registration of an employee."""
    body = {
        "id_number": id_number(), "name": "阿依古丽·买买提", "county_code": KIZILSU_COUNTY,
        "kind": "employee", "employer_ref": "E1", "start": "2023-01-01",
    }  # fmt: skip
    return body | changes


FIELD_KEY = "0123456789abcdef" * 2
SIGNING_KEY = (
    Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


async def credentials(owner: asyncpg.Pool[asyncpg.Record]) -> dict[str, str]:
    """Store a credential for each role; their secrets."""
    return {
        client: await add_client(
            owner, client_id=client, role=role, pool_code=pool, institution_code=institution, at=NOW
        )
        for client, (role, pool, institution) in _CLIENTS.items()
    }


@asynccontextmanager
async def serving(
    dsns: Mapping[str, str], folder: Path, secrets: dict[str, str], field_key: str = FIELD_KEY
) -> AsyncIterator[Enrollment]:
    """One process of the service, as it runs with these field keys."""
    settings = Settings(
        mode="demo", bus="local", owner_dsn=dsns["owner"], service_dsn=dsns["service"],
        group_dsn=dsns["group"], signing_key=SIGNING_KEY, field_key=field_key,
        anchor_file=folder / "anchor",
    )  # fmt: skip
    owner = await open_pool(dsns["owner"], size=2)
    clock = StandingClock(NOW)
    app = create_app(settings, clock)
    transport = httpx.ASGITransport(app)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://enrollment") as http,
        ):
            yield Enrollment(http, transport, clock, owner, secrets)
    finally:
        await owner.close()


@pytest.fixture
async def enrollment(
    service_databases: ServiceDatabases, tmp_path: Path
) -> AsyncIterator[Enrollment]:
    """The service, running, with a credential for each role."""
    dsns = service_databases("enrollment")
    owner = await open_pool(dsns["owner"], size=1)
    secrets = await credentials(owner)
    await owner.close()
    async with serving(dsns, tmp_path, secrets) as here:
        yield here
