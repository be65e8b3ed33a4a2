"""Visits of one pregnancy in batches of the same moment: all settle, and the limit holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.settlement.trial import Ward, open_ward
from tests.support.postgres import ServiceDatabases

_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@pytest.fixture
async def ward(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[Ward]:
    async with open_ward(service_databases("settlement"), tmp_path) as opened:
        yield opened


def _visit(mother: tuple[str, str], on: str) -> dict[str, Any]:
    person, pregnancy = mother
    line = {"line_number": 1, "item_code": "delivery", "charged_on": on, "quantity": "1",
            "price": "100.00"}  # fmt: skip
    outcome = {"benefit": "prenatal", "event_on": on, "discharged_on": on, "week": 13,
               "total": "100.00"}  # fmt: skip
    return {
        "key": uuid4().hex, "stay_number": uuid4().hex, "person_ref": person,
        "pregnancy_id": pregnancy, "admitted_on": on, "benefit": "prenatal", "lines": [line],
        "outcome": outcome,
    }  # fmt: skip


async def _sent(ward: Ward, letter: str, *visits: dict[str, Any]) -> list[int]:
    answer = await ward.hospital(letter).post("/settlements:batch", {"cases": list(visits)})
    return [one["status"] for one in answer.json()["results"]]


async def test_visits_of_one_pregnancy_in_two_batches_meet_without_a_deadlock(ward: Ward) -> None:
    """Each batch keeps the pregnancy in being by its stay, and then asks to be who changes it."""
    shared, others = await ward.mother(), [await ward.mother() for _ in range(2)]
    before = await ward.house.owner.fetchval(_DEADLOCKS)
    for day in range(2, 8):
        answers = await asyncio.gather(
            _sent(
                ward,
                "a",
                _visit(shared, f"2023-10-{day:02d}"),
                _visit(others[0], f"2023-10-{day:02d}"),
            ),
            _sent(
                ward,
                "b",
                _visit(shared, f"2023-11-{day:02d}"),
                _visit(others[1], f"2023-11-{day:02d}"),
            ),
        )
        assert answers == [[201, 201]] * 2
    assert await ward.units("a", shared) == {"U1": ("600.00", "0.00")}
    await asyncio.sleep(1.2)  # what a backend counts is told to all within a second
    assert await ward.house.owner.fetchval(_DEADLOCKS) == before
