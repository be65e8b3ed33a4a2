"""The headers that asyncapi.yaml promises are those of events really told, on either bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from opentelemetry.sdk.trace import TracerProvider

from deploy.asyncapi import asyncapi_page
from shared.ids import new_id
from shared.plumbing import tracing
from shared.plumbing.outbox import tell
from tests.contracts.wires import Wire, opened_wire
from tests.support.postgres import ServiceDatabases
from tests.support.telling import event

DESCRIBED = yaml.safe_load(asyncapi_page())["components"]["schemas"]["attributes"]


async def _told(wire: Wire, *, traced: bool) -> None:
    """Two events: one that nobody asked for, one that answers another."""
    key = "traced" if traced else "bare"
    answer = event(key, 2)._replace(causation_id=str(new_id()))
    if traced:
        tracing.start(TracerProvider())
    try:
        async with wire.producer.acquire() as tx, tx.transaction():
            with tracing.span("request"):
                await tell(tx, [event(key, 1), answer])
    finally:
        tracing.stop()


async def _sent(wire: Wire) -> dict[tuple[str, str], Mapping[str, str]]:
    """The headers of all four, as a consumer reads them."""
    source, found = wire.source(), {}
    async with asyncio.timeout(40):
        while len(found) < 4:
            for one in await source.take():
                found[one.key, one.headers["ce_sequence"]] = one.headers
            await source.done()
    return found


@pytest.mark.parametrize("bus", ["local", "kafka"])
async def test_the_headers_described_are_the_headers_sent(
    request: pytest.FixtureRequest, service_databases: ServiceDatabases, bus: str
) -> None:
    kafka = request.getfixturevalue("kafka") if bus == "kafka" else None
    async with opened_wire(service_databases, kafka) as wire:
        for traced in (False, True):
            await _told(wire, traced=traced)
        await wire.pass_on(wire.producer)
        sent = await _sent(wire)
    form = Draft202012Validator(DESCRIBED, format_checker=FormatChecker())
    for headers in sent.values():
        form.validate(dict(headers))
    names = [set(headers) for headers in sent.values()]
    assert set.union(*names) == set(DESCRIBED["properties"])
    assert set.intersection(*names) == set(DESCRIBED["required"])
    assert {which for which, headers in sent.items() if tracing.HEADER in headers} == {
        ("traced", "1"), ("traced", "2"),
    }  # fmt: skip
