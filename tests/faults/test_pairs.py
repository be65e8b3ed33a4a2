"""Two hospitals settle one pregnancy at the same moment, a thousand times: one is paid each.

`make faults` does it ten thousand times.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.settlement.conftest import NANJING, House, open_house
from tests.support.postgres import ServiceDatabases
from tests.support.stays import lay_stays

PAIRS = 10_000 if os.environ.get("FAULTS") == "long" else 1000
AT_ONCE = 25


@pytest.fixture
async def house(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(service_databases("settlement"), tmp_path) as opened:
        yield opened


async def test_of_each_pair_exactly_one_is_paid(house: House) -> None:
    hospitals = [house.hospitals[f"{letter}-{NANJING}"] for letter in "ab"]
    like, outcome = await house.ready_stay(hospitals[0])
    codes = [f"H{NANJING}{letter}" for letter in "ab"]
    pairs = await lay_stays(house.owner, like, codes, pregnancies=PAIRS)

    async def settle(pair: list[UUID]) -> tuple[str, ...]:
        answers = await asyncio.gather(
            *(
                hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
                for hospital, stay in zip(hospitals, pair, strict=True)
            )
        )
        return tuple(sorted(a.json().get("code", f"{a.status_code}") for a in answers))

    said: Counter[tuple[str, ...]] = Counter()
    for start in range(0, PAIRS, AT_ONCE):
        said.update(await asyncio.gather(*map(settle, pairs[start : start + AT_ONCE])))
    assert said == {("1022-delivery-already-settled", "201"): PAIRS}
    paid = await house.owner.fetch(
        "select pregnancy_id, count(*) as times, sum(p.amount) as postings from settlement s,"
        " lateral (select sum(amount_fen) as amount from posting"
        " where settlement_id = s.settlement_id) p group by pregnancy_id"
    )
    assert len(paid) == PAIRS
    assert {(row["times"], row["postings"]) for row in paid} == {(1, 0)}
