"""One trace leads from the HIS's call to audit's flag; off, nothing of it is there."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.plumbing import tracing
from tests.journeys.test_birth import NANJING, POOLS, Town
from tests.support.agency import Agency, agency, made, until
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client
from tests.support.source import ROOT

FLAG = "select headers::text from outbox where type = 'audit.flag.raised'"
CLAIMS = "select headers::text from outbox where type = 'settlement.claim.settled'"

LINKED = {"group", "relay", "inbox audit-claim"}
"""What works for several calls at once."""


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Spans as they would leave the process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.start(provider)
    yield exporter
    tracing.stop()


async def settled_twice(whole: Agency, trace_id: str) -> Town:
    """Two hospitals settle a birth of one mother; the second call is traced by its HIS."""
    await whole.open_for_business(POOLS)
    town = Town(whole, NANJING)
    await town.move_in()
    ref = (await town.registered("employee", "2022-01-01"))["person_ref"]
    await town.paid(ref, "2022-01", 27)
    await town.heard_of(ref)
    for hospital, since, born in ((town.high, "2023-07-01", "2024-03-10"),
                                  (town.low, "2024-03-12", "2024-03-21")):  # fmt: skip
        pregnancy = await town.pregnant(hospital, ref, since=since)
        stay, bill = await town.in_hospital(hospital, ref, pregnancy, born=born)
        await _settle(hospital, stay, bill["total"], trace_id if hospital is town.low else "")
    return town


async def _settle(hospital: Client, stay: str, total: str, trace_id: str) -> None:
    headers = {"authorization": f"Bearer {hospital.token}", "idempotency-key": secrets.token_hex()}
    if trace_id:
        headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    answer = await hospital.http.post(
        f"/settlement/v1/stays/{stay}/settle", json={"total": total}, headers=headers
    )
    assert answer.status_code == 201, answer.text


async def headers_of(whole: Agency, service: str, select: str) -> list[dict[str, Any]]:
    """Headers of events told by a service."""
    owner = await asyncpg.connect(whole.databases[service]["owner"])
    try:
        return [json.loads(row["headers"]) for row in await owner.fetch(select)]
    finally:
        await owner.close()


def _trace_of(told: Mapping[str, Any]) -> str:
    """The trace that an event belongs to."""
    return str(told["ce_traceparent"].split("-")[1])


def _linked(spans: Iterable[ReadableSpan], trace: str) -> set[str]:
    """The names of spans that stand for several traces, this one among them."""
    links = ((span.name, link.context) for span in spans for link in span.links)
    return {name for name, context in links if f"{context.trace_id:032x}" == trace}


def _trace(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


async def test_one_trace_from_the_call_to_the_flag(
    service_databases: ServiceDatabases, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    his = secrets.token_hex(16)
    async with agency(service_databases, tmp_path, None) as whole:
        town = await settled_twice(whole, his)

        async def all_there() -> bool:
            flags = await headers_of(whole, "audit", FLAG)
            linked = _linked(exported.get_finished_spans(), his)
            return his in map(_trace_of, flags) and linked >= LINKED

        await until(all_there)
        flags = await headers_of(whole, "audit", FLAG)
        claims = await headers_of(whole, "settlement", CLAIMS)
        traced = [claim for claim in claims if _trace_of(claim) == his]
        assert len(traced) == 1
        # Each flag goes on from the event that caused it: a claim's own trace, not its neighbour's.
        trace_of = {claim["ce_id"]: _trace_of(claim) for claim in claims}
        assert all(trace_of[flag["ce_causationid"]] == _trace_of(flag) for flag in flags)
        spans = exported.get_finished_spans()
        here = {span.name for span in spans if _trace(span) == his}
        assert here >= {"request settlement", "decide", "hear audit-claim", "rules"}
        owner = await asyncpg.connect(whole.databases["settlement"]["owner"])
        logged = await owner.fetchval(
            "select count(*) from log where action = 'settle' and request_id = $1", his
        )
        await owner.close()
        assert logged == 1
        words = " ".join(span.to_json() for span in spans)
        assert "HNJ" not in words
        assert "/v1/" not in words
        await made(town.first.get("/flags", state="open"))


async def test_off_a_callers_trace_is_still_the_requests_id(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    his = secrets.token_hex(16)
    async with agency(service_databases, tmp_path, None) as whole:
        http = whole.services["settlement"].http
        for sent, kept in (
            (f"00-{his}-{'1' * 16}-00", True), (f"00-{'0' * 32}-{'1' * 16}-00", False),
            (f"00-{his}-{'1' * 16}-00\u00e9", False), (his, False),
        ):  # fmt: skip
            answer = await http.get(
                "/settlement/v1/stays/x", headers={"traceparent": sent.encode("latin-1")}
            )
            assert (answer.json()["trace_id"] == his) is kept
        async with whole.services["settlement"].app.state.office.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from outbox") == 0
    assert tracing.traceparent() == ""


def test_off_nothing_is_imported() -> None:
    asked = "import sys, services.settlement.main; sys.exit('opentelemetry.sdk' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True, cwd=ROOT)
