"""How the demo is made fast: several acts share a transaction, several transactions run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[str, int], None]
"""Told what was made, and how many more of it."""

TASKS = 4
ACTS_A_TRANSACTION = 100


class NotMade(Exception):
    """An act of the demo was refused: the plan and the services do not agree."""


def batches(things: Sequence[T]) -> Iterable[Sequence[T]]:
    """Things that share a transaction."""
    return (
        things[start : start + ACTS_A_TRANSACTION]
        for start in range(0, len(things), ACTS_A_TRANSACTION)
    )


async def make_all(
    progress: Progress, what: str, together: Iterable[T], make: Callable[[T], Awaitable[int]]
) -> None:
    """Make all of them, some at a time, in their order; each making says how many it made."""
    waiting = iter(together)

    async def work() -> None:
        for batch in waiting:
            progress(what, await make(batch))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(TASKS):
            tasks.create_task(work())
