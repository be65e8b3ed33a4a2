"""Every route asks who calls, save the few that must not."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from pydantic import SecretStr

from shared.plumbing.settings import Settings
from tests.support.source import built_services

# Asked before there is a token, or by machinery that has none; none of them tells of anybody.
OPEN = {
    "v1/token", "livez", "readyz", "metrics", "openapi.json", "docs", "docs/{file}",
    "/problems/{code}", "/console", "/console/", "/console/{file}",
}  # fmt: skip


def app_of(service: str, folder: Path) -> FastAPI:
    """The service as it is served, on a database that nobody asks."""
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/nowhere")
    key = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    settings = Settings(
        owner_dsn=nowhere,
        service_dsn=nowhere,
        group_dsn=nowhere,
        signing_key=SecretStr(key.decode()),
        field_key=SecretStr("0" * 32),
        anchor_file=folder / "anchors",
    )
    app: FastAPI = importlib.import_module(f"services.{service}.main").create_app(settings)
    return app


def described(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each route, as the app itself describes them."""
    for path, item in app.openapi()["paths"].items():
        for method in item:
            yield method.upper(), path


def mounted(routes: Iterable[object]) -> Iterator[str]:
    """Every path that is routed, described or not; routers nest."""
    for route in routes:
        inner = getattr(route, "routes", None)
        if inner:
            yield from mounted(inner)
        elif hasattr(route, "path"):
            yield route.path


def filled(path: str) -> str:
    """A path with something in each place."""
    return re.sub(r"\{[^}]+\}", "00000000-0000-7000-8000-000000000000", path)


async def unguarded(app: FastAPI, service: str) -> list[str]:
    """The routes that answer a caller without a token with anything but 401."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    found = []
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path in described(app):
            if path.removeprefix(f"/{service}/") in OPEN:
                continue
            answer = await client.request(method, filled(path))
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                found.append(f"{method} {path}: {answer.status_code}")
    return found


@pytest.mark.parametrize("service", built_services())
async def test_every_route_asks_who_calls(service: str, tmp_path: Path) -> None:
    assert await unguarded(app_of(service, tmp_path), service) == []


@pytest.mark.parametrize("service", built_services())
def test_no_route_hides_from_its_description(service: str, tmp_path: Path) -> None:
    app = app_of(service, tmp_path)
    shown = {path for _, path in described(app)}
    hidden = {path for path in mounted(app.routes) if path not in shown}
    assert not {p for p in hidden if p.removeprefix(f"/{service}/") not in OPEN}


async def test_an_open_route_is_seen(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/settlement/v1/stays")
    async def stays() -> str:
        return "all of them"

    assert await unguarded(app, "settlement") == ["GET /settlement/v1/stays: 200"]
