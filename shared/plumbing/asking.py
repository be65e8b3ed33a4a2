"""How a command asks a database; of one that cannot be asked it says so in one line, without a
traceback, and never with a password."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import asyncpg

from shared.plumbing.database import LOST, PASSING, Pool, open_pool
from shared.plumbing.settings import Settings

T = TypeVar("T")
Role = Literal["owner", "service"]


class Asked(NamedTuple):
    """A database as it is asked: its address, and the setting that names it."""

    dsn: str
    named: str

    def __str__(self) -> str:
        """Who asks which database where. Of an address that is not written plainly, nothing: parts
        of a password might be taken for something else."""
        plain = _PLAIN.fullmatch(self.dsn)
        role, place, database = plain.groups() if plain else ("", "", "")
        return f"database {database or '?'} at {place or '?'} as {role or '?'}"


_HOST = r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_PLAIN = re.compile(
    rf"postgres(?:ql)?://(?:([^:@/?#]*)(?::[^:@/?#]*)?@)?({_HOST}(?:,{_HOST})*)/([\w.-]*)(?:\?.*)?"
)
_MIGRATE = "migrate it to this release: `python -m services.NAME migrate`"
_WHY: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((asyncpg.InvalidCatalogNameError,), "there is no such database", "create it, or mend {named}"),
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        "the role or its password is refused",
        "mend {named}",
    ),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "the role has no right to this",
        "grant it, or name another role in {named}",
    ),
    (
        (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError),
        "what is asked for is not in its schema",
        _MIGRATE,
    ),
    (
        (asyncpg.ClientConfigurationError,),
        "this is no address of PostgreSQL",
        "write {named} as postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE, with / # @ : of a password"
        " as %2F %23 %40 %3A",
    ),
    ((ssl.SSLError,), "TLS with it fails", "docs/operations.md tells of TLS"),
    (LOST, "nobody answers there", "start PostgreSQL, or mend {named}"),
    (PASSING, "somebody else holds what this needs, or its disk is full", "run it again"),
)
"""What stands behind an error, and what is to be done about it; the first that fits."""


def why(error: BaseException, asked: Asked) -> str | None:
    """What an error says of the database that was asked; None where it says something else."""
    cause: BaseException | None = error
    if isinstance(error, ValueError) and not _can_be_read(asked.dsn):
        # The error tells what stands where a port should, which may be a part of the password.
        cause = asyncpg.ClientConfigurationError("")
    while cause is not None and not _of_our_own(cause):
        for kinds, amiss, to_do in _WHY:
            if isinstance(cause, kinds) and not _of_a_file(cause):
                said = f"{asked}: {amiss} ({type(cause).__name__})"
                return f"{said}; {to_do.format(named=asked.named)}"
        cause = cause.__cause__
    return None


def _can_be_read(dsn: str) -> bool:
    try:
        _ = urlsplit(dsn).port
    except ValueError:
        return False
    return True


def _of_our_own(error: BaseException) -> bool:
    """A wrong argument of a statement, or whoever read what a command prints hung up."""
    wrong = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    address = isinstance(error, asyncpg.ClientConfigurationError)
    return (wrong and not address) or isinstance(error, BrokenPipeError)


def _of_a_file(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename is not None


@contextmanager
def asking(dsn: str, named: str) -> Iterator[None]:
    """Ask a database within the block; where it cannot be asked the process ends in words, by 1.
    `named` is where its address is set."""
    asked = Asked(dsn, named)
    try:
        yield
    except Exception as error:
        said = why(error, asked)
        if said is None:
            raise
        raise SystemExit(said) from None


def own(service: str, settings: Settings, role: Role) -> tuple[str, str]:
    """The address of a service's own database for one of its roles, and the setting's name."""
    dsn = settings.owner_dsn if role == "owner" else settings.service_dsn
    return dsn.get_secret_value(), f"{service.upper()}_{role.upper()}_DSN"


def ask_own(service: str, settings: Settings, role: Role, act: Callable[[Pool], Awaitable[T]]) -> T:
    """What an act of a command comes to on its service's own database."""
    dsn, named = own(service, settings, role)

    async def run() -> T:
        pool = await open_pool(dsn, size=1)
        try:
            return await act(pool)
        finally:
            await pool.close()

    with asking(dsn, named):
        return asyncio.run(run())
