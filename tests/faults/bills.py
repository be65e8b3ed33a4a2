"""Bills that wait to be settled while something goes wrong, and what must hold of them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import asyncpg

from tests.faults.scene import Scene
from tests.support.stays import lay_stays

CALLS = 12
ASKED = {"M01", "M02", "M03", "M05", "O01", "O02", "O03", "V01", "V02", "V04", "S01"}

_LAID = """
select exists (select from stay where not exists (
    select from log where subject = 'stay:' || stay_id and to_state = 'discharged'))
"""

Bill = tuple[str, str]
"""A stay, and its total."""


async def bills(scene: Scene, count: int = CALLS) -> list[Bill]:
    """Stays that wait to be settled, and their bills."""
    return [await scene.a_stay() for _ in range(count)]


async def laid_bills(scene: Scene, count: int) -> list[Bill]:
    """The same by the thousand: copies of one that came through the API."""
    like, total = await scene.a_stay()
    async with asyncpg.create_pool(
        scene.processes.site.databases["settlement"]["owner"], min_size=1, max_size=1
    ) as owner:
        laid = await lay_stays(owner, like, [scene.here.institution], pregnancies=count)
    return [(str(stay), total) for (stay,) in laid]


async def all_settled(scene: Scene, stays: Sequence[Bill], keys: Sequence[str] = ()) -> None:
    """Settle them all at once, each to its final answer; under these keys where they are given."""
    keys = keys or [uuid4().hex for _ in stays]
    answers = await asyncio.gather(
        *(
            scene.here.post(f"/stays/{stay}/settle", {"total": total}, key)
            for (stay, total), key in zip(stays, keys, strict=True)
        )
    )
    assert [answer.status_code for answer in answers] == [201] * len(stays)


async def still_sound(scene: Scene) -> None:
    """No call got a 500, and what can be asked of settlement alone holds.

    Stays that were laid have no history (S01) but of their settling.
    """
    assert scene.here.history.counts.get("500", 0) == 0
    await scene.told()
    laid = await scene.owner.fetchval(_LAID)
    red = await scene.red(ASKED - {"S01"} if laid else ASKED)
    assert not red, red
