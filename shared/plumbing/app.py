"""A service's app, with what all of them have; the service adds its own routes."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from shared.plumbing.problem_answers import FORESEEN, as_problem, problem_response
from shared.plumbing.standing_routes import add_feed, add_health, add_token
from shared.plumbing.strict_bodies import StrictBodies
from shared.plumbing.tracing import TracedEdge

_PROBLEM = {
    "type": "object",
    "required": ["type", "status", "code", "title", "title_zh", "retryable", "errors", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "number and slug: docs/refusals.md"},
        "title": {"type": "string"},
        "title_zh": {"type": "string"},
        "detail": {"type": "string"},
        "retryable": {"type": "boolean"},
        "article": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "code": {"type": "string"}},
            },
        },
        "trace_id": {"type": "string"},
    },
}
_REFUSED = {
    "description": "A refusal: RFC 9457 problem+json",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _describe(app: FastAPI) -> dict[str, Any]:
    """The framework's description, with our own refusals and bearer tokens in it."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = described.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for framework in ("HTTPValidationError", "ValidationError"):
            schemas.pop(framework, None)
        schemas["Problem"] = _PROBLEM
        parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        for path, operations in described["paths"].items():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _REFUSED
                if "/v1/" in path and not path.endswith("/token"):
                    operation["security"] = [{"bearer": []}]
        app.openapi_schema = described
    return app.openapi_schema


def new_app(service: str, title: str, version: str, lifespan: Any) -> FastAPI:
    """A service's app with what all of them have; the service adds its own routes."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(StrictBodies)
    app.add_middleware(TracedEdge, service=service)

    async def refuse(request: Request, error: Exception) -> Response:
        return problem_response(as_problem(error), request.state.trace_id)

    # What is handled only as `Exception` is raised again after the answer: name the foreseen.
    for kind in (*FORESEEN, Exception):
        app.add_exception_handler(kind, refuse)
    app.openapi = partial(_describe, app)  # type: ignore[method-assign]
    app.state.ready = False
    add_health(app, service)
    add_token(app, service)
    add_feed(app, service)
    return app
