"""What the agency's people do before the first claim: a book in force, agreements, a catalogue.

Done over the services' own interface, as the demo's clerks. Every act has a key of its own, so a
second start, or one that was interrupted, changes nothing that was done.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tomllib
from collections.abc import Mapping
from typing import Any

import httpx

from deploy.local.site import CLIENTS, Client, Site
from shared.policy.compiler import BUILT_IN

# An approved book is current two seconds later, and is then picked up within half a second.
BOOK_NOTICE_SECONDS = 3
_STANDS = ("-agreement-overlaps", "-item-overlaps")


async def open_for_business(site: Site) -> None:
    """Appoint the built-in book by two clerks and enter the demo's agreements and items.

    Raises httpx.HTTPStatusError where the service refuses.
    """
    content = CLIENTS.read_text(encoding="utf-8")
    documents = _hash(*(path.read_bytes() for path in sorted(BUILT_IN.rglob("*.toml"))))
    state = _hash(documents.encode(), content.encode())
    if site.was_opened(state):
        return
    demo = tomllib.loads(content)
    clerks = [client for client in site.clients if client.role == "clerk"]
    async with httpx.AsyncClient(base_url=site.addresses["settlement"], timeout=30) as http:
        desks = {clerk.client_id: await _token(http, site, clerk) for clerk in clerks}
        await _appoint(http, desks, clerks, documents)
        by_pool = {clerk.pool_code: desks[clerk.client_id] for clerk in clerks}
        for place, entries in (("agreements", "agreement"), ("catalogue-items", "item")):
            for entry in demo[entries]:
                pool_code = entry.pop("pool_code")
                await enter(http, place, by_pool[pool_code], entry)
    await asyncio.sleep(BOOK_NOTICE_SECONDS)
    site.note_opened(state)


async def _appoint(
    http: httpx.AsyncClient, desks: Mapping[str, str], clerks: list[Client], documents: str
) -> None:
    first, second = clerks[0], clerks[1]
    proposed = await _post(http, "books", desks[first.client_id], {}, key=documents)
    place = f"books/{proposed['proposal']}/approve"
    await _post(http, place, desks[second.client_id], {}, key=documents)


async def _token(http: httpx.AsyncClient, site: Site, client: Client) -> str:
    secret = site.keys.client_secret(client.client_id)
    body = {"client_id": client.client_id, "client_secret": secret}
    answer = await http.post("/settlement/v1/token", json=body)
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


async def enter(http: httpx.AsyncClient, place: str, token: str, entry: Mapping[str, Any]) -> None:
    """Enter an agreement or an item. One that stands for the same time stays as it is: a folder of
    an earlier release has it in the words of that release."""
    try:
        await _post(http, place, token, entry)
    except httpx.HTTPStatusError as refused:
        if not str(refused.response.json()["code"]).endswith(_STANDS):
            raise


async def _post(
    http: httpx.AsyncClient, place: str, token: str, body: Mapping[str, Any], key: str = ""
) -> dict[str, Any]:
    key = key or _hash(json.dumps(body, sort_keys=True).encode())
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"opening-{key}"}
    answer = await http.post(f"/settlement/v1/{place}", json=body, headers=headers)
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
