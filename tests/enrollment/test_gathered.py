"""Look-ups that arrive while one is under way: one statement, each told its own, none too old."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from shared.plumbing.gathered import Gathered
from shared.plumbing.group import Busy
from tests.enrollment.conftest import Enrollment


class Shelf:
    """Values by key, whose readings wait until they are let go; it notes what each asked for."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 2}
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.broken = False

    async def look(self, keys: Collection[str]) -> Mapping[str, int]:
        self.asked.append(sorted(keys))
        seen = dict(self.values)
        await self.go.wait()
        if self.broken:
            raise ConnectionError
        if "unreadable" in keys:
            raise ValueError
        return {key: seen[key] for key in keys if key in seen}


async def waiting(*finds: asyncio.Task[int | None]) -> None:
    """Each of these has asked."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(find.done() for find in finds)


async def test_what_arrives_during_a_look_up_goes_together_in_the_next() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    first = asyncio.create_task(shared.find("a"))
    await waiting(first)
    rest = [asyncio.create_task(shared.find(key)) for key in ("b", "a", "b", "none")]
    await waiting(*rest)
    shelf.go.set()
    assert await asyncio.gather(first, *rest) == [1, 2, 1, 2, None]
    assert shelf.asked == [["a"], ["a", "b", "none"]]


async def test_whoever_asks_after_a_change_is_told_it() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    before = asyncio.create_task(shared.find("a"))
    await waiting(before)
    shelf.values["a"] = 10
    after = asyncio.create_task(shared.find("a"))
    await waiting(after)
    shelf.go.set()
    assert await asyncio.gather(before, after) == [1, 10]


async def test_a_look_up_that_fails_fails_its_own_askers_and_no_later_ones() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    shelf.broken = True
    shelf.go.set()
    told = await asyncio.gather(shared.find("a"), shared.find("b"), return_exceptions=True)
    assert [type(answer) for answer in told] == [ConnectionError] * 2
    assert shelf.asked == [["a", "b"]]
    shelf.broken = False
    assert await shared.find("a") == 1


async def test_what_cannot_be_read_fails_its_own_asker_alone() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    shelf.go.set()
    keys = ("a", "unreadable", "b", "none")
    told = await asyncio.gather(*map(shared.find, keys), return_exceptions=True)
    assert isinstance(told.pop(1), ValueError)
    assert told == [1, 2, None]


async def test_a_statement_is_asked_for_no_more_than_it_bears() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    shelf.go.set()
    told = await asyncio.gather(*(shared.find(str(number)) for number in range(450)))
    assert told == [None] * 450
    assert [len(keys) for keys in shelf.asked] == [200, 200, 50]


async def test_a_caller_that_hangs_up_takes_nobody_along() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look)
    gone, stays = (asyncio.create_task(shared.find("a")) for _ in range(2))
    await waiting(gone, stays)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    shelf.go.set()
    assert await stays == 1


async def test_behind_a_look_up_that_hangs_no_more_wait_than_there_is_room_for() -> None:
    shelf = Shelf()
    shared = Gathered(shelf.look, queue_most=2)
    hanging = asyncio.create_task(shared.find("a"))
    await waiting(hanging)
    room = [asyncio.create_task(shared.find(key)) for key in ("b", "none")]
    await waiting(*room)
    for _ in range(2):
        with pytest.raises(Busy):
            await asyncio.wait_for(shared.find("a"), 60)
    same = asyncio.create_task(shared.find("b"))  # takes no room: it waits with the other
    await waiting(same)
    shelf.go.set()
    assert await asyncio.gather(hanging, *room, same) == [1, 2, None, 2]
    assert await shared.find("a") == 1
    assert shelf.asked == [["a"], ["b", "none"], ["a"]]


async def test_who_finds_no_room_is_to_ask_again(enrollment: Enrollment) -> None:
    """Of a statement that hangs: one is looked up, one waits, the third is told at once."""
    shelf = Shelf()
    state = enrollment.transport.app.state  # type: ignore[attr-defined]
    state.office = replace(state.office, histories=Gathered(shelf.look, queue_most=1))

    def asking() -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(
            enrollment.get(f"/persons/{uuid4().hex}/entitlement?on=2024-05-01")
        )

    hanging = asking()
    while not shelf.asked:
        await asyncio.sleep(0.01)
    told, waits = await asyncio.wait(
        [asking(), asking()], return_when=asyncio.FIRST_COMPLETED, timeout=60
    )
    (refused,) = [answer.result() for answer in told]
    assert (refused.status_code, refused.json()["code"]) == (503, "10-busy")
    assert refused.headers["retry-after"] == "1"
    assert not hanging.done()
    shelf.go.set()
    for answer in (await hanging, *await asyncio.gather(*waits)):
        assert (answer.status_code, answer.json()["code"]) == (404, "3016-person-unknown")
