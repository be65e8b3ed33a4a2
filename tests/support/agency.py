"""The whole agency: three services and the bus between them, as one thing that a journey walks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

import services.audit.main
import services.enrollment.main
import services.settlement.main
from shared.plumbing.auth import add_client
from shared.plumbing.database import open_pool
from tests.support.clock import FixedClock
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client, Running, running, settings_for

SERVICES = ("enrollment", "settlement", "audit")
_WAIT_SECONDS = 60


class Agency:
    """Three running services, and callers by name."""

    def __init__(self, clock: FixedClock, databases: dict[str, dict[str, str]]) -> None:
        self.clock = clock
        self.databases = databases
        self.services: dict[str, Running] = {}

    async def caller(self, service: str, name: str, role: str, pool: str, code: str = "") -> Client:
        """A caller of a service."""
        return await self.services[service].caller(name, role, pool, code)

    async def open_for_business(self, pools: dict[str, dict[str, int]]) -> None:
        """Agreements of each pool's hospitals (code -> level), a catalogue, a book in force."""
        clerks = {}
        for pool, hospitals in pools.items():
            clerk = clerks[pool] = await self.caller("settlement", f"clerk-{pool}", "clerk", pool)
            for code, level in hospitals.items():
                body = {"institution_code": code, "level": level, "start": "2020-01-01"}
                await made(clerk.post("/agreements", body))
            for item, facts in CATALOGUE.items():
                body = {"item_code": item, "name": item, "start": "2020-01-01"} | facts
                await made(clerk.post("/catalogue-items", body))
        first, second = list(clerks.values())[:2]
        proposal = await made(first.post("/books"))
        own = await first.post(f"/books/{proposal['proposal']}/approve")
        assert own.json()["code"] == "1029-second-person-needed"
        await made(second.post(f"/books/{proposal['proposal']}/approve"))
        self.clock.move(seconds=3)
        app = self.services["settlement"].app
        await until(lambda: _true(app.state.office.book() is not None))

    async def close(self) -> None:
        """Let go of the callers' connections."""
        for service in self.services.values():
            await service.http.aclose()


CATALOGUE: dict[str, dict[str, str]] = {
    "bed": {"item_class": "a", "limit": "35.00"},
    "delivery": {"item_class": "a"},
    "oxytocin": {"item_class": "b", "first_copay_rate": "0.1"},
    "photo": {"item_class": "c"},
}


async def _true(value: bool) -> bool:
    return value


async def made(asked: Awaitable[httpx.Response]) -> dict[str, Any]:
    """The body of an answer that did what was asked."""
    answer = await asked
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until something holds, and return it."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while not (found := await holds()):
            await asyncio.sleep(0.05)
    return found


async def until_true(holds: Callable[[], bool]) -> None:
    """The same of what nobody need be asked."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def agency(
    service_databases: ServiceDatabases, folder: Path, kafka: Kafka | None, **clock: Any
) -> AsyncIterator[Agency]:
    """Run all three services on the given bus; settlement asks enrollment over HTTP."""
    whole = Agency(FixedClock(**clock), {name: service_databases(name) for name in SERVICES})
    feeds = {name: dsns["service"] for name, dsns in whole.databases.items()}
    bus: dict[str, Any] = (
        {"bus": "kafka", "kafka": kafka.bootstrap, "topic_prefix": kafka.prefix}
        if kafka
        else {"bus": "local", "feeds": feeds}
    )
    async with AsyncExitStack() as stack:

        async def start(name: str, create_app: Any, **more: Any) -> None:
            (folder / name).mkdir(exist_ok=True)
            peers = more.pop("settings", {})
            settings = settings_for(whole.databases[name], folder / name, **bus, **peers)
            here = running(name, create_app, settings, whole.clock, **more)
            whole.services[name] = await stack.enter_async_context(here)

        await start("enrollment", services.enrollment.main.create_app)
        await start("audit", services.audit.main.create_app)
        secret = await _service_secret(whole, "enrollment")
        audits = await _service_secret(whole, "audit")
        await start(
            "settlement",
            services.settlement.main.create_app,
            settings={
                "peers": {"enrollment": "http://enrollment", "audit": "http://audit"},
                "peer_secrets": {
                    "enrollment": f"settlement:{secret}", "audit": f"settlement:{audits}"
                },
            },
            enrollment_transport=httpx.ASGITransport(whole.services["enrollment"].app),
            audit_transport=httpx.ASGITransport(whole.services["audit"].app),
        )  # fmt: skip
        yield whole


def run_file(whole: Agency, folder: Path, kafka: Kafka | None) -> Path:
    """Where everything is, as the launchers write it down."""
    file = folder / "run.json"
    run = {
        "databases": {name: dsns["owner"] for name, dsns in whole.databases.items()},
        "bus": "kafka" if kafka else "local",
        "kafka": kafka.bootstrap if kafka else None,
        "topic_prefix": kafka.prefix if kafka else "",
        "anchors": {name: str(folder / name / "anchors") for name in SERVICES},
    }
    file.write_text(json.dumps(run))
    return file


async def _service_secret(whole: Agency, service: str) -> str:
    owner = await open_pool(whole.databases[service]["owner"], size=1)
    try:
        return await add_client(
            owner, client_id="settlement", role="service", pool_code="", institution_code="",
            at=whole.clock.now(),
        )  # fmt: skip
    finally:
        await owner.close()
