"""A caller as a hospital's HIS is one: the key is made before the first try, and kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.site import Client, Site

ANSWER_SECONDS_MAX = 5
FINAL_SECONDS_MAX = 180
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.5
TOKEN_SECONDS = 300


@dataclass(eq=False)
class Attempt:
    """One request on its way; `outcome` is a status, "broken", or "hung up"."""

    service: str
    path: str
    key: str
    outcome: str = ""
    error: str = ""
    sent: bool = False
    began: float = field(default_factory=time.monotonic)

    async def note(self, event: str, _: object) -> None:
        """What the client's transport tells of it."""
        self.sent = self.sent or event == "http11.send_request_body.complete"


@dataclass
class History:
    """Every attempt and its outcome, a JSON line each; and what is on its way right now."""

    file: Path
    on_the_way: dict[str, set[Attempt]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    last_success: dict[str, float] = field(default_factory=dict)
    """Of each service, when the youngest call that succeeded began."""
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def noting(self, service: str, path: str, key: str) -> Iterator[Attempt]:
        """Note an attempt, from the moment it is on its way to its outcome."""
        attempt = Attempt(service, path, key)
        self.on_the_way.setdefault(service, set()).add(attempt)
        try:
            yield attempt
        except asyncio.CancelledError:
            attempt.outcome = "hung up"
            raise
        finally:
            self.on_the_way[service].discard(attempt)
            why = {"error": attempt.error} if attempt.error else {}
            self.write(path=path, key=key, outcome=attempt.outcome, **why)
            self.counts[attempt.outcome] = self.counts.get(attempt.outcome, 0) + 1
            if attempt.outcome in ("200", "201"):
                self.last_success[service] = max(attempt.began, self.last_success.get(service, 0.0))

    def write(self, **line: Any) -> None:
        """Add a line."""
        at = round(time.monotonic() - self.began, 4)
        with self.file.open("a", encoding="ascii") as file:
            file.write(json.dumps({"at": at} | line) + "\n")


class NoFinalAnswer(AssertionError):
    """A call got no final answer within its time."""


class Desk:
    """One client of one service."""

    def __init__(
        self, http: httpx.AsyncClient, history: History, site: Site, service: str, client: Client
    ) -> None:
        self.institution = client.institution_code
        self._http = http
        self.history = history
        self._service = service
        self._credential = {
            "client_id": client.client_id,
            "client_secret": site.keys.client_secret(client.client_id),
        }
        self._base = f"{site.addresses[service]}/{service}/v1"
        self._token = ""
        self._token_at = 0.0
        self._token_lock = asyncio.Lock()

    async def post(self, path: str, body: Any = None, key: str = "") -> httpx.Response:
        """Ask under one key until the answer is final: done, or refused for good."""
        key = key or uuid4().hex
        deadline, pause = time.monotonic() + FINAL_SECONDS_MAX, PAUSE_SECONDS
        while time.monotonic() < deadline:
            answer = await self.try_once(path, body, key)
            if answer is not None and _is_final(answer):
                return answer
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
        raise NoFinalAnswer(f"{path}: none within {FINAL_SECONDS_MAX} s")

    async def made(self, path: str, body: Any = None) -> dict[str, Any]:
        """The body of the answer to something that must be done."""
        answer = await self.post(path, body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def try_once(self, path: str, body: Any, key: str) -> httpx.Response | None:
        """One attempt; None where the connection broke and the outcome is unknown."""
        return await self._attempt(
            "POST", path, key, json={} if body is None else body, headers={"idempotency-key": key}
        )

    async def get(self, path: str) -> httpx.Response | None:
        """One look."""
        return await self._attempt("GET", path, "")

    async def _attempt(
        self, method: str, path: str, key: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response | None:
        token = await self._fresh_token()
        if not token:
            return None
        headers = (headers or {}) | {"authorization": f"Bearer {token}"}
        with self.history.noting(self._service, path, key) as attempt:
            try:
                answer = await self._http.request(
                    method, self._base + path, headers=headers,
                    extensions={"trace": attempt.note}, **more,
                )  # fmt: skip
            except httpx.HTTPError as error:
                attempt.error = type(error).__name__
                # Refused before it was sent: it was never on its way at the server.
                attempt.outcome = (
                    "no connection" if isinstance(error, httpx.ConnectError) else "broken"
                )
                return None
            attempt.outcome = str(answer.status_code)
            return answer

    def ask_for_a_token(self) -> None:
        """Have another token before the next attempt."""
        self._token_at = 0.0

    async def _fresh_token(self) -> str:
        async with self._token_lock:
            if time.monotonic() - self._token_at > TOKEN_SECONDS or not self._token:
                try:
                    answer = await self._http.post(f"{self._base}/token", json=self._credential)
                except httpx.HTTPError:
                    return self._token
                if answer.status_code == httpx.codes.OK:
                    self._token = answer.json()["access_token"]
                    self._token_at = time.monotonic()
            return self._token


def _is_final(answer: httpx.Response) -> bool:
    if answer.is_success:
        return True
    return answer.status_code < 500 and not answer.json().get("retryable", False)
