"""The launchers survive what happens to a machine: kill -9, a reused pid, a second start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy import topics
from deploy.kafka.broker import KafkaBroker
from deploy.local.postgres import Postgres, PostgresUnavailableError
from tests.support.kafka import Kafka

ROOT = Path(__file__).parents[2]
HOLD = (
    "import sys, time, pathlib; from deploy.local.postgres import Postgres\n"
    "with Postgres(pathlib.Path(sys.argv[1]), buffers_mb=128) as pg:\n"
    "    print(pg.pid, flush=True); time.sleep(120)\n"
)


def launch(folder: Path) -> tuple[subprocess.Popen[str], int]:
    launcher = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert launcher.stdout is not None
    return launcher, int(launcher.stdout.readline())


def gone(pid: int, seconds: int = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


async def count_after_insert(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table if not exists kept(n int)")
    await connection.execute("insert into kept values (1)")
    count: int = await connection.fetchval("select count(*) from kept")
    await connection.close()
    return count


async def test_a_second_start_finds_its_data(tmp_path: Path) -> None:
    for expected in (1, 2):
        with Postgres(tmp_path, buffers_mb=128) as cluster:
            databases = cluster.create_service_database("settlement")
            assert await count_after_insert(databases["owner"]) == expected


def test_a_second_start_has_the_port_of_the_first_unless_somebody_took_it(tmp_path: Path) -> None:
    with Postgres(tmp_path, buffers_mb=128) as cluster:
        first = cluster.port
    assert (tmp_path / "port").read_text() == f"{first}\n"
    with Postgres(tmp_path, buffers_mb=128) as cluster:
        assert cluster.port == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first))
        other.listen()
        with Postgres(tmp_path, buffers_mb=128) as cluster:
            assert cluster.port != first
            assert (tmp_path / "port").read_text() == f"{cluster.port}\n"


def test_a_killed_launcher_leaves_no_server_and_the_folder_starts_again(tmp_path: Path) -> None:
    launcher, server = launch(tmp_path)
    with pytest.raises(PostgresUnavailableError, match="in use"), Postgres(tmp_path):
        pass
    launcher.kill()
    launcher.wait()
    with Postgres(tmp_path, buffers_mb=128) as cluster:
        assert cluster.pid != server
    assert gone(server)


def test_a_pid_that_now_belongs_to_another_process_is_forgotten(tmp_path: Path) -> None:
    with Postgres(tmp_path, buffers_mb=128):
        pass
    other = subprocess.Popen(["sleep", "60"])
    (tmp_path / "pgdata" / "postmaster.pid").write_text(f"{other.pid}\n{tmp_path}/pgdata\n")
    with Postgres(tmp_path, buffers_mb=128) as cluster:
        assert cluster.pid
    assert other.poll() is None
    os.kill(other.pid, signal.SIGKILL)
    other.wait()


async def test_no_role_of_a_service_passes_row_level_security(postgres: Postgres) -> None:
    databases = postgres.create_service_database("roles")
    for dsn in databases.values():
        connection = await asyncpg.connect(dsn)
        row = await connection.fetchrow(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
            " from pg_roles where rolname = current_user"
        )
        await connection.close()
        assert row is not None
        assert not any(row.values())


async def test_durability_is_on(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert await connection.fetchval(f"show {setting}") == "on"
    await connection.close()


async def test_a_real_broker_keeps_what_it_acknowledged(kafka: Kafka) -> None:
    topic = kafka.topic("maternity.settlement.claim.v1")
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, b"{}", key=b"claim-1")
    await producer.stop()
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, group_id="audit", auto_offset_reset="earliest"
    )
    await consumer.start()
    message = await consumer.getone()
    await consumer.stop()
    assert (message.key, message.value) == (b"claim-1", b"{}")


def test_a_broker_whose_id_begins_with_a_hyphen_starts(kafka: Kafka, tmp_path: Path) -> None:
    """One random id in 64 does. (`kafka` skips this where no broker can run.)"""
    (tmp_path / "cluster-id").write_text("-kU3OEVBNTcwNTJENDM2Q")
    with KafkaBroker(tmp_path) as broker:
        assert broker.bootstrap


async def test_topics_are_created_once(kafka: Kafka) -> None:
    assert await topics.create(kafka.bootstrap, kafka.prefix) == []
    names = [topic.name for topic in topics.topics()]
    created = await topics.create(kafka.bootstrap, kafka.prefix + "again.")
    assert created == [kafka.prefix + "again." + name for name in names]
