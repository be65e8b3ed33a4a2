"""Migrations: one Alembic tree per service, written in SQL, run by the owner's role."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import partial
from importlib import resources
from pathlib import Path

import asyncpg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.period import Month

_MONTHS_AHEAD = 14


def migration_config(service: str, dsn: str = "") -> Config:
    """Alembic's configuration of a service's tree."""
    config = Config()
    folder = resources.files(f"services.{service}.store") / "migrations"
    config.set_main_option("script_location", str(folder))
    config.attributes["dsn"] = dsn
    return config


def migrate(service: str, dsn: str, today: date, months_back: int = 0) -> None:
    """Bring a service's schema to its head and make the coming months' partitions.

    `months_back` makes those of past months as well, for a history that is taken over.
    Safe to call from several processes at once: an advisory lock lets one at a time through.
    """
    command.upgrade(migration_config(service, dsn), "head")
    first = Month.of(today).plus(-months_back).first_day()
    asyncio.run(_make_months(dsn, first, months_back + _MONTHS_AHEAD))


def run_env() -> None:
    """What each tree's env.py does: run its versions in one transaction under a lock."""
    asyncio.run(_run(context.config.attributes["dsn"]))


def run_sql(path: Path, **names: str) -> None:
    """Run a file of statements inside a version; `names` fill its {placeholders}."""
    statements = path.read_text(encoding="utf-8")
    for name, value in names.items():
        statements = statements.replace("{" + name + "}", value)
    driver = op.get_bind().connection.dbapi_connection
    assert driver is not None  # noqa: S101 - a version always runs on a connection
    driver.run_async(lambda connection: connection.execute(statements))


def plumbing_schema(version: str) -> Path:
    """The file that makes the plumbing's tables, for a service's first version."""
    return Path(str(resources.files("shared.plumbing") / "schema" / version))


def _engine(dsn: str) -> AsyncEngine:
    """The driver reads the address itself, as everywhere else, `sslmode` and the like in it."""
    return create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, dsn))


async def _run(dsn: str) -> None:
    def upgrade(connection: Connection) -> None:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            connection.execute(text("select pg_advisory_xact_lock(hashtext('migrate'))"))
            context.run_migrations()

    engine = _engine(dsn)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


async def _make_months(dsn: str, first: date, months: int) -> None:
    engine = _engine(dsn)
    try:
        async with engine.connect() as connection:
            parents = await connection.scalars(
                text("select oid::regclass::text from pg_class where relkind = 'p' order by 1")
            )
        # One table at a time: who writes several of them waits, but never in a circle.
        for parent in parents.all():
            async with engine.begin() as connection:
                await connection.execute(text("select pg_advisory_xact_lock(hashtext('migrate'))"))
                await _make_months_of(connection, parent, first, months)
    finally:
        await engine.dispose()


async def _make_months_of(
    connection: AsyncConnection, parent: str, first: date, months: int
) -> None:
    """Make a table's months. Rows that came while nobody had made theirs lie in its rest, where
    they keep the month from being made: they are set aside, and come back as they were."""
    these = {"first": first, "past": Month.of(first).plus(months).first_day()}
    of_these = f"from {parent}_rest where month >= :first and month < :past"
    late = await connection.scalar(text(f"select exists (select {of_these})"), these)
    if late:
        # Who comes behind this lock waits as well: it is given up soon, and migrating is repeated.
        await connection.execute(text("set local lock_timeout = '5s'"))
        await connection.execute(text(f"lock table {parent} in access exclusive mode"))
        set_aside = f"create temporary table set_aside on commit drop as select * {of_these}"
        await connection.execute(text(set_aside), these)
        await connection.execute(text(f"delete {of_these}"), these)
    await connection.execute(
        text("select make_months(cast(:parent as regclass), :first, :months)"),
        {"parent": parent, "first": first, "months": months},
    )
    if late:
        await connection.execute(text(f"insert into {parent} select * from set_aside"))  # noqa: S608
