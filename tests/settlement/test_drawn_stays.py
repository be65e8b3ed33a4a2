"""A quote is its settlement, and a settlement is what its archived book gives again: for random
stays of every benefit in every pool, on a real database."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.policy.drawn_care import MEDICAL
from tests.settlement.drawn_stays import FOLDERS, Stays
from tests.settlement.trial import open_ward
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import book_of

STAYS, SEED = 90, 20261122
OF_THE_DEED = ("settlement_id", "reverses", "settled_at")


@pytest.fixture(scope="module")
async def stays(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stays]:
    """Every pool that is shipped or made up, each with two hospitals."""
    folder, clock = (
        tmp_path_factory.mktemp("ward"),
        FixedClock(datetime(2026, 11, 21, 2, tzinfo=UTC)),
    )
    dsns = module_databases("settlement")
    async with open_ward(dsns, folder, book_of(FOLDERS), clock) as ward:
        yield Stays(ward, SEED)


async def test_a_quote_is_its_settlement(stays: Stays) -> None:
    """Red when the quote was asked for without the course, and when settling knew another day."""
    seen: Counter[str] = Counter()
    for number in range(STAYS):
        drawer = list(stays.drawers.values())[number % len(stays.drawers)]
        benefit = stays.random.choice([b for b in drawer.benefits() if b in MEDICAL])
        drawn = await stays.one(drawer.pool, benefit)
        hospital = stays.ward.house.hospitals[drawn.hospital]
        quoted = await hospital.post(f"/stays/{drawn.stay}/quote")
        settled = await hospital.post(f"/stays/{drawn.stay}/settle", {"total": drawn.total})
        one, other = quoted.json(), settled.json()
        if settled.status_code == 201:
            kept = {name: value for name, value in other.items() if name not in OF_THE_DEED}
            assert kept == one, drawn
            seen[benefit] += 1
        else:
            assert (quoted.status_code, one["code"]) == (settled.status_code, other["code"]), drawn
            seen[other["code"]] += 1
    assert min(seen[benefit] for benefit in MEDICAL) >= 5, seen
