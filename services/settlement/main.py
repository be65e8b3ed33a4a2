"""Settlement: what a claim is worth, who pays which part, and the hospital's books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.settlement.actions.settle import Settling
from services.settlement.api import (
    adjustments,
    agency,
    allowances,
    pregnancies,
    prices,
    settlements,
    settling,
    stays,
)
from services.settlement.api.office import Office, Settlements
from services.settlement.api.refusals import KINDS
from services.settlement.api.settling import HotSettle
from services.settlement.heard import contribution, flag, person_state
from services.settlement.store.settling import Entry
from services.settlement.work.current_book import CurrentBook
from services.settlement.work.late_documents import LateDocuments
from shared.plumbing.app import new_app
from shared.plumbing.clock import Clock, SystemClock
from shared.plumbing.database import open_pool
from shared.plumbing.group import Group
from shared.plumbing.metrics import settlement_seconds, watch_queue
from shared.plumbing.peer import Peer
from shared.plumbing.runtime import Runtime
from shared.plumbing.settings import Settings
from shared.plumbing.tracing import TracedEdge
from shared.policy.book import Book
from shared.policy.compiler import allowance, compile_book

_FLUSHERS = 4
_GROUP_STATEMENT_MS = 2000
_BOOK_SECONDS = 0.5
_LATE_SECONDS = 0.5

_EXAMPLES = Path(__file__).parent / "api" / "examples"


def _measure(entry: Entry, seconds: float) -> None:
    settled = entry.settlement
    settlement_seconds(settled.pool_code, settled.institution_level)(seconds)


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    enrollment_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The service's app. `enrollment_transport` lets another app answer look-ups in one process."""
    runtime = Runtime("settlement", settings, clock or SystemClock())

    def compile_built_in() -> Book:
        return compile_book(allow=allowance(settings.mode, settings.book_grades))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await runtime.open(app)
        group_pool = await open_pool(
            settings.group_dsn.get_secret_value(),
            size=_FLUSHERS,
            statement_timeout_ms=_GROUP_STATEMENT_MS,
            for_group=True,
        )
        book = CurrentBook(runtime.pool, runtime.clock)
        await book.follow()
        group: Settlements = Group(
            group_pool, Settling(runtime.clock, book.get), flushers=_FLUSHERS, written=_measure
        )
        watch_queue("settlement", group.length)
        group.start()
        peer = None
        if "enrollment" in settings.peers:
            secret = settings.peer_secrets["enrollment"].get_secret_value()
            peer = Peer("enrollment", settings.peers["enrollment"], secret, enrollment_transport)
        app.state.office = Office(
            runtime.pool, group, book.get, peer, compile_built_in, app.state.desk.hash_key,
            book.archived,
        )  # fmt: skip
        await runtime.hear("enrollment", person_state.TOPIC, person_state.handle)
        await runtime.hear("enrollment", contribution.TOPIC, contribution.handle)
        await runtime.hear("audit", flag.TOPIC, flag.handler(runtime.clock))
        runtime.workers.every("current book", _BOOK_SECONDS, book.follow)
        late = LateDocuments(runtime.pool, runtime.clock, book.get)
        runtime.workers.every("late documents", _LATE_SECONDS, late.take_up)
        runtime.tell_and_seal()
        app.state.ready = True
        try:
            yield
        finally:
            app.state.ready = False
            await group.close()
            await runtime.close()
            if peer is not None:
                await peer.close()
            await group_pool.close()

    app = new_app("settlement", "Settlement", "1", lifespan, _EXAMPLES, KINDS.values())
    for routes in (
        stays, settling, settlements, prices, pregnancies, allowances, adjustments, agency,
    ):  # fmt: skip
        app.include_router(routes.router)
    # Outside of everything: the framework's layers would cost more than the settlement.
    hot = HotSettle(app.build_middleware_stack(), tokens=runtime.tokens)
    app.middleware_stack = TracedEdge(hot, "settlement")
    return app
