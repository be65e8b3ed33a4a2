"""Whoever waits for what somebody else holds is told to ask again, after two seconds: by the bounds
that ship, which the tests of settlement lengthen for themselves."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import pytest

from tests.settlement.conftest import NANJING, House, house_of_the_file

BOUND_SECONDS = 2.0
# Without it the statement's own bound would end the wait, after ten seconds.
TOLD_SECONDS_MAX = 8.0

house = house_of_the_file()


@pytest.mark.parametrize("act", ["settle", "reopen"])
async def test_who_waits_for_a_stay_that_is_held_is_told_to_ask_again(
    house: House, act: str
) -> None:
    """Settling in its group, and an act in a transaction of its own."""
    hospital = house.hospitals[f"a-{NANJING}"]
    stay, outcome = await house.ready_stay(hospital)
    body = {"total": outcome["total"]} if act == "settle" else None
    async with house.owner.acquire() as holder, holder.transaction():
        await holder.execute("select from stay where stay_id = $1 for update", UUID(stay))
        began = time.monotonic()
        told = await asyncio.wait_for(hospital.post(f"/stays/{stay}/{act}", body, key=act), 60)
        waited = time.monotonic() - began
    assert (told.status_code, told.json()["retryable"]) == (503, True)
    assert int(told.headers["retry-after"]) > 0
    assert BOUND_SECONDS <= waited < TOLD_SECONDS_MAX
    assert (await hospital.post(f"/stays/{stay}/{act}", body, key=act)).status_code == 201
