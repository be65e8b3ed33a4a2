"""A settlement that runs for a provocation: its hospitals, and a way to hold its rows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from deploy.verify.invariants import INVARIANTS
from deploy.verify.states import UNSEALED
from deploy.verify.stores import open_stores
from shared.contracts.person import PaidMonths, PersonStateChanged, Spell
from shared.period import Month
from shared.plumbing.clock import SystemClock
from tests.faults.desk import Desk
from tests.faults.processes import Processes

POOL = "320100"
POOL_OF_HEADS = "653000"
COMES_SECONDS_MAX = 60
"""How long what must come is waited for: on a machine that has other work it takes its time."""
SHOWS_SECONDS = 1.2
"""The relay and the sealer come by twice a second."""
CLAUSES = {
    "K01": "a key belongs to its caller: another hospital's same key is its own",
    "K02": "the same key with another body is refused",
    "K03": "the same key gives the same bytes, also after a reversal",
    "K04": "a hospital's own stay is found, whoever called before",
    "K05": "what was acknowledged is there",
    "K06": "a person's version never steps back",
    "K07": "what a later decision gave up is not deducted",
}
"""What callers are promised and no store can show afterwards; a provocation sees it itself."""


@dataclass
class Scene:
    """A settlement that runs, its two hospitals, one of the pool that pays visits per capita
    (`of_heads`), a way to hold its rows, the link by which its clock is set, and whether a fault is
    planted in it."""

    processes: Processes
    superuser: str
    owner: asyncpg.Connection[asyncpg.Record]
    enrollment: asyncpg.Connection[asyncpg.Record]
    audit: asyncpg.Connection[asyncpg.Record]
    here: Desk
    there: Desk
    clerk: Desk
    of_heads: Desk
    today: date
    skew: Path
    planted: bool
    broken: set[str] = field(default_factory=set)

    def must(self, clause: str, holds: bool) -> None:
        """Note a clause of the contract that did not hold; `clause` is one of CLAUSES."""
        assert clause in CLAUSES
        if not holds:
            self.broken.add(clause)

    async def insured(self, pool: str = POOL) -> str:
        """A person whose history both enrollment and settlement know."""
        person = uuid4().hex
        last = Month.of(self.today)
        first = last.plus(-60)
        state = state_of(person, 1, first, last, pool).to_bytes()
        at = SystemClock().now()
        await self.enrollment.execute(
            "insert into person_version (person_ref, version, at, state) values ($1, 1, $2, $3)",
            person, at, state,
        )  # fmt: skip
        await self.owner.execute(
            "insert into person_state values ($1, $2, 1, $3, $4)", pool, person, state.decode(), at
        )
        return person

    async def pregnant(self, born_on: date | None = None) -> tuple[str, str]:
        """A person, and her registered pregnancy."""
        person = await self.insured()
        since = (born_on or self.today) - timedelta(days=270)
        body = {"person_ref": person, "since": str(since),
                "institution_code": self.here.institution}  # fmt: skip
        return person, (await self.here.made("/pregnancies", body))["pregnancy_id"]

    async def visit(
        self, desk: Desk, person: str, pregnancy: str, **record: Any
    ) -> tuple[str, str]:
        """A prenatal visit today, its record complete, and its bill."""
        day, total = str(self.today), "3200.00"
        opened = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                  "admitted_on": day, "benefit": "prenatal"}  # fmt: skip
        stay = (await desk.made("/stays", opened))["stay_id"]
        line = {"line_number": 1, "item_code": "delivery-care", "charged_on": day, "quantity": "1",
                "price": total}  # fmt: skip
        await desk.made(f"/stays/{stay}/lines", {"lines": [line]})
        stated = {"benefit": "prenatal", "discharged_on": day, "event_on": day, "total": total}
        await desk.made(f"/stays/{stay}/discharge", stated | record)
        return stay, total

    async def stay(
        self, desk: Desk, person: str, pregnancy: str, born_on: date | None = None,
        quantity: str = "1", price: str = "3200.00",
    ) -> tuple[str, str]:  # fmt: skip
        """A discharged stay, and its bill."""
        day = str(born_on or self.today)
        admitted = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                    "admitted_on": day}  # fmt: skip
        stay = (await desk.made("/stays", admitted))["stay_id"]
        line = {"line_number": 1, "item_code": "delivery-care", "charged_on": day,
                "quantity": quantity, "price": price}  # fmt: skip
        total = (await desk.made(f"/stays/{stay}/lines", {"lines": [line]}))["total"]
        await desk.made(f"/stays/{stay}/discharge", self.outcome("vaginal", total, day))
        return stay, total

    def outcome(self, mode: str, total: str, day: str = "") -> dict[str, str]:
        """What a record states at discharge."""
        day = day or str(self.today)
        return {"discharged_on": day, "event_on": day, "mode": mode, "total": total}

    async def settled(self) -> tuple[str, str]:
        """A stay of somebody new that is settled: the stay, and its settlement."""
        stay, total = await self.a_stay()
        answer = await self.here.made(f"/stays/{stay}/settle", {"total": total})
        return stay, answer["settlement_id"]

    async def a_stay(self) -> tuple[str, str]:
        """A stay of somebody new, at the first hospital."""
        person, pregnancy = await self.pregnant()
        return await self.stay(self.here, person, pregnancy)

    def clock_off_by(self, seconds: float) -> None:
        """Set settlement's clock: so many seconds ahead of the world's, or behind it."""
        fresh = self.skew.with_suffix(".new")
        fresh.symlink_to(repr(seconds))
        fresh.replace(self.skew)
        # A caller whose token is taken for expired asks for another; whoever waits is not asked.
        self.here.ask_for_a_token()

    @asynccontextmanager
    async def holding(self, *stays: str) -> AsyncIterator[None]:
        """Hold the rows of stays, as a slow transaction would: whoever wants one waits."""
        other = await asyncpg.connect(self.processes.site.databases["settlement"]["owner"])
        try:
            async with other.transaction():
                await other.execute(
                    "select from stay where stay_id = any($1) for update",
                    [UUID(stay) for stay in stays],
                )
                yield
        finally:
            await other.close()

    @asynccontextmanager
    async def nobody_writes(self, table: str) -> AsyncIterator[None]:
        """Let a table be read only; whoever writes waits."""
        other = await asyncpg.connect(self.processes.site.databases["settlement"]["owner"])
        try:
            async with other.transaction():
                await other.execute(f"lock table {table} in share row exclusive mode")
                yield
        finally:
            await other.close()

    async def cut_waiting(self) -> None:
        """End the sessions that wait for a lock in settlement's database."""
        server = await asyncpg.connect(self.superuser)
        try:
            await server.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = $1 and wait_event_type = 'Lock'",
                self._database(),
            )
        finally:
            await server.close()

    def _database(self) -> str:
        return self.processes.site.databases["settlement"]["owner"].rpartition("/")[2]

    async def waiting(self, sessions: int) -> None:
        """Wait until so many sessions wait for a lock in settlement's database."""
        server = await asyncpg.connect(self.superuser)
        try:
            async with asyncio.timeout(COMES_SECONDS_MAX):
                while sessions > await server.fetchval(
                    "select count(*) from pg_stat_activity"
                    " where datname = $1 and wait_event_type = 'Lock'",
                    self._database(),
                ):
                    await asyncio.sleep(0.01)
        finally:
            await server.close()

    async def told(self) -> None:
        """Wait until the relay has passed everything on and the sealer sealed it."""
        await self.comes("select count(*) = 0 from outbox where position is null")
        await self.comes(f"select count(*) = 0 from ({UNSEALED}) unsealed")

    async def comes(self, holds: str, *values: object, within: float = COMES_SECONDS_MAX) -> None:
        """Wait until settlement's database says that something holds."""
        async with asyncio.timeout(within):
            while not await self.owner.fetchval(holds, *values):
                await asyncio.sleep(0.05)

    async def would_come(self, holds: str, *values: object) -> None:
        """Wait until a fault shows; where none is planted, as long as it usually takes."""
        with contextlib.suppress(TimeoutError):
            within = COMES_SECONDS_MAX if self.planted else SHOWS_SECONDS
            await self.comes(holds, *values, within=within)

    async def turned_red(self, ids: set[str]) -> set[str]:
        """Which of these are red, once all of them are, or would be."""
        deadline = time.monotonic() + COMES_SECONDS_MAX
        while (red := await self.red(ids)) != ids and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        return red

    async def red(self, ids: set[str]) -> set[str]:
        """Which of these invariants deploy.verify finds broken, and which clauses did not hold."""
        async with open_stores(self.processes.run_file()) as stores:
            lines = [await i.line(stores) for i in INVARIANTS if i.id in ids]
        assert len(lines) == len(ids - CLAUSES.keys())
        assert not [line for line in lines if "broke down" in line], lines
        return {line.split()[0] for line in lines if " FAIL:" in line} | (self.broken & ids)


def state_of(
    person: str, version: int, first: Month, last: Month, pool: str = POOL
) -> PersonStateChanged:
    """An employee's whole history, paid from the first to the last month."""
    spell = Spell(
        pool_code=pool, county_code=pool, kind="employee", insurance=["310", "510"],
        start=f"{first}-01", end=None,
    )  # fmt: skip
    paid = [PaidMonths(first=str(first), last=str(last))]
    return PersonStateChanged(person_ref=person, state_version=version, spells=[spell], paid=paid)
