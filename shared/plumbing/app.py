"""A service's app, with what all of them have; the service adds its own routes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.plumbing.description import describe, operation_id
from shared.plumbing.docs_page import add_docs
from shared.plumbing.edge import only_known_names, words_of_query
from shared.plumbing.problem_answers import FORESEEN, as_problem, problem_response
from shared.plumbing.problems import NO_WORDS, PLUMBING_KINDS, Kind
from shared.plumbing.standing_routes import add_feed, add_health, add_problem_pages, add_token
from shared.plumbing.strict_bodies import StrictBodies
from shared.plumbing.tracing import TracedEdge


def new_app(
    service: str,
    title: str,
    version: str,
    lifespan: Any,
    examples: Path,
    kinds: Iterable[Kind],
) -> FastAPI:
    """A service's app with what all of them have; the service adds its own routes.

    `examples` is the folder of frozen calls that the description shows; `kinds` are the refusals of
    its own, each of which gets its page.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        dependencies=[Depends(only_known_names)],
    )
    app.add_middleware(StrictBodies)
    app.add_middleware(TracedEdge, service=service)

    async def refuse(request: Request, error: Exception) -> Response:
        words = words_of_query(request) if isinstance(error, RequestValidationError) else NO_WORDS
        answer = problem_response(as_problem(error, words), request.state.trace_id)
        if isinstance(error, HTTPException) and error.headers:
            answer.headers.update(error.headers)  # which methods an address does take
        return answer

    # What is handled only as `Exception` is raised again after the answer: name the foreseen.
    for kind in (*FORESEEN, Exception):
        app.add_exception_handler(kind, refuse)
    app.openapi = partial(describe, app, examples)  # type: ignore[method-assign]
    app.state.ready = False
    add_docs(app, service)
    add_health(app, service)
    add_token(app, service)
    add_feed(app, service)
    app.state.problem_kinds = {kind.code: kind for kind in (*PLUMBING_KINDS, *kinds)}
    add_problem_pages(app, app.state.problem_kinds)
    return app
