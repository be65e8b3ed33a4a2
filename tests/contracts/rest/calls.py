"""Calls as they are frozen: request line, headers that matter, body; status and answer.

What differs from run to run (ids, tokens, hashes of the policy book) is written as numbers in the
order of appearance, the same in all files: the stay that one file opens is settled in another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
from jsonschema import Draft202012Validator

from shared.plumbing.description import operations

FOLDER = Path(__file__).parent
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b"
)


@dataclass(frozen=True)
class Call:
    """One frozen call; `name` tells several of an operation apart."""

    service: str
    operation: str
    name: str
    request: dict[str, Any]
    answer: dict[str, Any]

    @property
    def file(self) -> Path:
        """Where it lies."""
        more = "" if self.name == "usual" else f".{self.name}"
        return FOLDER / self.service / f"{self.operation}{more}.json"

    def text(self) -> str:
        """What stands in the file."""
        frozen = {
            "operation": self.operation,
            "name": self.name,
            "request": self.request,
            "answer": self.answer,
        }
        return json.dumps(frozen, indent=1, ensure_ascii=False) + "\n"


@dataclass
class Recorder:
    """Sends calls, holds each answer against the description, and keeps both."""

    described: dict[str, dict[str, Any]]
    calls: list[Call] = field(default_factory=list)
    _steady: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        *,
        token: str = "",
        body: Any = None,
        name: str = "usual",
        service: str = "",
        **query: Any,
    ) -> Any:
        """Send a call and keep it; the answer's body. `service` where the path does not say it."""
        service = service or path.split("/")[1]
        operation = self._operation(service, method, path)
        keyed = any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
        key = f"example-{operation['operationId']}-{name}"
        headers = {"Idempotency-Key": key} if keyed else {}
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await http.request(method, path, json=body, params=query, headers=headers | bearer)
        media = answer.headers["content-type"].split(";")[0]
        given = answer.json() if "json" in media else answer.text
        assert answer.is_success == name.startswith("usual"), answer.text
        amiss = faults(self.described[service], operation, answer.status_code, media, given)
        assert not amiss, f"{operation['operationId']}: {amiss}"
        asked = {
            "method": method,
            "path": path,
            "query": {name: str(value) for name, value in query.items()},
            "headers": headers | ({"Authorization": "Bearer TOKEN"} if token else {}),
            "body": body,
        }
        answered = {
            "status": answer.status_code,
            "headers": {"Content-Type": media},
            "body": given if "json" in media else " ".join([*given.split()[:2], "..."]),
        }
        self.calls.append(
            Call(
                service,
                operation["operationId"],
                name,
                self._made_steady(asked),
                self._made_steady(answered),
            )
        )
        return given

    def _operation(self, service: str, method: str, path: str) -> dict[str, Any]:
        (found,) = [
            operation
            for template, verb, operation in operations(self.described[service])
            if verb == method.lower()
            and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), unquote(path))
        ]
        return found

    def _made_steady(self, part: dict[str, Any]) -> dict[str, Any]:
        def steady(found: re.Match[str]) -> str:
            number = self._steady.setdefault(found[0], f"{len(self._steady) + 1:04d}")
            if "-" in found[0]:
                return f"00000000-0000-7000-8000-{number:0>12}"
            return f"{number:0>{len(found[0])}}"

        made: dict[str, Any] = json.loads(_VARYING.sub(steady, json.dumps(part)))
        for secret, shown in (("access_token", "TOKEN"), ("client_secret", "SECRET")):
            if isinstance(made["body"], dict) and secret in made["body"]:
                made["body"][secret] = shown
        return made


def faults(
    described: dict[str, Any], operation: dict[str, Any], status: int, media: str, body: Any
) -> list[str]:
    """What of an answer the description does not say, or says and is missing."""
    responses = operation["responses"]
    content = responses.get(str(status), responses["default"])["content"]
    if media not in content:
        return [f"{media} is not described"]
    schema = content[media]["schema"] | {"components": described["components"]}
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(body)
    ]
