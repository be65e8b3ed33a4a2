"""Connections to a service's own PostgreSQL, by role, and the transaction that a request owns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = Any
    Pool = Any

LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what the driver says of a backend that ended during its set-up
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""The server or the way to it is gone: nobody knows whether the last transaction was committed."""

PASSING = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,  # the server's disk or memory is full
    # A migration changed what a statement was planned on, or widened a table written by whole rows:
    # then the release that the migration belongs to is awaited.
    asyncpg.InvalidCachedStatementError,
    asyncpg.DatatypeMismatchError,
)
"""Nothing was written, for want of room, or because of whoever else was writing or migrating: the
same again may well go through."""

AGENCY = "*"
"""Stands for the agency's own staff and workers, who see all institutions. No code is so."""

_SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": "10000",
    "lock_timeout": "2000",
    "jit": "off",
    "timezone": "UTC",
}


_GROUP_SETTINGS = {
    # A plan for each group's size cost PostgreSQL more than the group, and it chose so at random.
    "plan_cache_mode": "force_generic_plan",
    # A plan made while a table is small outlives that: it must look up by key from the first row.
    "enable_seqscan": "off",
}


async def open_pool(
    dsn: str, *, size: int = 8, statement_timeout_ms: int = 10_000, for_group: bool = False
) -> Pool:
    """Open a pool of at most `size` connections under one role.

    `for_group` is for the group writer, whose two statements are planned once. A connection that
    comes back is not reset by a round trip of its own: an open transaction is rolled back, and
    whatever else is set, is set for one transaction only. The group writer, which sets its wall
    for the session, has its pool to itself.
    """

    async def no_reset(_: Any) -> None:
        return None

    settings = _SERVER_SETTINGS | (_GROUP_SETTINGS if for_group else {})
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        command_timeout=statement_timeout_ms / 1000 + 5,
        server_settings={**settings, "statement_timeout": str(statement_timeout_ms)},
        reset=no_reset,
    )


@asynccontextmanager
async def transaction(pool: Pool, callers: Sequence[str]) -> AsyncIterator[Connection]:
    """One transaction in which row-level security lets through the rows of `callers` only.

    `callers` are institution codes, or `AGENCY`. The edge opens it, and only the edge ends it.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('app.callers', $1, true)", ",".join(callers))
        yield connection
