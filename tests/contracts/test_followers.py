"""The consumers that the guide hands out really follow: over the feed, and on a broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import uvicorn
from fastapi import FastAPI

from services.settlement.main import create_app
from shared.contracts.claim import ClaimReversed, ClaimSettled
from shared.contracts.contract import Contract
from shared.contracts.register import SCHEMAS
from shared.plumbing.auth import add_client
from shared.plumbing.database import open_pool
from shared.plumbing.outbox import Told, tell
from tests.contracts.wires import opened_wire
from tests.support.clock import FixedClock
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases
from tests.support.running import running, settings_for
from tests.support.source import ROOT
from tests.support.telling import AT

EXAMPLES = ROOT / "docs" / "examples"
WAIT_SECONDS = 60


def _told(contract: type[Contract], claim: str, sequence: int) -> Told:
    golden = (SCHEMAS.parent / "goldens" / contract.schema_path()).read_bytes()
    data = contract.from_bytes(golden).model_copy(update={"claim_id": claim}).to_bytes()
    return Told(
        topic=contract.topic, type=contract.type, key=claim, aggregate_id=claim,
        sequence=sequence, pool_code="000000", at=AT, data=data, source="/settlement/000000",
        subject=f"claims/{claim}", schema=contract.schema_path(),
    )  # fmt: skip


def _birth_and_reversal(claim: str) -> list[Told]:
    return [_told(ClaimSettled, claim, 1), _told(ClaimReversed, claim, 2)]


async def _said(script: str, environment: Mapping[str, str], lines: int) -> list[list[str]]:
    """The first lines that a follower prints, in words."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / script), env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return [(await process.stdout.readline()).decode().split() for _ in range(lines)]
    finally:
        process.kill()
        await process.wait()


def _without_ids(said: list[list[str]]) -> list[list[str]]:
    assert len({words[0] for words in said}) == len(said)
    return [words[1:] for words in said]


def _expected(claim: str) -> list[list[str]]:
    return [["settlement.claim.settled", "1", claim], ["settlement.claim.reversed", "2", claim]]


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(WAIT_SECONDS):
        while not server.started:
            await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_over_the_feed(service_databases: ServiceDatabases, tmp_path: Path) -> None:
    dsns, claim = service_databases("settlement"), str(uuid4())
    owner = await open_pool(dsns["owner"], size=1)
    secret = await add_client(
        owner, client_id="warehouse", role="service", pool_code="", institution_code="", at=AT
    )
    await owner.close()
    async with running(
        "settlement", create_app, settings_for(dsns, tmp_path), FixedClock()
    ) as here:
        async with here.app.state.desk.pool.acquire() as tx, tx.transaction():
            await tell(tx, _birth_and_reversal(claim))
        async with _served(here.app) as url:
            environment = {"URL": url, "CLIENT": "warehouse", "SECRET": secret}
            said = await _said("follow_http.py", environment, 2)
    assert _without_ids(said) == _expected(claim)


async def test_on_a_broker(service_databases: ServiceDatabases, kafka: Kafka) -> None:
    claim = str(uuid4())
    async with opened_wire(service_databases, kafka) as wire:
        async with wire.producer.acquire() as tx, tx.transaction():
            await tell(tx, _birth_and_reversal(claim))
        await wire.pass_on(wire.producer)
        environment = {
            "KAFKA": kafka.bootstrap,
            "GROUP": "my-warehouse",
            "TOPIC": kafka.topic("maternity.settlement.claim.v1"),
        }
        said = await _said("follow_kafka.py", environment, 2)
    assert _without_ids(said) == _expected(claim)
