"""A canary walks a whole journey: her number, name and telephone are seen nowhere afterwards."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import Counter, generate_latest

from shared.plumbing import tracing
from shared.plumbing.logs import CHAIN, library_handler
from tests.journeys.test_birth import NANJING, POOLS, Town
from tests.support.agency import SERVICES, Agency, agency, made, until
from tests.support.postgres import ServiceDatabases

CANARY = {"id_number": "320102199107230046", "name": "鹦鹉试金", "telephone": "13912345678"}
WORDS = (*CANARY.values(), "鹦鹉", "19910723")
TABLES = """
select relname from pg_class
where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
"""
log = structlog.get_logger()


class Seen:
    """All that leaves the services: answers, log lines, tables in the open, metrics, spans."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.lines = io.StringIO()
        self.spans = InMemorySpanExporter()

    async def listen(self, whole: Agency) -> None:
        async def keep(answer: httpx.Response) -> None:
            await answer.aread()
            self.answers.append(f"{answer.headers} {answer.text}")

        for service in whole.services.values():
            service.http.event_hooks["response"].append(keep)

    async def leaks(self, whole: Agency) -> list[str]:
        """Where a word of the canary stands."""
        places = {"answer": "\n".join(self.answers), "log line": self.lines.getvalue(),
                  "metric": generate_latest().decode(),
                  "span": "\n".join(map(_told, self.spans.get_finished_spans()))}  # fmt: skip
        for service in SERVICES:
            owner = await asyncpg.connect(whole.databases[service]["owner"])
            for row in await owner.fetch(TABLES):
                table = row["relname"]
                rows = await owner.fetch(f"select * from {table}")  # noqa: S608
                places[f"{service}.{table}"] = "\n".join(_open(r) for r in rows)
            await owner.close()
        return [place for place, text in places.items() if any(word in text for word in WORDS)]


def _told(span: ReadableSpan) -> str:
    return json.dumps(json.loads(span.to_json()), ensure_ascii=False)


def _open(row: asyncpg.Record) -> str:
    return " ".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in row.values()
    )


@contextmanager
def heard(seen: Seen) -> Iterator[None]:
    """Our own lines and those of libraries, through the chain that production uses; spans on."""
    before = structlog.get_config()
    structlog.configure(processors=CHAIN, logger_factory=structlog.PrintLoggerFactory(seen.lines))
    handler = library_handler(seen.lines)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen.spans))
    tracing.start(provider)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        tracing.stop()
        logging.getLogger().removeHandler(handler)
        structlog.configure(**before)


async def journey(whole: Agency) -> None:
    """She is registered, found, insured, delivered, settled, flagged; and much goes wrong."""
    await whole.open_for_business(POOLS)
    town = Town(whole, NANJING)
    await town.move_in()
    body = {"id_number": CANARY["id_number"], "name": CANARY["name"], "county_code": NANJING,
            "kind": "employee", "start": "2022-01-01", "employer_ref": "E1"}  # fmt: skip
    await _refused(town, body)
    await _broken(town, body)
    ref = (await made(town.clerk.post("/persons", body)))["person_ref"]
    found = await made(town.clerk.post("/persons:find", {"id_number": CANARY["id_number"]}))
    assert found["person_ref"] == ref
    await town.clerk.post("/persons", body | {"name": CANARY["name"] + "二"})
    await town.clerk.post("/coverage-gaps", {"items": [{"id_number": CANARY["id_number"]}]})
    await town.paid(ref, "2022-01", 27)
    await town.heard_of(ref)
    for hospital, since, born in ((town.high, "2023-07-01", "2024-03-10"),
                                  (town.low, "2024-03-12", "2024-03-21")):  # fmt: skip
        pregnancy = await town.pregnant(hospital, ref, since=since)
        stay, bill = await town.in_hospital(hospital, ref, pregnancy, born=born)
        settled = await made(hospital.post(f"/stays/{stay}/settle", {"total": bill["total"]}))
        await made(hospital.get(f"/settlements/{settled['settlement_id']}/explanation"))

    async def flagged() -> Any:
        return (await made(town.first.get("/flags", state="open")))["flags"]

    await until(flagged)


async def _refused(town: Town, body: dict[str, Any]) -> None:
    """Every way in which a clerk mistypes her, and a hospital that sends what nobody asked."""
    wrong = CANARY["id_number"][:-1] + "9"
    for asked in (
        body | {"telephone": CANARY["telephone"]},
        body | {CANARY["telephone"]: CANARY["name"]},
        body | {"id_number": wrong},
        body | {"start": CANARY["name"]},
        body | {"kind": CANARY["id_number"]},
        body | {"county_code": CANARY["telephone"]},
        body | {"name": CANARY["name"] + "\u202e"},
    ):
        answer = await town.clerk.post("/persons", asked)
        assert answer.status_code in (400, 422), answer.text
    for path in (f"/persons/{CANARY['id_number']}", f"/persons/{CANARY['name']}",
                 f"/{CANARY['telephone']}"):  # fmt: skip
        assert (await town.clerk.get(path)).status_code == 404
    stay = {"stay_number": "S", "person_ref": CANARY["id_number"], "patient": CANARY["name"]}
    assert (await town.high.post("/stays", stay)).status_code == 400
    assert (await town.high.post(f"/stays/{CANARY['name']}/settle", CANARY)).status_code == 400
    assert (await town.first.get(f"/flags/{CANARY['name']}")).status_code in (400, 404)


async def _broken(town: Town, body: dict[str, Any]) -> None:
    """The database fails on her row and quotes it; a task dies with her name in its mouth."""
    owner = await asyncpg.connect(town.whole.databases["enrollment"]["owner"])
    await owner.execute(
        "create function quote() returns trigger language plpgsql as"
        f" $$ begin raise exception '{CANARY['name']} {CANARY['telephone']}'; end $$;"
        " create trigger quote before insert on person for each row execute function quote()"
    )
    with pytest.raises(asyncpg.RaiseError):  # the framework raises again what it has answered
        await town.clerk.post("/persons", body)
    await owner.execute("drop function quote cascade")
    await owner.close()

    async def die() -> None:
        raise ValueError(CANARY["name"])

    task = asyncio.create_task(die())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "future": task,
         "exception": task.exception()}
    )  # fmt: skip


async def test_nothing_of_her_is_seen(service_databases: ServiceDatabases, tmp_path: Path) -> None:
    seen = Seen()
    with heard(seen):
        async with agency(service_databases, tmp_path, None) as whole:
            await seen.listen(whole)
            await journey(whole)
            assert await seen.leaks(whole) == []
            assert "RaiseError" in seen.lines.getvalue()  # what went wrong is told nevertheless
            assert "Task exception was never retrieved" in seen.lines.getvalue()
            assert len(seen.spans.get_finished_spans()) > 50
            assert any("320102********0046" in answer for answer in seen.answers)
            await _each_leak_is_seen(seen, whole)


async def _each_leak_is_seen(seen: Seen, whole: Agency) -> None:
    """A check counts once a planted fault turned it red: here one for each way out."""
    office = whole.services["settlement"].app.state.office

    def say() -> None:
        log.info("registered", name=CANARY["name"])

    def tell_by_library() -> None:
        logging.getLogger("driver").warning("refused %s", CANARY["name"])

    def count() -> None:
        Counter("leaks", "planted", ["who"]).labels(CANARY["telephone"]).inc()

    def trace() -> None:
        with tracing.span(f"mother {CANARY['name']}"):
            pass

    async def tell() -> None:
        await office.pool.execute(
            "insert into outbox (month, id, pool_code, topic, type, key, aggregate_id, sequence,"
            " at, headers, data) values ('2024-03-01', gen_random_uuid(), '', 't', 't', 'k', 'k',"
            " 1, now(), '{}', convert_to($1, 'utf8'))",
            CANARY["id_number"],
        )

    def answer() -> None:
        seen.answers.append(CANARY["id_number"])

    planted: list[tuple[str, Callable[[], None] | Callable[[], Awaitable[None]]]] = [
        ("log line", say), ("log line", tell_by_library), ("metric", count),
        ("settlement.outbox", tell), ("answer", answer), ("span", trace),
    ]  # fmt: skip
    known: set[str] = set()
    for place, leak in planted:
        if place == "log line":
            seen.lines.truncate(seen.lines.seek(0))
        done = leak()
        if done is not None:
            await done
        known.add(place)
        assert set(await seen.leaks(whole)) == known, leak
