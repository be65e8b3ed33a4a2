"""Where verify looks: the three databases as their owners, the topics, the anchors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from deploy.kafka.reached import asking_brokers, brokers_at
from deploy.topics import Topic, topics
from deploy.verify.topic_log import KafkaLog, LocalLog, TopicLog
from shared.plumbing.asking import asking
from shared.plumbing.bus.kafka import reached
from shared.plumbing.clock import SystemClock

SERVICES = ("enrollment", "settlement", "audit")

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = Any


class Held:
    """One connection in a pool's place, so that all of a replay stays in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """The connection itself."""
        yield self._connection


@dataclass
class Stores:
    """All that a check may read. Nothing of it is changed, but for the file of the snapshot."""

    enrollment: Connection
    settlement: Connection
    audit: Connection
    log: TopicLog
    anchors: Mapping[str, Path]
    snapshot: Path
    topics: list[Topic] = field(default_factory=topics)
    copies: Mapping[str, Path] = field(default_factory=dict)
    """The anchors as they were copied to another place, where one is named."""
    now: Callable[[], datetime] = SystemClock().now
    """What time it is for what must not wait too long."""

    def each(self) -> list[tuple[str, Connection]]:
        """Every service with its database."""
        return [(name, getattr(self, name)) for name in SERVICES]

    def of(self, service: str) -> Connection:
        """The database of a service."""
        connection: Connection = getattr(self, service)
        return connection

    def heard(self) -> list[tuple[Topic, str, Connection]]:
        """Every consumer: its topic, its group, and the database that it writes to."""
        return [
            (topic, group, self.of(group.partition("-")[0]))
            for topic in self.topics
            for group in topic.groups
        ]


async def found(connection: Connection, statement: str, *values: object) -> list[str]:
    """What a statement finds amiss: the text of the first column of each row."""
    return [str(row[0]) for row in await connection.fetch(statement, *values)]


def _run_of(file: Path) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except json.JSONDecodeError:
        raise _no_run_file(file) from None
    return run


def _no_run_file(file: Path) -> SystemExit:
    return SystemExit(
        f"{file} is no run file, which names each service's database; --run names one"
    )


@asynccontextmanager
async def open_stores(run_file: Path, copies: Path | None = None) -> AsyncIterator[Stores]:
    """Open everything that a run file names, and the folder with copies of its anchors.

    Ends the process in words where one of them cannot be asked, or the file names none. Raises
    OSError where there is no such file.
    """
    run = await asyncio.to_thread(_run_of, run_file)
    async with AsyncExitStack() as held:
        connections: dict[str, Connection] = {}
        for service in SERVICES:
            dsn = run.get("databases", {}).get(service)
            if dsn is None:
                raise _no_run_file(run_file)
            with asking(dsn, f"databases.{service} of {run_file}"):
                connection = await asyncpg.connect(
                    dsn, server_settings={"timezone": "UTC", "jit": "off"}
                )
                held.push_async_callback(connection.close)
                await connection.fetchval("select 1 from outbox limit 1")
            connections[service] = connection
        log: TopicLog = LocalLog(connections)
        if run.get("bus") == "kafka" or (run.get("bus") is None and run.get("kafka")):
            with asking_brokers(run["kafka"], f"kafka of {run_file}"):
                await reached(brokers_at(run["kafka"]))
            log = KafkaLog(run["kafka"], run.get("topic_prefix", ""))
        anchors = {service: Path(file) for service, file in run.get("anchors", {}).items()}
        kept = {service: copies / file.name for service, file in anchors.items()} if copies else {}
        yield Stores(
            enrollment=connections["enrollment"],
            settlement=connections["settlement"],
            audit=connections["audit"],
            log=log,
            anchors=anchors,
            copies=kept,
            snapshot=run_file.with_name(run_file.stem + ".verify-snapshot"),
        )
