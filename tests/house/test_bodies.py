"""What a body's form takes. Numbers with a point are refused by the forms alone, each at its place
(`shared/plumbing/strict_json.py`): a form that took one, or took anything, would let it through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from shared.plumbing.edge import Wire
from tests.house.test_routes import app_of
from tests.support.source import built_services

_SAYS = {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"}
_MOST = 2**53


def forms(part: Any, known: dict[str, Any], seen: set[str]) -> Iterator[dict[str, Any]]:
    """Every form within a part of a description."""
    if isinstance(part, list):
        for one in part:
            yield from forms(one, known, seen)
    elif "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        if name not in seen:
            seen.add(name)
            yield from forms(known[name], known, seen)
    else:
        yield part
        for inner in ("anyOf", "oneOf", "allOf"):
            yield from forms(part.get(inner, []), known, seen)
        yield from forms(list(part.get("properties", {}).values()), known, seen)
        for inner in ("items", "additionalProperties"):
            if isinstance(part.get(inner), dict):
                yield from forms(part[inner], known, seen)


def too_wide(form: dict[str, Any]) -> bool:
    """Whether a form takes a number with a point, whatever comes, or a number without end."""
    listed = "enum" in form or "const" in form
    kind = form.get("type")
    return (
        not form.keys() & _SAYS
        or kind == "number"
        or (kind == "array" and "items" not in form)
        or (kind == "object" and form.get("additionalProperties", True) is True)
        or (kind == "integer" and not listed and not form.get("minimum", -_MOST - 1) >= -_MOST)
        or (kind == "integer" and not listed and not form.get("maximum", _MOST + 1) <= _MOST)
    )


def taken(app: FastAPI) -> list[dict[str, Any]]:
    """The forms of every body that an app takes."""
    described = app.openapi()
    bodies = [
        content["schema"]
        for item in described["paths"].values()
        for operation in item.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    return list(forms(bodies, described["components"]["schemas"], set()))


@pytest.mark.parametrize("service", built_services())
def test_no_form_takes_a_number_with_a_point(service: str, tmp_path: Path) -> None:
    asked = taken(app_of(service, tmp_path))
    assert len(asked) > 20
    assert not [form for form in asked if too_wide(form)]


@pytest.mark.parametrize("kind", [float, int, Any, list, dict, dict[str, Any], BaseModel])
def test_a_form_that_is_too_wide_is_seen(kind: Any) -> None:
    class Body(Wire):
        planted: kind

    async def planted(body: Body) -> None:
        """Takes too much."""

    planted.__annotations__["body"] = Body  # the name is not found from where the app looks
    app = FastAPI()
    app.post("/planted")(planted)
    assert [form for form in taken(app) if too_wide(form)]
