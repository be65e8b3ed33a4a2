"""What the services' own descriptions say of their routes: every field, and of which kind it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OPEN = ("/livez", "/readyz", "/metrics")
"""Routes that ask nobody and take no input."""

_PATTERNS = {
    "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$": "month",
    "^[1-9][0-9]{16}[0-9X]$": "id_number",
    "^[0-9]{6}$": "region_code",
    "^[0-9A-Za-z]{1,3}$": "code",
    "^[A-Za-z0-9_.-]{1,60}$": "code",
    "^[A-Za-z0-9_.-]{1,64}$": "code",
    "^[0-9A-Za-z-]{1,32}$": "code",
    "^[A-Za-z0-9-]{8,64}$": "code",
    "^[0-9a-f]{32}$": "code",
    "^[A-Za-z][A-Za-z0-9_]{0,39}$": "code",
    r"^(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$": "number",
    r"^-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$": "signed",
    r"^(0(\.[0-9]{1,4})?|1)$": "number",
    "^[!-~]{1,255}$": "key",
    # how a HIS speaks
    "^[!-~]{1,64}$": "secret",
    "^[!-~]{16,128}$": "secret",
    "^[0-9a-fA-F.:]{3,39}/[0-9]{1,3}$": "code",
    "^[0-9A-Za-z]{1,6}$": "code",
    "^[0-9A-Za-z]{4,8}$": "code",
    r"^[A-Za-z_]{1,40}\.[A-Za-z_]{1,40}$": "code",
    # codes of reasons, diagnoses, procedures
    "^[a-z][a-z0-9-]{1,40}$": "code",
    "^[a-z][a-z0-9-]{1,60}$": "code",
    r"^[A-Z][0-9]{2}(\.[0-9x]{1,3}(x[0-9]{3})?)?[+*]?$": "code",
    r"^[0-9]{2}\.[0-9]([0-9]|[0-9x][0-9]{2})?(x[0-9]{3})?$": "code",
    "^[A-Z0-9][A-Za-z0-9.]{1,19}$": "code",
    "^[A-Za-z0-9-]{1,64}$": "code",
    "^[A-Za-z0-9-]{1,32}$": "code",
    r"^(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?$": "number",
    r"^(-0|[0-9])\.[0-9]{1,4}$": "change",
    # places in a list
    "^[A-Za-z0-9_.-]{1,64}/[0-9]{4}-[0-9]{2}-[0-9]{2}$": "code",
    "^([0-9a-f-]{36}/[1-9][0-9]{0,8})?$": "code",
    "^([A-Za-z0-9_.-]{1,64}/(19|20)[0-9]{2}-(0[1-9]|1[0-2]))?$": "code",
}
_MONEY = re.compile(r"\\\.\[0-9\]\{2\}\$$")
_NAMES = {
    "name": "person_name", "client_id": "secret", "client_secret": "secret", "topic": "opaque",
    "type": "opaque", "person_ref": "opaque",
}  # fmt: skip
"""Strings whose form is not in the description."""


class Unmapped(Exception):
    """A field of which nobody has said what it is: its bad inputs are not tried."""


@dataclass(frozen=True)
class Field:
    """One place of a route's request: `at` is where in the body, or a parameter's name."""

    route: str
    where: str
    at: tuple[str | int, ...]
    kind: str
    required: bool = True

    def __str__(self) -> str:
        return f"{self.route} {self.where} {'/'.join(map(str, self.at))} ({self.kind})"


def routes(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each route that asks who calls, or for a credential, with its operation."""
    for path, operations in description["paths"].items():
        if not path.endswith(OPEN):
            for method, operation in operations.items():
                yield f"{method.upper()} {path}", operation


def fields(description: dict[str, Any]) -> Iterator[Field]:
    """Every field of every route. Raises Unmapped."""
    for route, operation in routes(description):
        for parameter in operation.get("parameters", ()):
            name, where = parameter["name"], parameter["in"]
            schema = _widest(description, parameter["schema"])
            needed = parameter.get("required", False)
            yield Field(route, where, (name,), kind_of(name, schema), needed)
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            schema = content["application/json"]["schema"]
            yield from _of_body(description, route, (), schema, True)


def _of_body(
    description: dict[str, Any], route: str, at: tuple[str | int, ...], schema: dict[str, Any],
    required: bool,
) -> Iterator[Field]:  # fmt: skip
    """The leaves of a body; of several forms those of the widest, which holds the others."""
    form = _widest(description, schema)
    if form.get("type") == "array":
        yield from _of_body(description, route, (*at, 0), form["items"], required)
    elif form.get("type") == "object":
        for name, inner in form.get("properties", {}).items():
            needed = name in form.get("required", ())
            yield from _of_body(description, route, (*at, name), inner, needed)
    else:
        yield Field(route, "body", at, kind_of(str(at[-1]), form), required)


def _widest(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A list holds what its single form holds, and more; else who has most fields is widest."""
    if "enum" in schema:
        return schema
    if (
        "oneOf" in schema
    ):  # a form for each benefit: the first is a delivery's, as the others' tests are
        schema = schema["oneOf"][0]
    forms = [_resolved(description, form) for form in schema.get("anyOf", [schema])]
    forms = [_widest(description, form) if "oneOf" in form else form for form in forms]

    def width(form: dict[str, Any]) -> tuple[bool, int]:
        inner = form.get("properties", {})
        return (any(field.get("type") == "array" for field in inner.values()), len(inner))

    return max((form for form in forms if form.get("type") != "null"), key=width)


def _resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rsplit("/", 1)[1]
    found: dict[str, Any] = description["components"]["schemas"][name]
    return found


def kind_of(name: str, schema: dict[str, Any]) -> str:
    """The kind of a field, by its schema; by its name where that says nothing. Raises Unmapped."""
    if "enum" in schema or "const" in schema:
        return "enum"
    if schema.get("type") in ("integer", "boolean"):
        return str(schema["type"])
    if schema.get("format") in ("date", "uuid"):
        return str(schema["format"])
    pattern = schema.get("pattern", "")
    if _MONEY.search(pattern):
        return "sum" if pattern.startswith("^-?") else "money"
    if "\\x00" in pattern:
        return "text"
    if pattern in _PATTERNS:
        return _PATTERNS[pattern]
    if not pattern and name in _NAMES:
        return _NAMES[name]
    raise Unmapped(f"{name}: {schema}")
