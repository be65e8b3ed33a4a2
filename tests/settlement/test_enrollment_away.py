"""Enrollment hangs while somebody unknown is settled: refused in time, the breaker opens, one tries
for all after a pause, and whoever is known is settled meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from shared.plumbing.peer import Breaker, Peer, PeerDown
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.agency import until_true
from tests.support.his import His, billed_stay, holds
from tests.support.running import Client

A = f"H{NANJING}a"
UNREACHABLE = "1013-person-state-unreachable"
OPENS_AFTER = 5
PAUSE_SECONDS = 5.0
PATIENCE = 3
"""Times the usual second that an answer may take: a machine that stands still for two of them must
not look like enrollment that hangs."""
# Two tries of so many seconds; the rest is what a loaded machine adds.
IN_TIME_SECONDS = 12.0
AT_ONCE_SECONDS = 4.0


@dataclass
class Enrollment:
    """A real server that takes every connection; it hangs until it is told to answer."""

    states: dict[str, str] = field(default_factory=dict)
    hangs: bool = True
    breaks: bytes = b""
    """What it answers to whoever asks for a state, where that is no state."""
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.writers.append(writer)
        while asked := await reader.readline():
            length = 0
            while (line := (await reader.readline()).strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            await reader.readexactly(length)
            if self.hangs:
                await reader.read()
                return
            path = asked.split()[1].decode()
            said = self._said(path)
            whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(said) + said
            writer.write(whole if path.endswith("/token") else self.breaks or whole)
            await writer.drain()
            if self.breaks:
                writer.close()

    def _said(self, path: str) -> bytes:
        if path.endswith("/token"):
            return b'{"access_token": "t"}'
        return self.states[path.split("/")[-2]].encode()


class Hands:
    """A clock for the breaker's pause."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


house = house_of_the_file(A)


@pytest.fixture
def enrollment() -> Enrollment:
    return Enrollment()


@asynccontextmanager
async def _asking(
    house: House, enrollment: Enrollment, hands: Hands, patience: int = PATIENCE
) -> AsyncIterator[asyncio.Server]:
    """Settlement asks this enrollment, and its breaker goes by these hands."""
    server = await asyncio.start_server(enrollment.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    peer = Peer(
        "enrollment", f"http://127.0.0.1:{port}", "settlement:secret", now=hands, patience=patience
    )
    office = house.running.app.state.office
    before, office.enrollment = office.enrollment, peer
    try:
        yield server
    finally:
        office.enrollment = before
        await peer.close()
        for writer in enrollment.writers:
            writer.close()
        server.close()


async def _unknown(house: House, enrollment: Enrollment) -> tuple[str, dict[str, Any]]:
    """A discharged stay of somebody whose state is not here; enrollment has it."""
    hospital = _hospital(house)
    person = await house.person(NANJING)
    stay, outcome = await house.stay(hospital, person, await house.pregnancy(hospital, person))
    state = await house.owner.fetchval(
        "delete from person_state where person_ref = $1 returning state::text", person
    )
    at = house.clock.now().isoformat().replace("+00:00", "Z")
    enrollment.states[person] = json.dumps({"state": json.loads(state), "at": at})
    return stay, outcome


def _hospital(house: House) -> Client:
    return house.hospitals[f"a-{NANJING}"]


async def _settled(
    house: House, stay: str, outcome: dict[str, Any]
) -> tuple[httpx.Response, float]:
    """The answer, and how long it took."""
    began = time.monotonic()
    answer = await _hospital(house).post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    return answer, time.monotonic() - began


async def test_settling_the_unknown_while_enrollment_hangs(
    house: House, enrollment: Enrollment
) -> None:
    unknown = [await _unknown(house, enrollment) for _ in range(OPENS_AFTER)]
    known = await house.ready_stay(_hospital(house))
    hands = Hands()
    async with _asking(house, enrollment, hands):
        before = await house.counts()
        waiting = [asyncio.create_task(_settled(house, *one)) for one in unknown]
        await _reached(enrollment, OPENS_AFTER)
        answer, took = await _settled(house, *known)
        assert (answer.status_code, took < AT_ONCE_SECONDS) == (201, True), took
        assert not any(task.done() for task in waiting)
        for answer, took in await asyncio.gather(*waiting):
            _refused(answer)
            assert took < IN_TIME_SECONDS
        after = await house.counts()
        assert (after["settlement"], after["idempotency"]) == (
            before["settlement"] + 1, before["idempotency"] + 1,
        )  # fmt: skip
        # Five failed in a row: nobody is asked, and nobody waits.
        tried = enrollment.connections
        answer, took = await _settled(house, *unknown[0])
        _refused(answer)
        assert (enrollment.connections, took < AT_ONCE_SECONDS) == (tried, True), took
        # After the pause one tries for all; it fails, and the pause begins anew.
        hands.at += PAUSE_SECONDS
        all_of_them = [asyncio.create_task(_settled(house, *one)) for one in unknown]
        done = await asyncio.gather(*all_of_them)
        assert enrollment.connections == tried + 2
        assert sum(took > AT_ONCE_SECONDS for _, took in done) == 1
        for answer, _ in done:
            _refused(answer)
        tried = enrollment.connections
        _refused((await _settled(house, *unknown[0]))[0])
        assert enrollment.connections == tried
        # Enrollment is back: the next one that tries is settled, and so is everybody after her.
        enrollment.hangs = False
        hands.at += PAUSE_SECONDS
        for one in unknown:
            assert (await _settled(house, *one))[0].status_code == 201


def _refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, UNREACHABLE), answer.text
    assert answer.json()["retryable"]
    assert int(answer.headers["retry-after"]) >= 1


async def _reached(enrollment: Enrollment, connections: int) -> None:
    await until_true(lambda: enrollment.connections >= connections)


@pytest.mark.parametrize(
    "breaks",
    [
        b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
    ],
    ids=["an error", "no json", "no state", "cut off"],
)
async def test_what_is_no_answer_refuses_at_once(
    house: House, enrollment: Enrollment, breaks: bytes
) -> None:
    stay, outcome = await _unknown(house, enrollment)
    enrollment.hangs, enrollment.breaks = False, breaks
    async with _asking(house, enrollment, Hands()):
        answer, took = await _settled(house, stay, outcome)
        _refused(answer)
        assert took < IN_TIME_SECONDS
        enrollment.breaks = b""
        assert (await _settled(house, stay, outcome))[0].status_code == 201


async def test_a_dead_enrollment_refuses_at_once_and_is_found_again(
    house: House, enrollment: Enrollment
) -> None:
    stay, outcome = await _unknown(house, enrollment)
    enrollment.hangs = False
    async with _asking(house, enrollment, Hands()) as server:
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        answer, took = await _settled(house, stay, outcome)
        _refused(answer)
        assert took < IN_TIME_SECONDS
        async with await asyncio.start_server(enrollment.serve, "127.0.0.1", port):
            assert (await _settled(house, stay, outcome))[0].status_code == 201


async def test_by_the_gateway_too(house: House, enrollment: Enrollment) -> None:
    """The system may ask again with the same message, and is settled by it once."""
    his = His(house.running.http, house.clock, A)
    psn = await house.person(NANJING)
    _, case = await billed_stay(his, psn)
    state = await house.owner.fetchval(
        "delete from person_state where person_ref = $1 returning state::text", psn
    )
    at = house.clock.now().isoformat().replace("+00:00", "Z")
    enrollment.states[psn] = json.dumps({"state": json.loads(state), "at": at})
    message = his.msgid()
    async with _asking(house, enrollment, Hands(), patience=1):
        began = time.monotonic()
        answer = await his.post("2304", {"data": case}, message)  # it tries three times by itself
        assert time.monotonic() - began < IN_TIME_SECONDS
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["err_msg"].startswith("[1013]")
        enrollment.hangs = False
        holds(await his.call("2304", {"data": case}, message))


def test_a_breaker_lets_one_through_after_each_pause() -> None:
    hands = Hands()
    breaker = Breaker(hands)

    def asked() -> bool:
        try:
            breaker.check()
        except PeerDown:
            return False
        return True

    for _ in range(OPENS_AFTER):
        assert asked()
        breaker.note(ok=False)
    assert not asked()
    hands.at += PAUSE_SECONDS
    assert [asked() for _ in range(3)] == [True, False, False]
    # Whoever tried never came back: the next may try after another pause.
    hands.at += PAUSE_SECONDS
    assert [asked() for _ in range(3)] == [True, False, False]
    breaker.note(ok=True)
    assert all(asked() for _ in range(3))
