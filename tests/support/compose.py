"""docker-compose.yml as it is read with an environment, without Docker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.source import ROOT

FILE = ROOT / "docker-compose.yml"
ASKED = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
"""`${NAME}`, `${NAME:-default}` or `${NAME:?why}`."""


class NotSet(Exception):
    """A value that must be given is not."""


def services() -> dict[str, dict[str, Any]]:
    """The services as they are written, anchors resolved."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return read


def filled(value: str, given: Mapping[str, str]) -> str:
    """A value with what it asks for. Raises NotSet."""

    def fill(asked: re.Match[str]) -> str:
        said = given.get(asked["name"], "")
        if not said and asked["kind"] == "?":
            raise NotSet(asked["name"])
        return said or (asked["rest"] if asked["kind"] == "-" else "")

    return ASKED.sub(fill, value)


def environment(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service of the file. Raises NotSet."""
    return {key: filled(value, given) for key, value in services()[name]["environment"].items()}


def given_secrets() -> dict[str, str]:
    """A different value for each name that must be given."""
    found = ASKED.finditer(FILE.read_text(encoding="utf-8"))
    names = sorted({asked["name"] for asked in found if asked["kind"] == "?"})
    return {name: _GIVEN.get(name.partition("_")[2], f"given-{name}") for name in names}


_GIVEN = {
    "FIELD_KEY": "00112233445566778899aabbccddeeff",
    "PEER_SECRETS": '{"enrollment": "me:secret", "audit": "me:secret", "settlement": "me:secret"}',
}
"""Where a setting has a form."""
