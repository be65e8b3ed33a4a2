"""A pregnancy from its first check to the allowance, in a pool of units and in one of heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg

from tests.journeys.test_late_document import _verified
from tests.support.agency import Agency, agency, made, until
from tests.support.care import Town
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import HEADS, TRIAL_POOLS, UNITS, use_trial_book


async def test_every_benefit_is_settled_told_and_verified(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with agency(service_databases, tmp_path, None) as whole:
        use_trial_book(whole)
        await whole.open_for_business(TRIAL_POOLS)
        towns = {pool: Town(whole, pool) for pool in TRIAL_POOLS}
        for town in towns.values():
            await town.move_in()
        await _by_units_over_two_hospitals(towns[UNITS])
        await _by_heads_with_a_transfer(towns[HEADS])
        await _lost_and_planned(towns[UNITS])
        await _audit_has_them_all(whole)
        await _verified(whole, tmp_path)


async def _by_units_over_two_hospitals(town: Town) -> None:
    """What the first hospital used the second one sees; the birth opens allowance and subsidy."""
    mother = await town.mother()
    early = await town.visit(town.high, mother, "2023-09-25", "450.00", week=12)
    assert early["fund"] == "450.00"
    assert await town.units(town.low, mother) == {"U1": ("450.00", "150.00")}
    undone = await town.visit(town.low, mother, "2023-09-27", "100.00", week=12)
    await made(town.low.post(f"/settlements/{undone['settlement_id']}/reverse"))
    second = await town.visit(town.low, mother, "2023-10-02", "200.00", week=13)
    assert (second["fund"], second["member"]) == ("150.00", "50.00")
    third = await town.visit(town.high, mother, "2024-01-15", "300.00", week=28)
    explained = await made(town.high.get(f"/settlements/{third['settlement_id']}/explanation"))
    assert any("U3" in sentence for sentence in explained["zh"])
    assert any("U3" in sentence for sentence in explained["en"])
    birth = await town.birth(mother, complications=["eclampsia"])
    assert birth["fund"] == "8100.00"  # by item: her tenth is hers, and no cap holds
    entitled = await town.entitlements(mother)
    assert (entitled["allowance"]["days"], entitled["nutrition"]["amount"]) == (98, "1500.00")
    base = {"entitlement_id": entitled["allowance"]["entitlement_id"], "wage_sum": "720000.00",
            "head_months": 120}  # fmt: skip
    fixed = await made(town.clerk.post("/allowances", base))
    assert (fixed["state"], fixed["amount"]) == ("fixed", "19600.00")
    last = await town.visit(town.low, mother, "2024-03-26", "80.00", postnatal=True)
    assert last["fund"] == "80.00"
    assert await town.units(town.high, mother) == {
        "U1": ("600.00", "0.00"), "U3": ("380.00", "20.00")
    }  # fmt: skip


async def _by_heads_with_a_transfer(town: Town) -> None:
    mother = await town.mother()
    assert (await town.visit(town.high, mother, "2023-09-25", "500.00"))["fund"] == "300.00"
    await town.transfer(mother, "2023-11-20")
    assert (await town.visit(town.low, mother, "2024-02-12", "500.00"))["fund"] == "300.01"
    assert (await town.visit(town.high, mother, "2023-11-14", "50.00"))["fund"] == "175.00"
    await town.birth(mother)
    rest = await town.visit(town.low, mother, "2024-03-26", "20.00", postnatal=True)
    assert rest["fund"] == "225.00"
    assert await town.units(town.high, mother) == {"head": ("1000.01", "0.00")}


async def _lost_and_planned(town: Town) -> None:
    """A loss ends its pregnancy, with leave; a reversed birth takes back what it opened."""
    mother = await town.mother()
    lost = await town.settled(town.low, "loss", mother, "2023-11-20", "1500.00", weeks=20)
    assert lost["fund"] == "1500.00"
    entitled = await town.entitlements(mother)
    assert {kind: one["days"] for kind, one in entitled.items()} == {"allowance": 42}
    await town.settled(
        town.high, "family_planning", mother, "2024-03-05", "450.00", procedure="iud_insert"
    )
    await town.settled(
        town.high, "complication", mother, "2023-10-02", "900.00", until="2023-10-04",
        when="before_birth",
    )  # fmt: skip
    other = await town.mother()
    birth = await town.birth(other)
    await made(town.high.post(f"/settlements/{birth['settlement_id']}/reverse"))
    assert {one["state"] for one in (await town.entitlements(other)).values()} == {"withdrawn"}


async def _audit_has_them_all(whole: Agency) -> None:
    audit = await asyncpg.connect(whole.databases["audit"]["owner"])

    async def heard() -> Any:
        rows = await audit.fetch("select benefit, count(*) as n from claim group by 1")
        found = {row["benefit"]: row["n"] for row in rows}
        return found == {
            "prenatal": 9, "delivery": 3, "loss": 1, "family_planning": 1, "complication": 1
        }  # fmt: skip

    await until(heard)
    assert await audit.fetchval("select count(*) from parked") == 0
    await audit.close()
