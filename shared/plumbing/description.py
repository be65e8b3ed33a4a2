"""The OpenAPI description of a service: the framework's, with our refusals, tokens and examples.

The examples are the frozen calls of the contract tests, read from JSON files: what a reader tries
out is what was answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

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
        "values": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "our own numbers that led to it, by name",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": "string"} for name in ("pointer", "code", "title", "title_zh")
                }
                | {
                    "unknown": {"type": "integer", "description": "how many names are not known"},
                    "known": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "the names, or the words, that are known there",
                    },
                },
            },
        },
        "trace_id": {"type": "string"},
    },
}
_PROBLEM_MEDIA = "application/problem+json"
_KEY_SCHEMA = {"type": "string", "pattern": "^[!-~]{1,255}$"}


def operation_id(route: APIRoute) -> str:
    """A stable name for clients made from the description: `stays-open`, `token`."""
    noun = str(route.tags[0]) if route.tags else "call"
    verb = route.name.strip("_").replace("_", "-")
    return noun if verb == noun else f"{noun}-{verb}"


def describe(app: FastAPI, examples: Path) -> dict[str, Any]:
    """The description; made once. `examples` is a folder of frozen calls, which may be absent."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = described.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for framework in ("HTTPValidationError", "ValidationError"):
            schemas.pop(framework, None)
        schemas["Problem"] = _PROBLEM
        parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        for path, _, operation in operations(described):
            _say_ours(path, operation)
        for call in calls(examples):
            _show(described, call)
        app.openapi_schema = described
    return app.openapi_schema


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each call that a description names."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def calls(folder: Path) -> Iterator[dict[str, Any]]:
    """The frozen calls of a folder, by name: `operation`, `name`, `request` and `answer`."""
    for file in sorted(folder.glob("*.json")):
        yield json.loads(file.read_text(encoding="utf-8"))


def _say_ours(path: str, operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    refused = {"schema": {"$ref": "#/components/schemas/Problem"}}
    operation["responses"]["default"] = {
        "description": "A refusal: RFC 9457 problem+json",
        "content": {_PROBLEM_MEDIA: refused},
    }
    if "/v1/" in path and not path.endswith("/token"):
        operation["security"] = [{"bearer": []}]
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "Idempotency-Key":
            parameter |= {"required": True, "schema": dict(_KEY_SCHEMA)}


def _show(described: dict[str, Any], call: dict[str, Any]) -> None:
    """Put a frozen call's request and answer into the operation that it called.

    Raises KeyError for a call of an operation that is gone: the calls must be frozen again.
    """
    by_id = {o["operationId"]: (path, o) for path, _, o in operations(described)}
    path, operation = by_id[call["operation"]]
    name, asked, answered = call["name"], call["request"], call["answer"]
    status = str(answered["status"])
    response = operation["responses"].get(status, operation["responses"]["default"])
    for content in response.get("content", {}).values():
        content.setdefault("examples", {})[name] = {"value": answered["body"]}
    if int(status) >= 400:
        return
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content.setdefault("examples", {})[name] = {"value": asked["body"]}
    given = _path_values(path, asked["path"]) | asked["query"] | asked["headers"]
    for parameter in operation.get("parameters", []):
        if parameter["name"] in given:
            parameter.setdefault("example", given[parameter["name"]])


def _path_values(template: str, path: str) -> dict[str, str]:
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
    found = re.fullmatch(pattern, path)
    return found.groupdict() if found else {}
