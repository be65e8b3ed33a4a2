"""Look-ups at another service: short time-outs, few retries, a breaker for a dead peer."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import stamina

from shared.plumbing.settings import Settings
from shared.plumbing.tls import trusting, trusting_nobody

_SECONDS = 1.0
_OPEN_AFTER = 5
_OPEN_SECONDS = 5.0
_REFUSED = (
    httpx.codes.BAD_REQUEST,
    httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    httpx.codes.UNPROCESSABLE_ENTITY,
)
_CODE = re.compile(r"[0-9]{1,4}(-[a-z0-9]{1,20}){1,8}")


class PeerDown(Exception):
    """The peer did not answer in time, or the breaker is open."""


class PeerRefused(PeerDown):
    """The peer answered, and will not take what was sent: asking the same again brings the same.

    `code` is that of its problem, or the status where it names none.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Breaker:
    """Opens after failures in a row, lets one try through after a pause."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures = 0
        self._open_until = 0.0

    def check(self) -> None:
        """Raise PeerDown while open. Whoever comes first after a pause tries for all: the others
        would wait as long for the same, and a peer that is coming back would be asked by all at
        once."""
        if self._failures < _OPEN_AFTER:
            return
        if self._now() < self._open_until:
            raise PeerDown
        self._open_until = self._now() + _OPEN_SECONDS

    def note(self, *, ok: bool) -> None:
        """Count an outcome."""
        self._failures = 0 if ok else self._failures + 1
        if self._failures >= _OPEN_AFTER:
            self._open_until = self._now() + _OPEN_SECONDS


class Peer:
    """A client of one other service, with a token of its own."""

    def __init__(
        self,
        service: str,
        address: str,
        credential: str,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        patience: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tls` says whom to trust at an https:// address, else the machine's own authorities. To
        read all of those takes a tenth of a service's start: at another address it is not asked.
        `patience`: how many times the usual second an answer may take, for what no desk waits
        for; `now` counts the breaker's pauses."""
        self._service = service
        self._patience = patience
        self._client_id, _, self._secret = credential.partition(":")
        self._client = httpx.AsyncClient(
            base_url=address,
            timeout=httpx.Timeout(_SECONDS * patience, connect=0.5),
            transport=transport,
            verify=tls() if address.startswith("https:") else trusting_nobody(),
        )
        self._token = ""
        self._breaker = Breaker(now)

    async def get(self, path: str) -> Any | None:
        """The JSON at `path`, None for 404. Raises PeerDown when the peer fails to answer."""
        return await self._asked("GET", path, None)

    async def post(
        self, path: str, body: Any, *, key: str = "", within_ms: int | None = None
    ) -> Any:
        """The JSON that `path` answers to a body, which may be asked twice: what changes something
        there is asked under a `key`. `within_ms` bounds the whole. Raises PeerDown when the
        peer fails to answer, PeerRefused when it will not take the body."""
        answer = await self._asked("POST", path, body, key, within_ms)
        if answer is None:
            raise PeerDown
        return answer

    async def find(self, path: str, body: Any) -> Any | None:
        """The JSON that `path` answers to what is looked for, None where there is no such thing or
        nothing can be written like that. Raises PeerDown when the peer fails to answer."""
        try:
            return await self._asked("POST", path, body)
        except PeerRefused:
            return None

    async def _asked(
        self, method: str, path: str, body: Any, key: str = "", within_ms: int | None = None
    ) -> Any | None:
        self._breaker.check()
        try:
            async with asyncio.timeout(within_ms / 1000 if within_ms else None):
                answer = await self._send(method, path, body, key)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self._token = ""
                    answer = await self._send(method, path, body, key)
            found = answer.status_code != httpx.codes.NOT_FOUND
            if answer.status_code in _REFUSED:
                self._breaker.note(ok=True)
                raise PeerRefused(_code_of(answer))
            if found:
                answer.raise_for_status()
            said = answer.json() if found else None
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            self._breaker.note(ok=False)
            raise PeerDown from error
        self._breaker.note(ok=True)
        return said

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _send(self, method: str, path: str, body: Any, key: str) -> httpx.Response:
        async for attempt in stamina.retry_context(
            on=httpx.TransportError, attempts=2, timeout=2.5 * self._patience, wait_initial=0.05
        ):
            with attempt:
                if not self._token:
                    await self._take_token()
                headers = {"authorization": f"Bearer {self._token}"}
                if key:
                    headers["idempotency-key"] = key
                return await self._client.request(method, path, json=body, headers=headers)
        raise PeerDown

    async def _take_token(self) -> None:
        answer = await self._client.post(
            f"/{self._service}/v1/token",
            json={"client_id": self._client_id, "client_secret": self._secret},
        )
        answer.raise_for_status()
        self._token = answer.json()["access_token"]


def peer_of(
    settings: Settings, service: str, transport: httpx.AsyncBaseTransport | None = None, *,
    patience: int = 1,
) -> Peer | None:  # fmt: skip
    """The other service that the settings name, None where they name none or no credential there.
    A transport lets another app answer in one process."""
    if service not in settings.peers.keys() & settings.peer_secrets.keys():
        return None
    return Peer(
        service, settings.peers[service], settings.peer_secrets[service].get_secret_value(),
        transport, tls=partial(trusting, settings.tls_authorities), patience=patience,
    )  # fmt: skip


def _code_of(answer: httpx.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        said = None
    code = said.get("code") if isinstance(said, dict) else None
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return str(code) if known else str(answer.status_code)
