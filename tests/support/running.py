"""Services as a test runs them: real database, real tokens, one process, an injected clock."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from shared.plumbing.auth import add_client
from shared.plumbing.clock import Clock
from shared.plumbing.database import open_pool
from shared.plumbing.settings import Settings

KEY = (
    Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def settings_for(dsns: Mapping[str, str], folder: Path, **more: Any) -> Settings:
    """Settings of a service on these databases; the local bus reads only its own log by default."""
    given: dict[str, Any] = {
        "mode": "demo",
        "owner_dsn": dsns["owner"],
        "service_dsn": dsns["service"],
        "group_dsn": dsns["group"],
        "bus": "local",
        "feeds": dict.fromkeys(("enrollment", "settlement", "audit"), dsns["service"]),
        "signing_key": KEY,
        "field_key": "00112233445566778899aabbccddeeff",
        "anchor_file": folder / "anchors",
    }
    return Settings(**(given | more))


class Client:
    """A caller with a credential of its own; each POST gets a fresh key unless one is given."""

    def __init__(
        self, http: httpx.AsyncClient, service: str, token: str, institution: str = ""
    ) -> None:
        self.http = http
        self.service = service
        self.token = token
        self.institution = institution

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """GET under the service's prefix."""
        return await self.http.get(
            f"/{self.service}/v1{path}",
            params=params,
            headers={"authorization": f"Bearer {self.token}"},
        )

    async def post(self, path: str, body: Any = None, key: str = "") -> httpx.Response:
        """POST under the service's prefix."""
        return await self.http.post(
            f"/{self.service}/v1{path}",
            json={} if body is None else body,
            headers={
                "authorization": f"Bearer {self.token}",
                "idempotency-key": key or uuid4().hex,
            },
        )


class Running:
    """A running service, and a way to get callers for it."""

    def __init__(self, service: str, app: FastAPI, settings: Settings, clock: Clock) -> None:
        self.service = service
        self.app = app
        self.settings = settings
        self.clock = clock
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://service", timeout=30
        )

    async def caller(self, client_id: str, role: str, pool: str, institution: str = "") -> Client:
        """A caller with a real credential and token."""
        owner = await open_pool(self.settings.owner_dsn.get_secret_value(), size=1)
        try:
            secret = await add_client(
                owner, client_id=client_id, role=role, pool_code=pool,
                institution_code=institution, at=self.clock.now(),
            )  # fmt: skip
        finally:
            await owner.close()
        answer = await self.http.post(
            f"/{self.service}/v1/token", json={"client_id": client_id, "client_secret": secret}
        )
        answer.raise_for_status()
        return Client(self.http, self.service, answer.json()["access_token"], institution)


@asynccontextmanager
async def running(
    service: str,
    create_app: Callable[..., FastAPI],
    settings: Settings,
    clock: Clock,
    **more: Any,
) -> AsyncIterator[Running]:
    """Run a service's lifespan for a block."""
    app = create_app(settings, clock=clock, **more)
    async with app.router.lifespan_context(app):
        here = Running(service, app, settings, clock)
        try:
            yield here
        finally:
            await here.http.aclose()


def without_bare_route(app: FastAPI) -> FastAPI:
    """The same app, whose calls all go through the framework."""
    twin = copy.copy(app)
    twin.middleware_stack = None
    return twin
