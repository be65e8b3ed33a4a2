"""F28: a secret is changed as docs/keys.md says, while the service works for its callers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from uuid import uuid4

import httpx

from deploy.local.keys import Keys
from deploy.local.site import Client
from shared.plumbing.auth import TOKEN_SECONDS
from shared.plumbing.peer import Peer
from tests.faults.desk import Desk
from tests.faults.scene import Scene


def client_of(scene: Scene, desk: Desk) -> Client:
    """The client that a hospital's desk calls as."""
    clients = scene.processes.site.clients
    return next(one for one in clients if one.institution_code == desk.institution)


async def asked_token(scene: Scene, client: Client, secret: str) -> httpx.Response:
    """Ask for a token, as a HIS does."""
    address = scene.processes.site.addresses["settlement"]
    credential = {"client_id": client.client_id, "client_secret": secret}
    async with httpx.AsyncClient() as http:
        return await http.post(f"{address}/settlement/v1/token", json=credential)


async def seen_with(scene: Scene, token: str, settlement: str) -> httpx.Response:
    """What a bearer of the token sees of a settlement."""
    address = scene.processes.site.addresses["settlement"]
    bearer = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=bearer) as http:
        return await http.get(f"{address}/settlement/v1/settlements/{settlement}")


async def renewed(scene: Scene, client: Client) -> str:
    """What the command prints: the client's next secret."""
    site = scene.processes.site
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.settlement", "credential", client.client_id,
         "--role", client.role],
        cwd=scene.processes.code,
        env=os.environ | {"PYTHONPATH": str(scene.processes.code)} | site.environment("settlement"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


async def restarted_with_another_signing_key(scene: Scene) -> None:
    """As an operator does it here: the key is taken out of keys.json, and another is made."""
    site, file = scene.processes.site, scene.processes.site.folder / "keys.json"
    kept = json.loads(file.read_text())
    before = kept.pop("settlement signing key")
    file.write_text(json.dumps(kept))
    site.keys = Keys(file)
    assert site.keys.signing_key("settlement") != before
    old = scene.processes.running["settlement"]
    old.terminate()
    await asyncio.to_thread(old.wait)
    scene.processes.start("settlement")
    await scene.processes.ready("settlement")


async def test_f28_a_clients_secret_is_renewed_while_the_service_runs(sound: Scene) -> None:
    """From then on the old secret gives no token. The role, pool and hospital are not told again;
    a token that was given lives out its ten minutes."""
    _, settlement = await sound.settled()
    client = client_of(sound, sound.here)
    old = sound.processes.site.keys.client_secret(client.client_id)
    given = (await asked_token(sound, client, old)).json()["access_token"]
    new = await renewed(sound, client)
    assert new != old
    refused = await asked_token(sound, client, old)
    assert (refused.status_code, refused.json()["code"]) == (401, "13-credential-not-valid")
    after = (await asked_token(sound, client, new)).json()["access_token"]
    for token in (given, after):
        seen = await seen_with(sound, token, settlement)
        assert (seen.status_code, seen.json()["settlement_id"]) == (200, settlement)
    sound.clock_off_by(TOKEN_SECONDS)
    try:
        late = await seen_with(sound, given, settlement)
    finally:
        sound.clock_off_by(0)
    assert (late.status_code, late.json()["code"]) == (401, "3-unauthenticated")


async def test_f28_another_signing_key_at_a_restart(sound: Scene) -> None:
    """Tokens of the old key are worth nothing; a client that asks for another after the 401 goes on
    with its secret, and a key's answer stays what it was."""
    client = client_of(sound, sound.there)
    secret = sound.processes.site.keys.client_secret(client.client_id)
    person, pregnancy = await sound.pregnant()
    stay, total = await sound.stay(sound.there, person, pregnancy)
    place, bill, key = f"/stays/{stay}/settle", {"total": total}, uuid4().hex
    first = await sound.there.post(place, bill, key)
    settlement = first.json()["settlement_id"]
    given = (await asked_token(sound, client, secret)).json()["access_token"]
    peer = Peer("settlement", sound.processes.site.addresses["settlement"],
                f"{client.client_id}:{secret}", patience=10)  # fmt: skip
    path = f"/settlement/v1/settlements/{settlement}"
    try:
        before = await peer.get(path)
        await restarted_with_another_signing_key(sound)
        refused = await seen_with(sound, given, settlement)
        assert (refused.status_code, refused.json()["code"]) == (401, "3-unauthenticated")
        assert await peer.get(path) == before  # our own services' way of asking
    finally:
        await peer.close()
    other = await sound.there.try_once(place, bill, key)
    assert other is not None
    assert other.status_code == httpx.codes.UNAUTHORIZED
    sound.there.ask_for_a_token()
    again = await sound.there.post(place, bill, key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await sound.owner.fetchval(
        "select count(*) from settlement where stay_id::text = $1", stay
    ) == 1  # fmt: skip
