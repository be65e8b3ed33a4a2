"""What every test may ask for: a PostgreSQL cluster, migrated databases, a real Kafka broker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.kafka.jars import what_is_missing
from deploy.local.databases import run_apart
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases

pytest_plugins = ["tests.support.skips"]

_NUMBERS = itertools.count(1)

# As hypothesis itself has it where CI=true: that a machine stands still is no fault of what is
# tried.
settings.register_profile(
    "any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Errors as plain lines: drawn with their local variables, forty of them take minutes."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One cluster for the session, as durable as a real one.

    Nobody but its tests is at work in it: what autovacuum takes for a moment, at whatever minute,
    holds back the relay and the sealer of every database.
    """
    with Postgres(tmp_path_factory.mktemp("postgres"), buffers_mb=256) as cluster:
        run_apart(_without_autovacuum(cluster.dsn()))
        yield cluster


async def _without_autovacuum(dsn: str) -> None:
    server = await asyncpg.connect(dsn)
    await server.execute("alter system set autovacuum = off")
    await server.execute("select pg_reload_conf()")
    await server.close()


@pytest.fixture
def service_databases(postgres: Postgres) -> Iterator[ServiceDatabases]:
    """`service_databases("settlement")` -> {owner, service, group: dsn}, fresh for this test."""
    databases = ServiceDatabases(postgres, _NUMBERS)
    yield databases
    databases.drop()


@pytest.fixture(scope="module")
def module_databases(postgres: Postgres) -> Iterator[ServiceDatabases]:
    """The same, shared by the tests of a file."""
    databases = ServiceDatabases(postgres, _NUMBERS)
    yield databases
    databases.drop()


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One real broker for the session."""
    missing = what_is_missing()
    if missing:
        pytest.skip(f"real Kafka: {missing}")
    proxied = (free_port(), free_port())
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), proxied=proxied) as broker:
        yield broker


@pytest.fixture
def kafka(kafka_broker: KafkaBroker) -> Kafka:
    """The broker, with all topics of deploy/topics.toml under a prefix of this test's own."""
    return _with_topics(kafka_broker)


@pytest.fixture(scope="module")
def module_kafka(kafka_broker: KafkaBroker) -> Kafka:
    """The same, shared by the tests of a file."""
    return _with_topics(kafka_broker)


def _with_topics(broker: KafkaBroker) -> Kafka:
    prefix = f"t{next(_NUMBERS)}."
    run_apart(topics.create(broker.bootstrap, prefix))
    return Kafka(broker.bootstrap, prefix, broker.pid, broker.proxied)
