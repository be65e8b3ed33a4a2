"""Births and prenatal courses through the national gateway alone: in both pools, by every signature
scheme and with either infcode, on the real broker and into audit; once by the local bus."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.verify.invariants import INVARIANTS
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from tests.journeys.gateway_walk import Settled, born, cared_for
from tests.journeys.test_birth import KIZILSU, NANJING, POOLS, Town
from tests.support.agency import Agency, agency, run_file
from tests.support.his import ONE_URL, SCHEMES, SM2_PRIVATE, His, introduced
from tests.support.kafka import Kafka
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client

QUIET_SECONDS_MAX = 60
LEVEL = 3
CASES = [
    (pool, scheme, terms, infcode_text)
    for pool in (NANJING, KIZILSU)
    for scheme, terms in SCHEMES
    for infcode_text in (False, True)
]
HOSPITALS = {pool: {f"H{pool[:2]}{n:02}": LEVEL for n in range(len(SCHEMES) * 2)} for pool in POOLS}
_LINES = itertools.count(1)
URLS = {NANJING: ONE_URL, KIZILSU: "/nhsa/{infno}"}

# Of 4,758.00 are 88.00 of class C, 45.00 over the bed's limit, 2.00 first co-payment; 4,623.00 are
# in scope.
BIRTHS = {
    # Caesarean, level 3, the notice of 2017: nothing up to 3,500.00, then 5 %: of the 4,623.00 hers
    # are 56.15, with the 135.00 outside. The hospital is paid 4,900.00 less her 56.15.
    NANJING: Settled(
        [("4758.00", "4566.85", "191.15")],
        [("4758.00", "4843.85", "191.15", "-277.00", "0.00")],
    ),
    # The sum of 7,500.00 meets all of the bill.
    KIZILSU: Settled(
        [("4758.00", "4758.00", "0.00")], [("4758.00", "4758.00", "0.00", "0.00", "0.00")]
    ),
}
COURSES = {
    # 500.00 up to week 20, what is more is hers; then 1,200.00, what is more is the clinic fund's.
    NANJING: Settled(
        [("300.00", "300.00", "0.00"), ("300.00", "200.00", "100.00"),
         ("500.00", "500.00", "0.00"), ("900.00", "900.00", "0.00")],
        [("300.00", "300.00", "0.00", "0.00", "0.00"),
         ("300.00", "200.00", "100.00", "0.00", "0.00"),
         ("500.00", "500.00", "0.00", "0.00", "0.00"),
         ("900.00", "700.00", "0.00", "0.00", "200.00")],
        {"U1": ("500.00", "500.00"), "U2": ("1200.00", "1200.00")},
    ),
    # Weeks 10, 18, 26 and 33 of 40: 10 and 8 of the 1,000.00 in force in 2023, 8 and 7 of the
    # 2,000.00 since; whatever the visits cost, she pays nothing.
    KIZILSU: Settled(
        [("300.00", "300.00", "0.00"), ("300.00", "300.00", "0.00"),
         ("500.00", "500.00", "0.00"), ("900.00", "900.00", "0.00")],
        [("300.00", "250.00", "0.00", "50.00", "0.00"),
         ("300.00", "200.00", "0.00", "100.00", "0.00"),
         ("500.00", "400.00", "0.00", "100.00", "0.00"),
         ("900.00", "350.00", "0.00", "550.00", "0.00")],
        {"head": ("1200.00", "2000.00")},
    ),
}  # fmt: skip


@dataclass
class House:
    """A house of both pools, whose hospitals have no profile yet."""

    whole: Agency
    folder: Path
    kafka: Kafka | None
    towns: dict[str, Town]
    seconds: dict[str, Client]
    unused: dict[str, list[str]] = field(
        default_factory=lambda: {pool: sorted(codes) for pool, codes in HOSPITALS.items()}
    )

    async def connected(
        self, pool: str, scheme: str, terms: dict[str, Any], *, infcode_text: bool
    ) -> His:
        """The system of a hospital that nobody was before, with a profile in force."""
        institution = self.unused[pool].pop()
        http = self.whole.services["settlement"].http
        terms = terms | {"scheme": scheme, "infcode_text": infcode_text}
        if scheme == "private_line":
            http, terms["networks"] = self._line()
        await introduced(self.towns[pool].desk, self.seconds[pool], institution, **terms)
        his = His(
            http, self.whole.clock, institution, scheme=scheme, url=URLS[pool],
            infcode_type=str if infcode_text else int,
        )  # fmt: skip
        if scheme == "signed_body_sm2":
            his.secret = SM2_PRIVATE
        return his

    def _line(self) -> tuple[httpx.AsyncClient, list[str]]:
        """A line of this hospital's own: no two may share an address."""
        settlement, number = self.whole.services["settlement"], next(_LINES)
        transport = httpx.ASGITransport(settlement.app, client=(f"10.9.{number}.1", 40_000))
        own = httpx.AsyncClient(transport=transport, base_url=settlement.http.base_url)
        return own, [f"10.9.{number}.0/24"]


@asynccontextmanager
async def _house(
    databases: ServiceDatabases, folder: Path, kafka: Kafka | None
) -> AsyncIterator[House]:
    async with agency(databases, folder, kafka) as whole:
        await whole.open_for_business({pool: POOLS[pool] | HOSPITALS[pool] for pool in POOLS})
        towns = {pool: Town(whole, pool) for pool in POOLS}
        for town in towns.values():
            await town.move_in()
        seconds = {
            pool: await whole.caller("settlement", f"d2-{pool}", "clerk", pool) for pool in POOLS
        }
        yield House(whole, folder, kafka, towns, seconds)


@pytest.fixture(scope="module")
async def house(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory,
    module_kafka: Kafka,
) -> AsyncIterator[House]:  # fmt: skip
    """One for the whole matrix, on the real broker."""
    async with _house(module_databases, tmp_path_factory.mktemp("house"), module_kafka) as opened:
        yield opened


@pytest.mark.parametrize(("pool", "scheme", "terms", "infcode_text"), CASES)
async def test_a_birth_and_a_course_settle_through_the_gateway_alone(
    house: House, pool: str, scheme: str, terms: dict[str, Any], infcode_text: bool
) -> None:
    his = await house.connected(pool, scheme, terms, infcode_text=infcode_text)
    await _as_worked_out_by_hand(house.towns[pool], his)


async def test_then_every_invariant_holds(house: House) -> None:
    await _holds(house)


async def test_by_the_local_bus_too(service_databases: ServiceDatabases, tmp_path: Path) -> None:
    async with _house(service_databases, tmp_path, None) as house:
        for pool in POOLS:
            his = await house.connected(pool, "csb_s", {}, infcode_text=True)
            await _as_worked_out_by_hand(house.towns[pool], his)
        await _holds(house)


async def _as_worked_out_by_hand(town: Town, his: His) -> None:
    assert await born(town, his) == BIRTHS[town.pool]
    assert await cared_for(town, his) == COURSES[town.pool]


async def _holds(house: House) -> None:
    """All that `deploy.verify` asks, at the hour that the house lives in."""
    file = run_file(house.whole, house.folder, house.kafka)
    async with open_stores(file) as stores:
        stores.now = house.whole.clock.now
        assert await wait_for_quiet(stores, QUIET_SECONDS_MAX) == []
        lines = [await invariant.line(stores) for invariant in INVARIANTS]
    assert not [line for line in lines if not line.endswith(" ok") and " n/a: " not in line]
