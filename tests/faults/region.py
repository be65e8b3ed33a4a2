"""The three services as processes around a broker of their own, and what must hold of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from aiokafka.errors import KafkaError

from deploy.local.opening import open_for_business
from deploy.local.site import SERVICES
from deploy.verify.invariants import INVARIANTS
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from tests.faults.chaos import Load
from tests.faults.desk import History
from tests.faults.processes import Processes, site_on
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

QUIET_SECONDS_MAX = 120
ASKED = {"M03", "M05", "O01", "O02", "O03", "S06", "S07", "V01", "V02", "V03", "V04", "V05", "V06",
         "V07"}  # fmt: skip


@asynccontextmanager
async def region_on(
    databases: ServiceDatabases, kafka: Kafka, folder: Path
) -> AsyncIterator[Processes]:
    """The three services, each a process with its own database, opened for business."""
    dsns = {name: databases(name) for name in SERVICES}
    processes = Processes(site_on(folder, dsns, kafka))
    try:
        for service in SERVICES:
            processes.start(service)
        for service in SERVICES:
            await processes.ready(service)
        await open_for_business(processes.site)
        yield processes
    finally:
        processes.stop()


@asynccontextmanager
async def load_on(region: Processes, per_second: int, seed: int) -> AsyncIterator[Load]:
    """An open load of births; its history is a file of its own."""
    load = Load(
        region.site, History(region.site.folder / f"history-{seed}.jsonl"), per_second, seed
    )
    await load.open()
    try:
        yield load
    finally:
        await load.close()


async def gauge(region: Processes, service: str, name: str) -> float:
    """What a service's own gauge says."""
    async with httpx.AsyncClient(timeout=5) as http:
        said = await http.get(f"{region.site.addresses[service]}/{service}/metrics")
    lines = [line for line in said.text.splitlines() if line.startswith(f"{name}{{")]
    return max(float(line.rpartition(" ")[2]) for line in lines)


async def drained(region: Processes) -> float:
    """Wait until all was told, heard and sealed; how many seconds that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            async with open_stores(region.run_file()) as stores:
                moving = await wait_for_quiet(stores, QUIET_SECONDS_MAX)
        except (KafkaError, OSError):  # a broker that has only just come back
            if loop.time() - began > QUIET_SECONDS_MAX:
                raise
            await asyncio.sleep(0.5)
        else:
            assert not moving, moving
            return loop.time() - began


async def all_kept(region: Processes, load: Load) -> None:
    """What was acknowledged is there, once, was told and heard; no call got a 500."""
    wrong, same = await load.asked_again()
    assert not wrong, wrong
    assert same == len(load.outcome.acknowledged) > 0
    assert not load.outcome.disputes, load.outcome.disputes
    assert load.history.counts.get("500", 0) == 0
    await drained(region)
    async with open_stores(region.run_file()) as stores:
        lines = [await i.line(stores) for i in INVARIANTS if i.id in ASKED]
    red = [line for line in lines if " ok" not in line and "n/a" not in line]
    assert not red, red
