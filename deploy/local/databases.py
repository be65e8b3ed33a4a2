"""A service's database and its three roles, none of them a superuser.

Row-level security is silently void for a superuser, so nothing but this file connects as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

EXTENSIONS = ("btree_gist",)  # exclusion constraints over a code and a period


def roles_of(service: str) -> dict[str, str]:
    """The roles of a service: owner (migrations, verify), service, group (the group writer)."""
    return {kind: f"{service}_{kind}" for kind in ("owner", "service", "group")}


def create(
    superuser_dsn: str,
    database: str,
    roles: Mapping[str, str],
    passwords: Mapping[str, str],
    template: str | None,
) -> None:
    """Create the roles and the database where they are missing, and set the passwords."""
    run_apart(_create(superuser_dsn, database, roles, passwords, template))


def drop(superuser_dsn: str, database: str) -> None:
    """Drop the database if it exists, with whoever is connected."""
    statement = f"DROP DATABASE IF EXISTS {_name(database)} WITH (FORCE)"
    run_apart(_on(superuser_dsn, statement))


def run_apart(work: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end in a thread of its own, also where a loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(asyncio.run, work).result()


async def _create(
    superuser_dsn: str,
    database: str,
    roles: Mapping[str, str],
    passwords: Mapping[str, str],
    template: str | None,
) -> None:
    server = await asyncpg.connect(superuser_dsn)
    try:
        for role in roles.values():
            await _create_role(server, role, passwords[role])
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await _create_database(server, database, roles, template)
    finally:
        await server.close()
    if template is None:
        address = superuser_dsn.rsplit("/", 1)[0] + "/" + database
        # Verify, as the owner, looks for stuck sessions of the other roles.
        await _on(superuser_dsn, f"GRANT pg_read_all_stats TO {_name(roles['owner'])}")
        for extension in EXTENSIONS:
            await _on(address, f"CREATE EXTENSION IF NOT EXISTS {_name(extension)}")


async def _create_role(
    server: asyncpg.Connection[asyncpg.Record], role: str, password: str
) -> None:
    if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await server.execute(f"CREATE ROLE {_name(role)}")
    # DDL takes no parameters; the passwords are ours and hold no quote (token_urlsafe).
    await server.execute(
        f"ALTER ROLE {_name(role)} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE "
        f"PASSWORD '{password}'"
    )


async def _create_database(
    server: asyncpg.Connection[asyncpg.Record],
    database: str,
    roles: Mapping[str, str],
    template: str | None,
) -> None:
    source = f" TEMPLATE {_name(template)} STRATEGY FILE_COPY" if template else ""
    await server.execute(f"CREATE DATABASE {_name(database)} OWNER {_name(roles['owner'])}{source}")
    await server.execute(f"REVOKE ALL ON DATABASE {_name(database)} FROM PUBLIC")
    for kind in ("service", "group"):
        await server.execute(f"GRANT CONNECT ON DATABASE {_name(database)} TO {_name(roles[kind])}")


async def _on(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _name(identifier: str) -> str:
    if not identifier.replace("_", "a").isalnum() or len(identifier) > 63:
        raise ValueError(f"not a database name: {identifier!r}")
    return f'"{identifier}"'
