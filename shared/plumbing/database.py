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
)
"""Nothing was written, because of whoever else was writing: the same again may well go through."""

AGENCY = "*"
"""Stands for the agency's own staff and workers, who see all institutions. No code is so."""

_SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": "10000",
    "lock_timeout": "2000",
    "jit": "off",
    # Plans made on empty tables are kept for ever by a generic plan; look-ups here are all by key.
    "plan_cache_mode": "auto",
    "timezone": "UTC",
}


async def open_pool(
    dsn: str, *, size: int = 8, statement_timeout_ms: int = 10_000, reset: bool = True
) -> Pool:
    """Open a pool of at most `size` connections under one role.

    `reset=False` is for the group writer, which sets its wall at the start of each statement
    and would pay a round trip for the reset.
    """

    async def no_reset(_: Any) -> None:
        return None

    options: dict[str, Any] = {} if reset else {"reset": no_reset}
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        command_timeout=statement_timeout_ms / 1000 + 5,
        server_settings={**_SERVER_SETTINGS, "statement_timeout": str(statement_timeout_ms)},
        **options,
    )


@asynccontextmanager
async def transaction(pool: Pool, callers: Sequence[str]) -> AsyncIterator[Connection]:
    """One transaction in which row-level security lets through the rows of `callers` only.

    `callers` are institution codes, or `AGENCY`. The edge opens it, and only the edge ends it.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('app.callers', $1, true)", ",".join(callers))
        yield connection
