"""Kill -9 of settlement, audit and enrollment under load, with pauses and a bad network between the kills: nothing
acknowledged is lost, nothing is doubled.

Then every invariant, then everything heard again from offset 0, which changes nothing, then every
invariant once more. `make test` kills 20 times, `make faults` 200 times.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.opening import open_for_business
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES
from deploy.topics import topics
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from tests.faults.beside import Beside
from tests.faults.chaos import Load, Outcome
from tests.faults.desk import History
from tests.faults.killer import Killer
from tests.faults.leaks import leaks, said_by
from tests.faults.processes import Processes, site_on
from tests.faults.proxy import Proxy
from tests.faults.weather import Weather
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("KILLS", "200" if LONG else "20"))
BIRTHS_A_SECOND = 3
SEED = 20261121
KILLED = ("settlement", "settlement", "audit", "enrollment")
QUIET_SECONDS_MAX = 120
# What a second hearing counts, and what every start raises.
MOVES = {"consumer_offset", "relay_fence"}

pytestmark = pytest.mark.timeout(0 if LONG else 1800)


@dataclass
class Ways:
    """The proxies on the ways to settlement and from it."""

    his: Proxy
    postgres: Proxy
    kafka: Proxy


@pytest.fixture
async def ways(postgres: Postgres, kafka: Kafka) -> AsyncIterator[Ways]:
    """A proxy before settlement, its database and its broker."""
    if kafka.proxied is None:
        pytest.skip("a proxy before the broker: the broker is not ours (KAFKA_BOOTSTRAP)")
    listens, advertised = kafka.proxied
    async with (
        Proxy("127.0.0.1", free_port()) as his,
        Proxy("127.0.0.1", postgres.port) as database,
        Proxy("127.0.0.1", listens, advertised) as broker,
    ):
        yield Ways(his, database, broker)


@pytest.fixture
async def town(
    service_databases: ServiceDatabases, kafka: Kafka, ways: Ways, tmp_path: Path
) -> AsyncIterator[Processes]:
    """The three services, each a process with its own database, a real broker between them."""
    databases = {name: service_databases(name) for name in SERVICES}
    site = site_on(tmp_path, databases, kafka)
    site.postgres_at, site.kafka_at = ways.postgres.port, ways.kafka.port
    ways.his.upstream = int(site.addresses["settlement"].rpartition(":")[2])
    processes = Processes(site)
    try:
        for service in SERVICES:
            processes.start(service)
        for service in SERVICES:
            await processes.ready(service)
        await open_for_business(processes.site)
        yield processes
    finally:
        processes.stop()


async def test_no_kill_loses_or_doubles_anything(
    town: Processes, ways: Ways, kafka: Kafka, record_property: pytest.RecordProperty
) -> None:
    history = History(town.site.folder / "history.jsonl")
    at_the_proxy = town.site.addresses | {"settlement": f"http://127.0.0.1:{ways.his.port}"}
    load = Load(replace(town.site, addresses=at_the_proxy), history, BIRTHS_A_SECOND, SEED)
    weather = Weather(town, ways.his, ways.postgres, ways.kafka, kafka.pid, history, SEED)

    weather.everybody_up.set()

    def kill(service: str) -> None:
        weather.everybody_up.clear()
        town.kill(service)

    async def revive(service: str) -> None:
        await town.supervised(service)
        weather.everybody_up.set()

    killer = Killer(kill, revive, history, SEED)
    await load.open()
    disturbing = asyncio.create_task(weather.run())
    beside, over = Beside(load, load.site, history), asyncio.Event()
    going_on = asyncio.create_task(beside.run(over))

    async def killed() -> None:
        """To the last kill, and to the final answers of what goes on beside."""
        try:
            await killer.run(KILLED, KILLS)
        finally:
            over.set()
        await going_on

    try:
        await load.run(killed())
    finally:
        going_on.cancel()
        disturbing.cancel()
        await asyncio.gather(disturbing, going_on, return_exceptions=True)
    assert min(way.passed for way in (ways.his, ways.postgres, ways.kafka)) > 0
    history.write(phase="load over")
    await _quiet(town)
    history.write(phase="drained")
    wrong, same = await load.asked_again()
    figures = _figures(killer, load.outcome, history) | {
        "disturbances": dict(weather.came),
        "batches": len(beside.batches),
        "booked beside": len(beside.booked),
    }
    for name, figure in figures.items():
        record_property(name, figure)
        print(f"{name}: {figure}")  # noqa: T201
    assert wrong == [], "acknowledged, and answered otherwise now"
    assert same == len(load.outcome.acknowledged) > 0
    assert load.outcome.disputes == []
    assert {paid for _, paid in load.outcome.pairs} == {1}
    assert history.counts.get("500", 0) == 0
    await _stored_once(town, load.outcome, beside.settlements)
    await beside.all_kept()
    await _verified(town)
    assert leaks(await said_by(town), load.people) == []
    history.write(phase="verified")
    await load.close()
    await beside.close()

    town.stop()
    before = await _tables(town)
    told = await _heard_again_from_the_start(town, kafka)
    assert told > 0
    history.write(phase="heard again")
    assert await _tables(town) == before
    await _verified(town)
    assert leaks(await said_by(town), load.people) == []


def _figures(killer: Killer, outcome: Outcome, history: History) -> dict[str, object]:
    recovery = sorted(killer.recovery_seconds)
    return {
        "kills": len(killer.broken),
        "requests in flight": killer.in_flight,
        "of these broken": killer.broken,
        "births": outcome.births,
        "rude": outcome.rude,
        "acknowledged": len(outcome.acknowledged),
        "pairs of hospitals": len(outcome.pairs),
        "attempts": history.counts,
        "recovery, seconds": f"median {statistics.median(recovery):.1f}, most {recovery[-1]:.1f}",
    }


async def _quiet(town: Processes) -> None:
    async with open_stores(town.run_file()) as stores:
        assert await wait_for_quiet(stores, QUIET_SECONDS_MAX) == []


async def _stored_once(town: Processes, outcome: Outcome, batched: list[str]) -> None:
    """Every acknowledged settlement lies in the store, once, and none that nobody was told of."""
    told = {_settlement_of(one.answer) for one in outcome.acknowledged} | set(batched)
    owner = await asyncpg.connect(town.site.databases["settlement"]["owner"])
    try:
        stored = [str(row[0]) for row in await owner.fetch("select settlement_id from settlement")]
        fen = await owner.fetchval("select sum(amount_fen) from posting")
        doubled = await owner.fetchval(
            "select count(*) from (select from claim where state = 'settled'"
            " group by pregnancy_id having count(*) > 1) d"
        )
    finally:
        await owner.close()
    assert sorted(stored) == sorted(told)
    assert doubled == 0
    assert fen == 0


def _settlement_of(answer: bytes) -> str:
    return str(orjson.loads(answer)["settlement_id"])


async def _verified(town: Processes) -> None:
    """`python -m deploy.verify` says ok, or why it does not apply yet, of every invariant."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "deploy.verify", "--run", str(town.run_file())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    failing = [line for line in done.stdout.splitlines() if " FAIL:" in line]
    assert done.returncode == 0, "\n".join(failing) or done.stderr
    assert sum(line.endswith(" ok") for line in done.stdout.splitlines()) > 25


async def _heard_again_from_the_start(town: Processes, kafka: Kafka) -> int:
    """Set every consumer back to offset 0 and start again; how many events were heard again."""
    duplicates = await _duplicates(town)
    records = 0
    for topic in topics():
        for group in topic.groups:
            places = [
                TopicPartition(kafka.topic(topic.name), number)
                for number in range(topic.partitions)
            ]
            consumer = AIOKafkaConsumer(
                bootstrap_servers=kafka.bootstrap,
                group_id=kafka.prefix + group,
                enable_auto_commit=False,
            )
            await consumer.start()
            consumer.assign(places)
            records += sum((await consumer.end_offsets(places)).values())
            await consumer.commit(dict.fromkeys(places, 0))
            await consumer.stop()
    for service in SERVICES:
        town.start(service)
    for service in SERVICES:
        await town.ready(service)
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while await _duplicates(town) < duplicates + records and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    await _quiet(town)
    assert await _duplicates(town) == duplicates + records, "not everything was heard again"
    return records


async def _duplicates(town: Processes) -> int:
    count = 0
    for service in SERVICES:
        owner = await asyncpg.connect(town.site.databases[service]["owner"])
        count += await owner.fetchval("select coalesce(sum(duplicates), 0) from consumer_offset")
        await owner.close()
    return count


async def _tables(town: Processes) -> dict[str, tuple[int, str]]:
    """Every table of every service: rows, and a hash over them all, every column included."""
    found: dict[str, tuple[int, str]] = {}
    for service in SERVICES:
        owner = await asyncpg.connect(town.site.databases[service]["owner"])
        names = await owner.fetch(
            "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
            " and relnamespace = 'public'::regnamespace"
        )
        for (name,) in names:
            if name not in MOVES:
                row = await owner.fetchrow(
                    "select count(*), coalesce(md5(string_agg(h, '' order by h)), '')"
                    f" from (select md5(t::text) as h from {name} t) t"
                )
                found[f"{service}.{name}"] = tuple(row)
        await owner.close()
    return found
