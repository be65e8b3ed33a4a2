"""Enrollment wired together: who is insured, since when, and at which rate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from services.enrollment.api import (
    contributions,
    coverage,
    employers,
    entitlements,
    persons,
    rates,
    registrations,
)
from services.enrollment.api.entitlements import HotEntitlement
from services.enrollment.api.office import Office
from services.enrollment.api.refusals import KINDS
from services.enrollment.store.histories import read_together
from services.enrollment.store.persons import check_keys
from shared.plumbing.app import new_app
from shared.plumbing.clock import Clock, SystemClock
from shared.plumbing.runtime import Runtime
from shared.plumbing.sealed import Vault
from shared.plumbing.settings import Settings, unmarked
from shared.plumbing.tracing import TracedEdge
from shared.policy.compiler import allowance, compile_book

_EXAMPLES = Path(__file__).parent / "api" / "examples"


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The service's app; its lifespan opens the database and starts relay and sealer."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime("enrollment", settings, clock or SystemClock())
        vault = Vault(unmarked(settings.field_key))
        book = compile_book(allow=allowance(settings.mode, settings.book_grades))
        await runtime.open(app)
        app.state.office = Office(book, vault, read_together(runtime.pool))
        async with runtime.pool.acquire() as connection:
            await check_keys(connection, vault)
        runtime.tell_and_seal()
        runtime.say_ready(app)
        try:
            yield
        finally:
            app.state.ready = False
            await runtime.close()

    app = new_app(
        "enrollment", "Enrollment 参保登记与缴费", "1.0.0", lifespan, _EXAMPLES, KINDS.values()
    )
    for noun in (
        employers,
        registrations,
        persons,
        entitlements,
        contributions,
        rates,
        coverage,
    ):
        app.include_router(noun.router)
    # Outside of everything: the framework's layers would cost more than the look-up.
    app.middleware_stack = TracedEdge(HotEntitlement(app.build_middleware_stack()), "enrollment")
    return app
