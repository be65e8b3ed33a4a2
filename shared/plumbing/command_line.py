"""The commands that every service has: serve, migrate, credential, retry-parked where it hears."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from shared.plumbing.asking import ask_own, asking, own
from shared.plumbing.auth import add_client
from shared.plumbing.clock import Clock, SystemClock, business_day
from shared.plumbing.database import Pool
from shared.plumbing.garbage import collect_rarely
from shared.plumbing.inbox import Handle, consumer_of
from shared.plumbing.logs import configure_logs
from shared.plumbing.parked import retry_keys
from shared.plumbing.settings import Settings, read_settings, unread
from shared.plumbing.tls import certificate_of, serving, trusting
from shared.plumbing.tracing import configure_traces

log = structlog.get_logger()

_GRACE_SECONDS = 8


def new_command_line(
    service: str,
    create_app: Callable[[Settings], FastAPI],
    heard: Callable[[Clock], Mapping[str, Handle]] | None = None,
) -> typer.Typer:
    """A service's command line; the service adds its own commands. `heard` is what it does with the
    topics that it hears, where it hears any."""
    commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

    @commands.command("serve")
    def serve() -> None:
        """Serve HTTP, relay, consumers and workers, until SIGTERM."""
        configure_logs(service)
        configure_traces(service)
        settings = read_settings(service)
        if names := unread(service):
            log.warning("settings that nothing reads", names=names)
        app = create_app(settings)
        collect_rarely()
        tls = _tls_of(service, settings)
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,  # its lines are ours, in the same form
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            ssl_context_factory=(lambda *_: tls) if tls else None,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )

    @commands.command("migrate")
    def migrate_command() -> None:
        """Bring the schema to its head and make the coming months' partitions."""
        # What serves loads none of this: the start after a kill is a third shorter.
        from shared.plumbing.migrate import migrate

        today = business_day(SystemClock().now())
        settings = read_settings(service)
        dsn, named = own(service, settings, "owner")
        with asking(dsn, named):
            migrate(service, dsn, today)

    @commands.command("credential")
    def credential(
        client_id: str,
        role: Annotated[str, typer.Option()],
        pool: Annotated[str, typer.Option(help="pool code")] = "",
        institution: Annotated[str, typer.Option(help="institution code")] = "",
    ) -> None:
        """Make or renew a client's credential; prints the secret, which is not kept."""

        async def make(owner: Pool) -> str:
            return await add_client(
                owner,
                client_id=client_id,
                role=role,
                pool_code=pool,
                institution_code=institution,
                at=SystemClock().now(),
            )

        typer.echo(ask_own(service, read_settings(service), "owner", make))

    if heard is not None:
        _add_retry(commands, service, heard)
    return commands


def _tls_of(service: str, settings: Settings) -> ssl.SSLContext | None:
    """By what https is served, None for http. Ends the process in words where a file that TLS needs
    cannot be used."""
    prefix, certificate = service.upper(), certificate_of(settings)
    named = f"{prefix}_TLS_AUTHORITIES"
    try:
        if settings.tls_authorities is not None:
            trusting(settings.tls_authorities)
        named = f"{prefix}_TLS_CERTIFICATE, {prefix}_TLS_KEY"
        return serving(service, certificate) if certificate else None
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"{named}: cannot be used ({type(error).__name__}); docs/operations.md tells of TLS"
        ) from error


def _add_retry(
    commands: typer.Typer, service: str, heard: Callable[[Clock], Mapping[str, Handle]]
) -> None:
    @commands.command("retry-parked")
    def retry(
        key: Annotated[str, typer.Option(help="this key alone; every parked key without it")] = "",
    ) -> None:
        """Try parked keys again, each with all its events in order; the service may be running.

        Ends with 1 where a key is still parked.
        """

        async def run(pool: Pool) -> bool:
            clock, clean = SystemClock(), True
            handlers = {
                consumer_of(service, topic): handle for topic, handle in heard(clock).items()
            }
            async for one in retry_keys(pool, handlers, clock, key):
                said = f"still parked: {one.failed}" if one.failed else f"{one.events} events"
                typer.echo(f"{one.consumer} {one.key}: {said}")
                clean = clean and not one.failed
            return clean

        if not ask_own(service, read_settings(service), "service", run):
            raise typer.Exit(1)
