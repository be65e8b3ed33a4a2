"""Settlement: what a claim is worth, who pays which part, and the hospital's books."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx
from fastapi import FastAPI

from services.settlement.actions.settle import Settlements, Settling
from services.settlement.api import (
    adjustments,
    agency,
    allowances,
    batches,
    catalogue,
    doubts,
    his_profiles,
    mappings,
    pregnancies,
    prices,
    reconciliations,
    settlements,
    settling,
    stays,
)
from services.settlement.api.office import Office, with_state
from services.settlement.api.refusals import KINDS, problem_of
from services.settlement.api.settling import HotSettle
from services.settlement.domain.refusals import Refused
from services.settlement.heard import contribution, flag, person_state
from services.settlement.nhsa import refusals as gateway_refusals
from services.settlement.nhsa.counter import Counter
from services.settlement.nhsa.gateway import Gateway
from services.settlement.nhsa.reading import may_be_demanded
from services.settlement.store.settling import Entry
from services.settlement.work.current_book import CurrentBook
from services.settlement.work.expired_files import ExpiredFiles
from services.settlement.work.held_profiles import HeldProfiles
from services.settlement.work.late_documents import LateDocuments
from services.settlement.work.warning_replies import WarningReplies
from shared.plumbing.app import new_app
from shared.plumbing.clock import Clock, SystemClock
from shared.plumbing.database import open_pool
from shared.plumbing.group import Group
from shared.plumbing.inbox import Handle
from shared.plumbing.metrics import settlement_seconds, watch_queue
from shared.plumbing.peer import peer_of
from shared.plumbing.runtime import Runtime
from shared.plumbing.sealed import Vault
from shared.plumbing.settings import Settings, unmarked
from shared.plumbing.tracing import TracedEdge
from shared.policy.book import Book
from shared.policy.compiler import allowance, compile_book

T = TypeVar("T")

_FLUSHERS = 4
_GROUP_STATEMENT_MS = 2000
_BOOK_SECONDS = 0.5
_LATE_SECONDS = 0.5
_REPLIES_SECONDS = 2
_FILES_SECONDS = 600

_EXAMPLES = Path(__file__).parent / "api" / "examples"


def _measure(entry: Entry, seconds: float) -> None:
    settled = entry.settlement
    settlement_seconds(settled.pool_code, settled.institution_level)(seconds)


def heard(clock: Clock) -> dict[str, Handle]:
    """What is done with the events of each topic."""
    return {
        person_state.TOPIC: person_state.handle,
        contribution.TOPIC: contribution.handle,
        flag.TOPIC: flag.handler(clock),
    }


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    enrollment_transport: httpx.AsyncBaseTransport | None = None,
    audit_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The service's app. A transport lets another app answer in one process."""
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
        peer = peer_of(settings, "enrollment", enrollment_transport)
        audit = peer_of(settings, "audit", audit_transport)
        vault = Vault(unmarked(settings.field_key))
        app.state.vault = vault
        app.state.may_be_demanded = may_be_demanded
        profiles = app.state.profiles = HeldProfiles(runtime.pool, runtime.clock, vault)
        app.state.office = Office(
            runtime.pool, group, book.get, peer, compile_built_in, app.state.desk.hash_key,
            book.archived, _measure,
        )  # fmt: skip

        async def ask_for_state(
            refused: T | Refused, again: Callable[[], Awaitable[T | Refused]]
        ) -> T | Refused:
            return await with_state(app.state.office, refused, again)

        app.state.counter = Counter(
            app.state.desk, group, book.get, peer, audit, profiles.of, problem_of, ask_for_state
        )
        for topic, handle in heard(runtime.clock).items():
            await runtime.hear(topic, handle)
        runtime.workers.every("current book", _BOOK_SECONDS, book.follow)
        late = LateDocuments(runtime.pool, runtime.clock, book.get)
        runtime.workers.every("late documents", _LATE_SECONDS, late.take_up)
        expired = ExpiredFiles(runtime.pool, runtime.clock)
        runtime.workers.every("expired files", _FILES_SECONDS, expired.forget)
        if audit is not None:
            replies = WarningReplies(runtime.pool, runtime.clock, audit)
            runtime.workers.every("replies to warnings", _REPLIES_SECONDS, replies.tell)
        runtime.tell_and_seal()
        runtime.say_ready(app)
        try:
            yield
        finally:
            app.state.ready = False
            await group.close()
            await runtime.close()
            for asked in (peer, audit):
                if asked is not None:
                    await asked.close()
            await group_pool.close()

    kinds = (*KINDS.values(), *gateway_refusals.KINDS.values())
    app = new_app("settlement", "Settlement", "1", lifespan, _EXAMPLES, kinds)
    for routes in (
        stays, settling, batches, settlements, prices, pregnancies, allowances, adjustments, agency,
        catalogue, reconciliations, mappings, his_profiles, doubts,
    ):  # fmt: skip
        app.include_router(routes.router)
    # Outside of everything: the framework's layers would cost more than the settlement.
    hot = HotSettle(app.build_middleware_stack(), tokens=runtime.tokens)
    app.middleware_stack = TracedEdge(Gateway(hot), "settlement")
    return app
