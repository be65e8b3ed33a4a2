"""What every seed is played on: two real databases, a book in force, stays like one that was made
over the interface. Its services are stopped: in a simulation nobody works but who is scheduled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.audit.domain.library import Library, read_library
from shared.plumbing.database import Pool, open_pool
from shared.policy.book import Book
from tests.settlement.conftest import NANJING, open_house
from tests.support.clock import FixedClock
from tests.support.stays import lay_pregnancies, lay_stays

HOSPITALS = (f"H{NANJING}a", f"H{NANJING}b")


@dataclass
class Town:
    """The stores, by role, and what deciding needs."""

    owner: Pool
    group: Pool
    service: Pool
    audit: Pool
    audit_owner: Pool
    clock: FixedClock
    book: Book
    library: Library
    like: str
    total: str

    async def stays(self, pregnancies: int) -> list[list[UUID]]:
        """For each new pregnancy a discharged stay in either hospital."""
        return await lay_stays(self.owner, self.like, HOSPITALS, pregnancies=pregnancies)

    async def mothers(self, number: int) -> list[tuple[str, UUID]]:
        """New persons, each with a pregnancy that no stay is of yet."""
        async with self.owner.acquire() as connection, connection.transaction():
            return await lay_pregnancies(connection, self.like, number)


@asynccontextmanager
async def open_town(
    settlement: Mapping[str, str], audit: Mapping[str, str], folder: Path
) -> AsyncIterator[Town]:
    """Open for business, make one stay, and stop the service."""
    async with open_house(settlement, folder) as house:
        like, outcome = await house.ready_stay(house.hospitals[f"a-{NANJING}"])
        book, clock = house.running.app.state.office.book(), house.clock
    pools = [
        await open_pool(settlement["owner"], size=3),
        await open_pool(settlement["group"], size=6, for_group=True),
        await open_pool(settlement["service"], size=12),
        await open_pool(audit["service"], size=6),
        await open_pool(audit["owner"], size=2),
    ]
    yield Town(*pools, clock, book, read_library(), like, outcome["total"])
    for pool in pools:
        await pool.close()
