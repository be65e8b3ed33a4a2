"""`make up-local`: each service for itself and a broker of their own, without Docker. What a birth
takes is asked over HTTP with the run file's credentials; then everything is taken down again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.kafka.jars import what_is_missing
from services.enrollment.domain.id_number import check_character
from shared.period import Month
from shared.plumbing.clock import SystemClock, business_day
from tests.support.agency import made, until
from tests.support.running import Client
from tests.support.source import ROOT

CLAIMS = "maternity.settlement.claim.v1"
POOL, HOSPITAL = "320100", "H32010000001"
NUMBER = f"{POOL}19920314002"


def said(*words: str) -> subprocess.CompletedProcess[str]:
    """What a command of the house says."""
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip


@dataclass
class Apart:
    """A folder in which `deploy.local up` was run."""

    folder: Path
    said: str

    @property
    def run_file(self) -> Path:
        return self.folder / "local.json"

    @property
    def record(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.run_file.read_text())
        return read

    @asynccontextmanager
    async def caller(self, service: str, client_id: str) -> AsyncIterator[Client]:
        """A caller of the run file, at a service's own address."""
        record = self.record
        known = next(one for one in record["credentials"] if one["client_id"] == client_id)
        asked = {name: known[name] for name in ("client_id", "client_secret")}
        async with httpx.AsyncClient(
            base_url=record["services"][service]["url"], timeout=30
        ) as http:
            token = (await made(http.post(f"/{service}/v1/token", json=asked)))["access_token"]
            yield Client(http, service, token, known["institution_code"])

    def running(self) -> set[str]:
        """The command lines of what was started here: all of it is told the folder, and the broker
        and PostgreSQL by their command lines alone."""
        return {one for one in map(_command, Path("/proc").iterdir()) if str(self.folder) in one}


def _command(process: Path) -> str:
    """A process's command line and environment; "" where it has ended, or is not ours."""
    try:
        words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    missing = what_is_missing()
    if missing:
        pytest.skip(f"real Kafka: {missing}")
    folder = tmp_path_factory.mktemp("apart") / "run"
    try:
        up = said("deploy.local", "up", "--dir", str(folder))
        assert up.returncode == 0, up.stdout + up.stderr
        yield Apart(folder, up.stdout)
    finally:
        said("deploy.local", "down", "--dir", str(folder))


async def test_a_birth_from_enrolment_to_audit(apart: Apart) -> None:
    record = apart.record
    addresses = {entry["url"] for entry in record["services"].values()}
    assert len(addresses) == len({entry["pid"] for entry in record["services"].values()}) == 3
    assert (record["bus"], all(address in apart.said for address in addresses)) == ("kafka", True)
    settled = await _birth(apart)
    told = await _told(record["kafka"], settled["settlement_id"])
    assert told["ce_type"] == "settlement.claim.settled"
    # Nothing but the broker lies between the two: audit was given no log to read.
    audit = await asyncpg.connect(record["databases"]["audit"])
    try:
        claim = "select total_fen from claim where claim_id::text = $1"
        heard = await until(lambda: audit.fetchval(claim, settled["settlement_id"]))
    finally:
        await audit.close()
    assert heard == 500_000


async def _birth(apart: Apart) -> dict[str, Any]:
    """Registered, paid for, entrusted, admitted, charged, discharged and settled."""
    born = business_day(SystemClock().now()) - timedelta(days=3)
    async with apart.caller("enrollment", f"clerk-{POOL}-a") as clerk:
        person_ref = await _insured(clerk, Month.of(born))
    async with apart.caller("settlement", "hospital-320100-a") as hospital:
        told = {"person_ref": person_ref, "since": str(born - timedelta(days=270)),
                "institution_code": HOSPITAL}  # fmt: skip
        pregnancy = (await made(hospital.post("/pregnancies", told)))["pregnancy_id"]
        admitted = {"stay_number": uuid4().hex, "person_ref": person_ref,
                    "pregnancy_id": pregnancy, "admitted_on": str(born)}  # fmt: skip
        stay = (await made(hospital.post("/stays", admitted)))["stay_id"]
        line = {"line_number": 1, "item_code": "delivery-care", "charged_on": str(born),
                "quantity": "1", "price": "5000.00"}  # fmt: skip
        await made(hospital.post(f"/stays/{stay}/lines", {"lines": [line]}))
        outcome = {"discharged_on": str(born + timedelta(days=2)), "event_on": str(born),
                   "mode": "vaginal", "total": "5000.00"}  # fmt: skip
        await made(hospital.post(f"/stays/{stay}/discharge", outcome))
        return await made(hospital.post(f"/stays/{stay}/settle", {"total": "5000.00"}))


async def _insured(clerk: Client, month: Month) -> str:
    employer = {"employer_ref": "E1", "name": "示例单位", "pool": POOL, "county_code": "320102",
                "kind": "enterprise"}  # fmt: skip
    await made(clerk.post("/employers", employer))
    person = {"id_number": NUMBER + check_character(NUMBER), "name": "例某", "employer_ref": "E1",
              "county_code": "320102", "kind": "employee",
              "start": str(month.plus(-24).first_day())}  # fmt: skip
    person_ref: str = (await made(clerk.post("/persons", person)))["person_ref"]
    paid = [
        {"person_ref": person_ref, "month": str(month.plus(-n)), "base": "8000.00"}
        for n in range(12)
    ]
    await made(clerk.post("/contributions", {"items": paid}))
    return person_ref


async def _told(bootstrap: str, claim_id: str) -> dict[str, str]:
    """The headers of a claim's first event, as it lies on the broker."""
    consumer = AIOKafkaConsumer(CLAIMS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            async for message in consumer:
                if (message.key or b"").decode() == claim_id:
                    return {name: value.decode() for name, value in message.headers}
    finally:
        await consumer.stop()
    raise AssertionError("unreachable")


def test_every_invariant_holds_on_it(apart: Apart) -> None:
    verified = said("deploy.verify", "--run", str(apart.run_file))
    assert verified.returncode == 0, verified.stdout
    assert "M01 ok" in verified.stdout


def test_down_ends_everything_that_up_started(apart: Apart) -> None:
    started = apart.running()
    for word in ("postgres", "kafka", "services.audit watch", *_SERVING):
        assert any(word in one for one in started), word
    assert said("deploy.local", "down", "--dir", str(apart.folder)).returncode == 0
    assert apart.running() == set()
    assert not apart.run_file.exists()
    assert "not running" in said("deploy.local", "down", "--dir", str(apart.folder)).stdout


_SERVING = [f"services.{name} serve" for name in ("enrollment", "settlement", "audit")]
