"""F27: a certificate has expired, and is renewed in place while the service runs.

TLS before the broker and the database is spoken by a gate of the tests: PostgreSQL of the wheel is
built without it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.site import Client
from deploy.topics import create, topics
from deploy.verify.topic_log import KafkaLog
from shared.contracts.claim import ClaimSettled
from shared.plumbing.peer import PeerDown, peer_of
from shared.plumbing.settings import read_settings
from shared.plumbing.tls import trusting
from tests.faults.bills import all_settled, bills, still_sound
from tests.faults.certificates import GOOD, HOST, PAST, Papers, TlsGate
from tests.faults.desk import Desk, History
from tests.faults.planting import Ground, planted_copy, settlement_of
from tests.faults.processes import Processes
from tests.faults.scene import Scene
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

CALLS = 4
PATIENCE = 5


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """An authority of the test's own; its certificate has expired."""
    made = Papers(tmp_path / "papers")
    made.issue(PAST)
    return made


@pytest.fixture
async def settlement(
    postgres: Postgres, service_databases: ServiceDatabases, ground: Ground, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A settlement that a test may start anew with other settings."""
    code = planted_copy(tmp_path / "code", None)
    async with settlement_of(code, tmp_path, postgres, service_databases, ground) as scene:
        yield scene


def start_anew(scene: Scene, **settings: str) -> None:
    """Kill settlement, and start it with these settings beside its own."""
    scene.processes.kill("settlement")
    scene.processes.site.more = settings
    scene.processes.start("settlement")


def hospital(scene: Scene) -> Client:
    """The client that the first hospital calls as."""
    clients = scene.processes.site.clients
    return next(one for one in clients if one.institution_code == scene.here.institution)


async def listening(processes: Processes, service: str, port: int) -> None:
    """Wait until somebody listens at the port. Raises RuntimeError where the process ended."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError as error:
                if processes.running[service].poll() is not None:
                    raise RuntimeError(processes.log_end(service)) from error
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


@pytest.fixture
async def served(
    sound: Scene, papers: Papers, tmp_path: Path
) -> AsyncIterator[tuple[Processes, str]]:
    """A second settlement on the same database, which serves https; and its address."""
    port = free_port()
    address = f"https://{HOST}:{port}"
    site = replace(
        sound.processes.site, addresses=sound.processes.site.addresses | {"settlement": address},
        more=papers.settings("settlement", serves=True), folder=tmp_path,
    )  # fmt: skip
    second = Processes(site, sound.processes.code)
    second.start("settlement")
    try:
        await listening(second, "settlement", port)
        yield second, address
    finally:
        second.stop()


async def test_f27_a_served_certificate_is_renewed_in_place(
    sound: Scene, served: tuple[Processes, str], papers: Papers, tmp_path: Path
) -> None:
    """Nobody speaks to a service whose certificate has expired; from the next connection on it has
    the renewed one; what cannot be used never replaces what could."""
    second, address = served
    (stay, total), *others = await bills(sound, CALLS)
    key, answers = uuid4().hex, set[bytes]()
    history = History(tmp_path / "history.jsonl")

    async def desk_by(trusted: Path) -> tuple[httpx.AsyncClient, Desk]:
        # It keeps its connection, however long the machine takes over the others.
        limits = httpx.Limits(keepalive_expiry=None)
        http = httpx.AsyncClient(verify=trusting(trusted), timeout=10, limits=limits)
        return http, Desk(http, history, second.site, "settlement", hospital(sound))

    http, desk = await desk_by(papers.authorities)
    async with http:
        with pytest.raises(httpx.ConnectError, match="certificate has expired"):
            await http.get(f"{address}/settlement/livez")
        papers.issue(GOOD)
        answers.add((await desk.post(f"/stays/{stay}/settle", {"total": total}, key)).content)
        papers.certificate.key.write_text("no key")
        for other, its_total in others:
            stranger, fresh = await desk_by(papers.authorities)
            async with stranger:
                place = f"/stays/{other}/settle"
                assert (await fresh.post(place, {"total": its_total})).status_code == 201
        papers.issue(PAST)
        stranger, _ = await desk_by(papers.authorities)
        async with stranger:
            assert (await stranger.get(f"{address}/settlement/livez")).status_code == 200
        # And who is connected already goes on.
        answers.add((await desk.post(f"/stays/{stay}/settle", {"total": total}, key)).content)
        metrics = (await http.get(f"{address}/settlement/metrics")).text
    assert len(answers) == 1
    ends = re.search(r"^certificate_ends_timestamp_seconds{.*} (.*)$", metrics, re.M)
    assert ends is not None
    assert float(ends[1]) == pytest.approx(time.time() + GOOD.total_seconds(), abs=600)
    # A key that is none, and a certificate that had ended: each once, and the last one goes on.
    assert second.log_end("settlement").count("certificate not usable") == 2
    await still_sound(sound)


async def test_f27_a_peer_whose_certificate_expired_is_one_that_is_away(
    sound: Scene, served: tuple[Processes, str], papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never asked, least of all for a token; renewed, it is."""
    _, settlement = await sound.settled()
    for name, value in sound.processes.site.environment("audit").items():
        monkeypatch.setenv(name, value)
    client = hospital(sound)
    secret = sound.processes.site.keys.client_secret(client.client_id)
    path = f"/settlement/v1/settlements/{settlement}"
    own = read_settings("audit").model_copy(
        update={
            "peers": {"settlement": served[1]},
            "peer_secrets": {"settlement": SecretStr(f"{client.client_id}:{secret}")},
            "tls_authorities": papers.authorities,
        }
    )
    ours = peer_of(own, "settlement", patience=PATIENCE)
    another = own.model_copy(update={"tls_authorities": None})
    strangers = peer_of(another, "settlement", patience=PATIENCE)
    assert ours is not None
    assert strangers is not None
    try:
        with pytest.raises(PeerDown):
            await ours.get(path)
        papers.issue(GOOD)
        assert (await ours.get(path))["settlement_id"] == settlement
        with pytest.raises(PeerDown):
            await strangers.get(path)
    finally:
        await ours.close()
        await strangers.close()


async def test_f27_a_broker_whose_certificate_expired_is_one_that_is_away(
    settlement: Scene, papers: Papers, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not ready, but hospitals are paid; what waited is told once the certificate is renewed. The
    operator's commands reach such a broker too."""
    assert kafka.proxied is not None
    broker, gate_port = kafka.proxied
    async with TlsGate(HOST, broker, gate_port, papers=papers):
        site = settlement.processes.site
        site.kafka, site.prefix = f"{HOST}:{gate_port}", kafka.prefix
        start_anew(settlement, SETTLEMENT_KAFKA_TLS="true",
                   **papers.settings("settlement", serves=False))  # fmt: skip
        await all_settled(settlement, await bills(settlement, CALLS))
        async with httpx.AsyncClient() as http:
            ready = await http.get(f"{site.addresses['settlement']}/settlement/readyz")
        waiting = "select count(*) from outbox where position is null"
        assert ready.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert await settlement.owner.fetchval(waiting) > 0
        papers.issue(GOOD)
        await settlement.processes.ready("settlement")
        await settlement.told()
        monkeypatch.setenv("KAFKA_AUTHORITIES", str(papers.authorities))
        assert await create(site.kafka, kafka.prefix) == []
        claims = next(topic for topic in topics() if topic.name == ClaimSettled.topic)
        assert len(await KafkaLog(site.kafka, kafka.prefix).records(claims)) == CALLS
        assert settlement.here.history.counts.get("500", 0) == 0


async def test_f27_a_database_whose_certificate_expired_is_one_that_is_away(
    settlement: Scene, papers: Papers, postgres: Postgres
) -> None:
    """Calls are refused, to come again, until it is renewed; nothing is lost and nothing doubled."""
    papers.issue(GOOD)
    async with TlsGate(HOST, postgres.port, papers=papers, of_postgres=True) as gate:
        trusted = f"?sslmode=verify-full&sslrootcert={papers.authorities}"
        by_tls = {
            f"SETTLEMENT_{role}_DSN".upper(): re.sub(r":\d+/", f":{gate.port}/", dsn) + trusted
            for role, dsn in settlement.processes.site.databases["settlement"].items()
        }
        start_anew(settlement, **by_tls)
        await settlement.processes.ready("settlement")
        stays = await bills(settlement, CALLS)
        papers.issue(PAST)
        gate.cut()
        settling = asyncio.create_task(all_settled(settlement, stays))
        async with asyncio.timeout(60):
            while not settlement.here.history.counts.get("503", 0):
                await asyncio.sleep(0.1)
        papers.issue(GOOD)
        await settling
        migrated = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services.settlement", "migrate"],
            cwd=settlement.processes.code,
            env=os.environ
            | {"PYTHONPATH": str(settlement.processes.code)}
            | settlement.processes.site.environment("settlement"),
            check=False,
        )
        assert migrated.returncode == 0
    settlement.processes.site.more = {}
    start_anew(settlement)
    await settlement.processes.ready("settlement")
    await still_sound(settlement)
