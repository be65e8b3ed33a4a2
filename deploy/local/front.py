"""The three services behind one port: the first segment of a path says whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from uuid import uuid4

from fastapi import FastAPI
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Receive, Scope, Send

from shared.plumbing.problem_answers import problem_response
from shared.plumbing.problems import NOT_FOUND, PAGES, Problem

# What stands outside of the services' own prefixes.
PLACES = {"fsi": "settlement", "nhsa": "settlement", "console": "audit"}

PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>生育医疗费用结算</title></head>
<body><h1>生育医疗费用结算</h1><ul>
{entries}
</ul></body></html>
"""


class Front:
    """One ASGI application over several; it answers "not ready" until `opened` is set.

    A service alone is ready early: here nobody is before all of them are.
    """

    def __init__(self, apps: Mapping[str, FastAPI]) -> None:
        self.apps = apps
        self.opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on to the service that it names."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        first = scope["path"].split("/")[1]
        app = self._app_of(scope["path"], first)
        if first == "" and scope["type"] == "http":
            await HTMLResponse(self._page())(scope, receive, send)
        elif app is None:
            await problem_response(Problem(NOT_FOUND), uuid4().hex)(scope, receive, send)
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
            except Exception as failure:
                reason = f"{type(failure).__name__}: {failure}"
                await send({"type": "lifespan.startup.failed", "message": reason})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _page(self) -> str:
        entries = "\n".join(
            f'<li>{name}: <a href="/{name}/openapi.json">openapi</a>'
            f' · <a href="/{name}/readyz">readyz</a> · <a href="/{name}/metrics">metrics</a></li>'
            for name in self.apps
        )
        return PAGE.format(entries=entries)
