"""`make run`'s one server: who calls is who is connected."""

from __future__ import annotations

from typing import Any

import httpx

from deploy.local.embedded import server_of


async def _who(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the caller's address."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


async def test_a_caller_does_not_choose_its_address() -> None:
    """By X-Forwarded-For it would choose a hospital's private line."""
    config = server_of(_who).config
    config.load()
    through: Any = config.loaded_app
    transport = httpx.ASGITransport(through, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://local") as caller:
        answer = await caller.get("/", headers={"X-Forwarded-For": "10.1.2.3"})
    assert answer.text == "127.0.0.1"
