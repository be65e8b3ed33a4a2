"""Create the topics of deploy/topics.toml on a broker: `python -m deploy.topics --bootstrap H:P`.

Running it again creates what is missing and changes nothing that exists.
"""

from __future__ import annotations

import asyncio
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from deploy.kafka.reached import asking_brokers, brokers_at

FILE = Path(__file__).with_name("topics.toml")
DAY_MS = 24 * 60 * 60 * 1000
ADMIN_SECONDS_MAX = 30


@dataclass(frozen=True)
class Topic:
    """A topic as the broker must hold it."""

    name: str
    partitions: int
    replication_factor: int
    retention_days: int
    compacted: bool = False
    groups: tuple[str, ...] = ()
    unheard_because: str = ""
    """Why no service of ours hears it, where none does."""

    @property
    def owner(self) -> str:
        """The service that tells it."""
        return self.name.split(".")[1]

    def configs(self) -> dict[str, str]:
        """The broker's settings that differ from its defaults."""
        # A compacted topic keeps each key's last record for ever, whatever its age.
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}


def topics(file: Path = FILE) -> list[Topic]:
    """All topics with their dead letters, in the file's order."""
    with file.open("rb") as opened:
        book = tomllib.load(opened)
    return [
        topic
        for name, entry in book["topics"].items()
        for topic in _with_dead_letters(name, entry, book["defaults"])
    ]


def _with_dead_letters(
    name: str, entry: dict[str, Any], defaults: dict[str, Any]
) -> Iterator[Topic]:
    replicas, days = defaults["replication_factor"], defaults["retention_days"]
    groups, why = tuple(entry["groups"]), entry.get("unheard_because", "")
    compacted = entry.get("compacted", False)
    yield Topic(name, entry["partitions"], replicas, days, compacted, groups, why)
    for group in groups:
        yield Topic(f"{name}.{group}.dlq", defaults["dlq_partitions"], replicas, days)


async def create(
    bootstrap: str, prefix: str = "", file: Path = FILE, replicas: int = 0
) -> list[str]:
    """Create what is missing, each name behind the prefix, and return the names created.

    `replicas` stands for the file's replication factor, where it is given.
    """
    admin = AIOKafkaAdminClient(**await brokers_at(bootstrap).options())
    # The client retries a broker that is down without end: the deadline is ours.
    async with asyncio.timeout(ADMIN_SECONDS_MAX):
        await admin.start()
        try:
            wanted = [_order(topic, prefix, replicas) for topic in topics(file)]
            answer = await admin.create_topics(wanted)
        finally:
            await admin.close()
    created = []
    for name, code, *reason in answer.topic_errors:
        problem = for_code(code)
        if code == 0:
            created.append(name)
        elif problem is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name}: {problem.__name__} {reason}")
    return created


def _order(topic: Topic, prefix: str, replicas: int) -> NewTopic:
    return NewTopic(
        name=prefix + topic.name,
        num_partitions=topic.partitions,
        replication_factor=replicas or topic.replication_factor,
        topic_configs=topic.configs(),
    )


def main(bootstrap: str = "", prefix: str = "") -> None:
    """Create the missing topics; --bootstrap defaults to KAFKA_BOOTSTRAP; by TLS where
    KAFKA_AUTHORITIES names who certifies the broker."""
    address = bootstrap or os.environ.get("KAFKA_BOOTSTRAP", "")
    if not address:
        raise typer.BadParameter("name a broker: --bootstrap HOST:PORT or KAFKA_BOOTSTRAP")
    with asking_brokers(address, "--bootstrap or KAFKA_BOOTSTRAP"):
        created = asyncio.run(create(address, prefix))
    for name in created:
        typer.echo(f"created {name}")


if __name__ == "__main__":
    typer.run(main)
