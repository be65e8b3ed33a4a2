"""What only a socket can send: to a settlement process, whose server reads it before any of our lines.

Each line of `tests/contracts/socket_inputs.jsonl` goes as it stands, and what can carry a request
also carries one that would be taken if it were well formed. The names are those of that list.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.contracts import shots
from tests.faults.bills import all_settled, bills, still_sound
from tests.faults.scene import Scene

ANSWER_SECONDS_MAX, SILENT_SECONDS, MORE_SECONDS = 60, 1.5, 0.2
"""How long an answer that must come is waited for, one that may not come, and what follows it."""
IDLE = 1000
SLOW, LETTER_SECONDS = 200, 0.1
CALLS, ROUNDS = 40, 10
TIMES_SLOWER_MOST, ROOM_SECONDS = 2, 0.1
"""Of the slowest of forty calls: a busy machine differs by so much from itself. It may stand still
for longer in some rounds; slow callers that hold others up do so in each."""

_LINES = Path(shots.__file__).with_name("socket_inputs.jsonl")
LINES = {line["id"]: line for line in map(json.loads, _LINES.read_text().splitlines())}

# Broken in their framing: each can carry a request. {length} is that of the body.
FRAMES = {
    "well formed": "{head}Content-Length: {length}\r\n\r\n{body}",
    "RAW-004": "{head}Content-Length: +{length}\r\n\r\n{body}",
    "RAW-005": "{head}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{body}\r\n0\r\n\r\n",
    "RAW-010": "{head}Header without\r\nContent-Length: {length}\r\n\r\n{body}",
    "RAW-011": "{head}Content-Length : {length}\r\n\r\n{body}",
    "RAW-012": "{head}X: a\r\n b\r\nContent-Length: {length}\r\n\r\n{body}",
    # Of our own: who reads the other of two lengths sees another request than we do.
    "two lengths": "{head}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{body}",
    "length and chunks": "{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n"
    "{chunk}\r\n{body}\r\n0\r\n\r\n",
    "a line feed alone": "{head}Content-Length: {length}\n\n{body}",
    "half a body": "{head}Content-Length: 9{length}\r\n\r\n{body}",
}
TAKEN = {"well formed"}
ANSWERED = {"RAW-004", "RAW-005", "RAW-010", "RAW-011", "RAW-012", "length and chunks"}
"""What is whole enough to be refused in words; of the others the connection may just end."""


def _place(scene: Scene) -> tuple[str, int]:
    parts = urlsplit(scene.processes.site.addresses["settlement"])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


async def _sent(scene: Scene, raw: bytes, seconds: float = ANSWER_SECONDS_MAX) -> bytes:
    """What comes back until the connection ends, or nothing more comes; or within so many seconds
    nothing came."""
    reader, writer = await asyncio.open_connection(*_place(scene))
    said = b""
    writer.write(raw)
    try:
        while True:
            async with asyncio.timeout(MORE_SECONDS if said else seconds):
                more = await reader.read(65536)
            if not more:
                break
            said += more
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return said


def _statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", said)]


async def _rows(scene: Scene) -> dict[str, int]:
    tables = ("pregnancy", "stay", "line", "settlement", "posting", "outbox", "idempotency", "log")
    return {t: await scene.owner.fetchval(f"select count(*) from {t}") for t in tables}


async def _request(scene: Scene) -> tuple[str, str]:
    """The head without its framing, and the body, of a request that is taken as it is."""
    token = await scene.here._fresh_token()
    since = scene.today - timedelta(days=200)
    body = {"person_ref": await scene.insured(), "since": str(since),
            "institution_code": scene.here.institution}  # fmt: skip
    head = (
        "POST /settlement/v1/pregnancies HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {uuid4().hex}\r\n"
        "Content-Type: application/json\r\n"
    )
    return head, json.dumps(body)


async def _lives_on(scene: Scene, pid: int) -> None:
    process = scene.processes.running["settlement"]
    assert (process.poll(), process.pid) == (None, pid)
    await all_settled(scene, await bills(scene, 1))


@pytest.mark.parametrize("name", [n for n, one in LINES.items() if one["raw_b64"] != ""])
async def test_what_is_no_request_is_not_answered_as_one(sound: Scene, name: str) -> None:
    line, pid = LINES[name], sound.processes.running["settlement"].pid
    before = await _rows(sound)
    raw = base64.b64decode(line["raw_b64"])
    prefixed = raw.replace(b" / ", b" /settlement/v1/stays ")
    for sent in (raw, prefixed, raw[: len(raw) // 2]):
        statuses = _statuses(await _sent(sound, sent, SILENT_SECONDS))
        assert all(400 <= status < 500 for status in statuses), (sent, statuses)
    assert await _rows(sound) == before
    await _lives_on(sound, pid)


@pytest.mark.parametrize("name", FRAMES)
async def test_a_request_in_a_broken_frame_stores_nothing(sound: Scene, name: str) -> None:
    head, body = await _request(sound)
    before, pid = await _rows(sound), sound.processes.running["settlement"].pid
    sent = FRAMES[name].format(head=head, body=body, length=len(body), chunk=f"{len(body):x}")
    must_come = name in TAKEN | ANSWERED
    seconds = ANSWER_SECONDS_MAX if must_come else SILENT_SECONDS
    statuses = _statuses(await _sent(sound, sent.encode(), seconds))
    if name in TAKEN:
        assert statuses == [201]
        assert await _rows(sound) != before
    else:
        assert all(400 <= status < 500 for status in statuses), statuses
        assert statuses or name not in ANSWERED
        assert await _rows(sound) == before
    await _lives_on(sound, pid)


async def test_a_trace_is_not_answered_and_names_what_is(sound: Scene) -> None:
    """RAW-008, with a secret in it, which a TRACE would give back."""
    for path in ("/", "/settlement/v1/stays", "/settlement/livez"):
        said = await _sent(
            sound, f"TRACE {path} HTTP/1.1\r\nHost: x\r\nCookie: a-secret\r\n\r\n".encode()
        )
        assert _statuses(said) == [404 if path == "/" else 405], said
        assert b"a-secret" not in said


async def test_another_protocol_is_not_spoken(sound: Scene) -> None:
    """RAW-019: who asks to go on in HTTP/2 is answered in HTTP/1.1."""
    raw = base64.b64decode(LINES["RAW-019"]["raw_b64"]).replace(b" / ", b" /settlement/livez ")
    assert _statuses(await _sent(sound, raw)) == [200]


async def _slowest(scene: Scene) -> float:
    """Of forty calls one after the other, in seconds."""
    address = f"{scene.processes.site.addresses['settlement']}/settlement/livez"
    slowest = 0.0
    async with httpx.AsyncClient(timeout=10) as http:
        for _ in range(CALLS):
            began = time.perf_counter()
            assert (await http.get(address)).status_code == httpx.codes.OK
            slowest = max(slowest, time.perf_counter() - began)
    return slowest


async def test_who_dictates_letter_by_letter_holds_up_nobody(sound: Scene) -> None:
    """RAW-016: two hundred callers with a byte now and then; calls and claims go on beside them."""
    calm = await _slowest(sound)
    request = b"GET /settlement/livez HTTP/1.1\r\nHost: x\r\nX: "
    async with AsyncExitStack() as held:
        writers = []
        for _ in range(SLOW):
            _, writer = await asyncio.open_connection(*_place(sound))
            held.callback(writer.close)
            writers.append(writer)

        async def dictate() -> None:
            for letter in itertools.chain(request, itertools.repeat(ord("a"))):
                for writer in writers:
                    writer.write(bytes([letter]))
                await asyncio.sleep(LETTER_SECONDS)

        dictating = asyncio.create_task(dictate())
        most = TIMES_SLOWER_MOST * calm + ROOM_SECONDS
        rounds = [await _slowest(sound)]
        while rounds[-1] >= most and len(rounds) < ROUNDS:
            rounds.append(await _slowest(sound))
        await all_settled(sound, await bills(sound, 3))
        assert not dictating.done()
        dictating.cancel()
    assert rounds[-1] < most, rounds
    await still_sound(sound)


async def test_a_thousand_who_say_nothing_hold_up_nobody(sound: Scene) -> None:
    """RAW-017: more than a backlog holds, all taken; and gone once they hang up."""
    async with AsyncExitStack() as held:
        for _ in range(IDLE):
            _, writer = await asyncio.open_connection(*_place(sound))
            held.callback(writer.close)
        await all_settled(sound, await bills(sound, 3))
    await still_sound(sound)


async def test_what_is_sent_is_one_line_of_the_log(sound: Scene) -> None:
    """SCN-027: ends of lines, escapes and turned writing in an address, a header and a body."""
    token = await sound.here._fresh_token()
    bent = '%0d%0a%1b[31m{"forged":1}%e2%80%ae'.replace('"', "%22").replace("{", "%7b")
    for path in (f"/settlement/v1/stays/{bent}", f"/settlement/v1/stays?after={bent}"):
        await _sent(
            sound,
            f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: a\x1b[31mb\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode(),
        )
    await _sent(sound, b"GET / HTTP/1.1\r\nHost\x1b[31m\r\n\r\n")
    named = {"client_id": "a\n\x1b[31mb", "client_secret": "\x1b\r\n\u202e" * 8}
    async with httpx.AsyncClient() as http:
        base = sound.processes.site.addresses["settlement"]
        answer = await http.post(f"{base}/settlement/v1/token", json=named)
    assert 400 <= answer.status_code < 500
    written = (sound.processes.site.folder / "settlement.log").read_bytes()
    lines = written.split(b"\n")[:-1]
    assert lines, "nothing is logged, so nothing was looked at"
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert re.search(rb"[\x00-\x1f\x7f]", line) is None, line
    assert b'"forged"' not in written
