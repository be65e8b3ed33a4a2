"""Reads and sends .http files, as far as ours go: requests, names, what they take from answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx


@dataclass(frozen=True)
class Written:
    """One request as it is written, its places still open."""

    name: str
    method: str
    address: str
    headers: dict[str, str]
    body: str


def requests_of(file: Path) -> list[Written]:
    """The requests of a file, in order."""
    return [_read(part) for part in re.split(r"^###.*\n", file.read_text("utf-8"), flags=re.M)[1:]]


def _read(part: str) -> Written:
    head, _, body = part.strip().partition("\n\n")
    lines = head.splitlines()
    name = lines.pop(0).removeprefix("# @name ") if lines[0].startswith("#") else ""
    method, address = lines.pop(0).split(" ", 1)
    headers = dict(line.split(": ", 1) for line in lines)
    return Written(name, method, address, headers, body)


@dataclass
class Editor:
    """Sends what is written, and remembers answers by name."""

    given: Mapping[str, str]
    answers: dict[str, Any] = field(default_factory=dict)

    async def send(self, http: httpx.AsyncClient, written: Written) -> httpx.Response:
        """Send one request with all its places filled."""
        answer = await http.request(
            written.method,
            self._filled(written.address),
            headers={name: self._filled(value) for name, value in written.headers.items()},
            content=self._filled(written.body).encode() or None,
        )
        if written.name:
            self.answers[written.name] = answer.json()
        return answer

    def _filled(self, text: str) -> str:
        return re.sub(r"\{\{([^}]+)\}\}", lambda found: self._value(found[1]), text)

    def _value(self, place: str) -> str:
        if place in ("$guid", "$timestamp"):
            return uuid4().hex
        if place in self.given:
            return self.given[place]
        name, path = place.split(".response.body.")
        value = self.answers[name]
        for step in re.findall(r"\w+", path):
            value = value[int(step) if step.isdigit() else step]
        return str(value)
