"""Look-ups that arrive while one is under way: one statement, each told its own, none too old."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from shared.plumbing.gathered import Gathered


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
