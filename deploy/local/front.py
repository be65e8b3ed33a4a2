"""The three services behind one port: the first segment of a path says whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.types import Receive, Scope, Send

from deploy.local import front_documents, front_page
from deploy.local.front_documents import Reader
from deploy.local.front_examples import is_asked_from_here, with_secrets
from deploy.local.front_picture import Picture, Viewer, open_viewer
from shared.plumbing.clock import SystemClock
from shared.plumbing.problem_answers import problem_response
from shared.plumbing.problems import NOT_FOUND, PAGES, Problem
from shared.policy.speech import Language

log = structlog.get_logger()

_NOT_KEPT = {"cache-control": "no-store"}
# What stands outside of the services' own prefixes.
PLACES = {"fsi": "settlement", "nhsa": "settlement", "console": "audit"}


class Front:
    """One ASGI application over several; it answers "not ready" until `opened` is set.

    A service alone is ready early: here nobody is before all of them are. `/` is a page that
    shows what runs, read from `databases`, the addresses of the services' owners. `secrets` are
    those of the demo's clients: whoever looks at a service's page of calls from this machine finds
    them filled in.
    """

    def __init__(
        self,
        apps: Mapping[str, FastAPI],
        databases: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.apps = apps
        self.databases = databases
        self._secrets = secrets or {}
        self.opened = False
        self._viewer: Viewer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on to the service that it names."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        first = scope["path"].split("/")[1]
        app = self._app_of(scope["path"], first)
        if first == "" and scope["type"] == "http":
            await (await self._page(scope))(scope, receive, send)
        elif scope["type"] == "http" and first == "docs":
            await self._document(scope)(scope, receive, send)
        elif app is None:
            await problem_response(Problem(NOT_FOUND), uuid4().hex)(scope, receive, send)
        elif scope["path"] == f"/{first}/openapi.json" and is_asked_from_here(scope):
            described = with_secrets(app.openapi(), self._secrets)
            await JSONResponse(described, headers=_NOT_KEPT)(scope, receive, send)
        elif scope["path"] == f"/{first}/readyz" and not self.opened:
            await JSONResponse({"status": "not ready"}, 503)(scope, receive, send)
        else:
            await app(scope, receive, send)

    def _app_of(self, path: str, first: str) -> FastAPI | None:
        if f"/{first}" == PAGES:
            code = path.removeprefix(f"{PAGES}/")
            return next((a for a in self.apps.values() if code in a.state.problem_kinds), None)
        return self.apps.get(PLACES.get(first, first))

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run all lifespans: each start before the port answers, each end after it stopped."""
        await receive()
        async with AsyncExitStack() as running:
            try:
                for app in self.apps.values():
                    await running.enter_async_context(app.router.lifespan_context(app))
                self._viewer = await open_viewer(self.databases, SystemClock(), running)
            except Exception as failure:
                reason = f"{type(failure).__name__}: {failure}"
                await send({"type": "lifespan.startup.failed", "message": reason})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _page(self, scope: Scope) -> HTMLResponse:
        reader = _reader(scope)
        picture = await self._picture(reader.language)
        shown = front_page.page(
            picture,
            {name: self.opened and bool(app.state.ready) for name, app in self.apps.items()},
            [name for name, app in self.apps.items() if _is_documented(name, app)],
            opened=self.opened,
            reader=reader,
        )
        return HTMLResponse(shown, headers=front_page.headers())

    def _document(self, scope: Scope) -> Response:
        """A document of `docs/` as a page, a plot as a picture; other files as plain text that
        any browser shows."""
        place = front_documents.document_at(scope["path"].removeprefix("/docs/"))
        if place is None:
            return problem_response(Problem(NOT_FOUND), uuid4().hex)
        headers = front_page.headers()
        if place.suffix == front_documents.PLOT:
            return FileResponse(
                place, media_type="image/svg+xml", headers=front_page.plot_headers()
            )
        if place.is_file() and place.suffix != ".md":
            return PlainTextResponse(place.read_text(encoding="utf-8"), headers=headers)
        return HTMLResponse(front_page.document_page(place, _reader(scope)), headers=headers)

    async def _picture(self, language: Language) -> Picture | None:
        """What is to be seen now; None where the databases do not answer."""
        if self._viewer is None:
            return None
        try:
            return await self._viewer.look(language)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
            log.warning("the front page has no picture", error=type(failure).__name__)
            return None


def _reader(scope: Scope) -> Reader:
    accepted = Headers(scope=scope).get("accept-language", "")
    return front_page.reader_of(scope["query_string"].decode("latin-1"), accepted)


def _is_documented(name: str, app: FastAPI) -> bool:
    return any(getattr(route, "path", "") == f"/{name}/docs" for route in app.routes)
