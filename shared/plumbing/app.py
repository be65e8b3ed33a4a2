"""A service's app, with what all of them have; the service adds its own routes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from shared.plumbing.description import describe, operation_id
from shared.plumbing.docs_page import add_docs
from shared.plumbing.problem_answers import FORESEEN, as_problem, problem_response
from shared.plumbing.standing_routes import add_feed, add_health, add_token
from shared.plumbing.strict_bodies import StrictBodies


def new_app(service: str, title: str, version: str, lifespan: Any, examples: Path) -> FastAPI:
    """A service's app with what all of them have; the service adds its own routes.

    `examples` is the folder of frozen calls that the description shows.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
    )
    app.add_middleware(StrictBodies)

    async def refuse(request: Request, error: Exception) -> Response:
        return problem_response(as_problem(error), request.state.trace_id)

    # What is handled only as `Exception` is raised again after the answer: name the foreseen.
    for kind in (*FORESEEN, Exception):
        app.add_exception_handler(kind, refuse)
    app.openapi = partial(describe, app, examples)  # type: ignore[method-assign]
    app.state.ready = False
    add_docs(app, service)
    add_health(app, service)
    add_token(app, service)
    add_feed(app, service)
    return app
