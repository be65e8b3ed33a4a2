"""The yard-stick that figures are divided by: pgbench on tables and statements of its own.

It is fixed: dividing by the project's own statements would reward slow ones. The files' hash is
checked, so that a changed yard-stick cannot pass for the old one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import asyncpg

from bench.machine import tree_cpu_seconds
from deploy.local.postgres import Postgres, find_binaries

_HERE = Path(__file__).parent
_FILES = ("yardstick_schema.sql", "yardstick.sql", "yardstick_hundred.sql")
_SHA256 = "efd446043634731fcbd4be81df83634784ac401bbba601c406b0c5dc3fed85e7"
_DATABASE = "yardstick"
_CLIENTS = 16
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
# Empty again before each run, so that all runs meet the same tables.
_EMPTY = "truncate ys_idempotency, ys_settlement, ys_posting, ys_outbox"


class NoPgbench(RuntimeError):
    """This machine has no pgbench; the message says what to install."""


class Yardstick:
    """C1 and C2 on a database of their own in the cluster that is measured."""

    def __init__(self, cluster: Postgres) -> None:
        self._cluster = cluster
        self._pgbench = _find_pgbench()
        self.cpu_us = 0.0

    async def prepare(self) -> None:
        """Make the database. Raises ValueError if the files are not the yard-stick's."""
        _check_files()
        server = await asyncpg.connect(self._cluster.dsn())
        await server.execute(f"create database {_DATABASE}")
        await server.close()
        await self._on((_HERE / "yardstick_schema.sql").read_text())

    async def c1(self, seconds: int) -> float:
        """Settlements a second, one a transaction, by 16 clients."""
        return await self._run("yardstick.sql", seconds)

    async def c2(self, seconds: int) -> float:
        """Settlements a second, a hundred a transaction, by 16 clients."""
        return 100 * await self._run("yardstick_hundred.sql", seconds)

    async def _run(self, script: str, seconds: int) -> float:
        await self._on(_EMPTY)
        await self._on("checkpoint")
        command = [self._pgbench, "-n", "-M", "prepared", "-c", str(_CLIENTS), "-j", "2"]
        command += ["-T", str(seconds), "-f", str(_HERE / script), self._dsn()]
        before = tree_cpu_seconds(self._cluster.pid)
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: ASYNC221
        found = _TPS.search(done.stdout)
        if found is None:
            raise RuntimeError(f"pgbench said no rate: {done.stdout}")
        rate = float(found[1])
        self.cpu_us = (tree_cpu_seconds(self._cluster.pid) - before) / (rate * seconds) * 1e6
        return rate

    async def _on(self, statements: str) -> None:
        connection = await asyncpg.connect(self._dsn())
        await connection.execute(statements)
        await connection.close()

    def _dsn(self) -> str:
        return self._cluster.dsn(database=_DATABASE)


def _find_pgbench() -> str:
    beside = find_binaries() / "pgbench"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("pgbench")
    if found is None:
        raise NoPgbench("no pgbench beside PostgreSQL or in PATH: install postgresql-contrib")
    return found


def _check_files() -> None:
    found = hashlib.sha256(b"\0".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()
    if found != _SHA256:
        raise ValueError(f"the yard-stick's files were changed: {found}")
