"""The audit service, wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.audit.api import (
    case_mix,
    claim_scores,
    claims,
    indicator_limits,
    outcomes,
    picks,
    price_notices,
    reviews,
    scoring,
    series,
)
from services.audit.api.checks import checks_router
from services.audit.api.flags import counts_router, flags_router
from services.audit.api.leases import leases_router
from services.audit.api.refusals import KINDS
from services.audit.api.rules import rules_router
from services.audit.api.snoozes import snoozes_router
from services.audit.api.statements import statements_router
from services.audit.console.page import add_console
from services.audit.domain.library import Library, read_library
from services.audit.heard.claim import TOPIC, claim_handler
from services.audit.work.drift_gauge import DriftGauge
from services.audit.work.money_at_risk import MoneyAtRisk
from services.audit.work.silent_institutions import SilentInstitutions
from shared.plumbing.app import new_app
from shared.plumbing.clock import Clock, SystemClock
from shared.plumbing.inbox import Handle
from shared.plumbing.peer import peer_of
from shared.plumbing.runtime import Runtime
from shared.plumbing.settings import Settings

_SILENCE_SECONDS = 30.0
_PRICES_SECONDS = 5.0
_DRIFT_SECONDS = 30.0
_PATIENCE = 10
_EXAMPLES = Path(__file__).parent / "api" / "examples"


def heard(clock: Clock, library: Library) -> dict[str, Handle]:
    """What is done with the events of each topic."""
    return {TOPIC: claim_handler(clock, library)}


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    settlement_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The service's app; its lifespan opens pools and starts consumers. `settlement_transport` lets
    another app answer in one process what flagged claims come to."""
    the_clock = clock or SystemClock()
    library = read_library(settings.library)
    book = library.rules

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime("audit", settings, the_clock)
        await runtime.open(app)
        for topic, handle in heard(the_clock, library).items():
            await runtime.hear(topic, handle)
        silent = SilentInstitutions(runtime.pool, the_clock, library.time_limits)
        runtime.workers.every("silent institutions", _SILENCE_SECONDS, silent.note)
        runtime.workers.every("drift", _DRIFT_SECONDS, DriftGauge(runtime.pool).sample)
        settlement = peer_of(settings, "settlement", settlement_transport, patience=_PATIENCE)
        if settlement is not None:
            money = MoneyAtRisk(runtime.pool, the_clock, book, settlement)
            runtime.workers.every("money at risk", _PRICES_SECONDS, money.ask)
        runtime.tell_and_seal()
        runtime.say_ready(app)
        try:
            yield
        finally:
            app.state.ready = False
            await runtime.close()
            if settlement is not None:
                await settlement.close()

    app = new_app("audit", "Maternity audit", "1.0", lifespan, _EXAMPLES, KINDS.values())
    app.state.library = library
    app.include_router(flags_router(book))
    app.include_router(counts_router)
    app.include_router(leases_router(book))
    app.include_router(statements_router(book))
    app.include_router(reviews.router)
    app.include_router(outcomes.router)
    app.include_router(claims.router)
    app.include_router(claim_scores.router)
    app.include_router(picks.router)
    app.include_router(scoring.router)
    app.include_router(series.router)
    app.include_router(case_mix.router)
    app.include_router(rules_router(book))
    app.include_router(checks_router(book))
    app.include_router(snoozes_router(book))
    app.include_router(price_notices.router)
    app.include_router(indicator_limits.router)
    add_console(app)
    return app
