"""Visits are priced again with what was used before them, and correct what is left of the units."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.money import Money
from tests.settlement.trial import Ward, appoint, open_ward
from tests.support.agency import made
from tests.support.late_document import LATE_HEAD, LATE_UNITS, book_with
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client
from tests.support.trial_pools import HEADS, UNITS

CARE = {"since": "2023-07-01", "until": "2024-03-31"}
LOWERED = LATE_UNITS.replace("800.00", "400.00")


@dataclass
class Late:
    """A ward, two clerks of a pool, and a document that comes late."""

    ward: Ward
    folder: Path
    pool: str = UNITS

    async def clerks(self) -> None:
        """Let both in."""
        call = self.ward.house.running.caller
        self.first = await call(f"late-1-{self.pool}", "clerk", self.pool)
        self.second = await call(f"late-2-{self.pool}", "clerk", self.pool)

    async def comes(self, document: str) -> None:
        """Two people make the book with it current."""
        await appoint(self.ward.house, book_with(self.folder, document))

    async def reconsidered(self, **more: Any) -> dict[str, Any]:
        """What the first clerk's reconsidering says."""
        return await made(self.first.post("/reconsiderations", CARE | more))

    async def proposed(self) -> dict[str, str]:
        """What each waiting adjustment changes of the fund's part, by settlement."""
        items = (await made(self.first.get("/adjustments")))["items"]
        return {i["settlement_id"]: i["parts"]["fund"] for i in items}

    async def waiting(self) -> list[str]:
        """The adjustments that wait, oldest first."""
        items = (await made(self.first.get("/adjustments")))["items"]
        return [i["adjustment_id"] for i in items]

    async def used_is_paid(self) -> None:
        """What the ledger's entries say is used is what the fund pays for the visits."""
        wrong = await self.ward.house.owner.fetch(
            "with paid as (select pregnancy_id, sum(fen) as fen from ("
            " select pregnancy_id, fund_fen as fen from settlement where benefit = 'prenatal'"
            " union all select s.pregnancy_id, a.fund_fen from adjustment a"
            " join settlement s using (pool_code, settlement_id)"
            " where a.state = 'released' and s.benefit = 'prenatal') parts group by 1),"
            " used as (select pregnancy_id, sum(amount_fen) as fen from unit_entry group by 1)"
            " select * from paid left join used using (pregnancy_id)"
            " where paid.fen <> coalesce(used.fen, 0)"
        )
        assert wrong == []


@pytest.fixture
async def late(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[Late]:
    async with open_ward(service_databases("settlement"), tmp_path) as ward:
        opened = Late(ward, tmp_path)
        await opened.clerks()
        yield opened


async def three_visits(late: Late) -> tuple[tuple[str, str], list[str]]:
    """450, then 300 of which 150 were left, then 100 of which nothing was."""
    ward = late.ward
    mother = await ward.mother()
    paid = []
    for letter, on, price, fund in (
        ("a", "2023-10-02", "450.00", "450.00"),
        ("b", "2023-10-03", "300.00", "150.00"),
        ("a", "2023-10-04", "100.00", "0.00"),
    ):
        answer = await ward.visit(letter, mother, on, price, week=13)
        assert answer.json()["fund"] == fund, answer.text
        paid.append(str(answer.json()["settlement_id"]))
    return mother, paid


async def released(by: Client, adjustment: str) -> dict[str, Any]:
    """The adjustment after its release."""
    return await made(by.post(f"/adjustments/{adjustment}/release"))


async def test_the_same_book_proposes_nothing(late: Late) -> None:
    mother, (first, *_) = await three_visits(late)
    await made(late.ward.hospital("a").post(f"/settlements/{first}/reverse"))
    again = await late.ward.visit("b", mother, "2023-10-05", "700.00", week=13)
    assert again.json()["fund"] == "450.00"
    done = await late.reconsidered()
    assert (done["looked_at"], done["proposed"], done["refused"]) == (3, [], [])


async def test_a_raised_limit_is_given_to_the_visits_in_their_order(late: Late) -> None:
    mother, (_, second, third) = await three_visits(late)
    await late.comes(LATE_UNITS)
    done = await late.reconsidered()
    assert (done["looked_at"], len(done["proposed"])) == (3, 2)
    assert await late.proposed() == {second: "150.00", third: "50.00"}
    assert (await late.reconsidered())["proposed"] == []
    own = await late.first.post(f"/adjustments/{done['proposed'][0]}/release")
    assert own.json()["code"] == "1029-second-person-needed"
    one = await released(late.second, done["proposed"][1])
    assert (one["settlement_id"], one["state"]) == (third, "released")
    assert one["units"] == [{"unit": "U1", "amount": "50.00"}]
    assert await late.waiting() == []
    assert await late.ward.units("b", mother) == {"U1": ("800.00", "0.00")}
    await late.used_is_paid()
    assert (await late.reconsidered())["proposed"] == []
    told = await late.ward.house.owner.fetch(
        "select aggregate_id, convert_from(data, 'UTF8')::json -> 'units' ->> 0 as unit from outbox"
        " where type = 'settlement.claim.adjusted' order by position, id"
    )
    assert {row["aggregate_id"] for row in told} == {second, third}
    assert all('"U1"' in row["unit"] for row in told)


async def test_a_reversed_visit_gives_back_its_adjustment_too(late: Late) -> None:
    mother, (_, second, _) = await three_visits(late)
    await late.comes(LATE_UNITS)
    await released(late.second, (await late.reconsidered())["proposed"][0])
    undone = await made(late.ward.hospital("b").post(f"/settlements/{second}/reverse"))
    assert undone["fund"] == "-300.00"
    assert await late.ward.units("b", mother) == {"U1": ("500.00", "300.00")}
    await late.used_is_paid()
    assert (await late.reconsidered())["proposed"] == []
    next_one = await late.ward.visit("b", mother, "2023-10-05", "900.00", week=13)
    assert next_one.json()["fund"] == "300.00"
    await late.used_is_paid()


async def test_a_lowered_limit_takes_back_from_the_last_visits_first(late: Late) -> None:
    mother, (first, second, _) = await three_visits(late)
    await late.comes(LOWERED)
    done = await late.reconsidered()
    assert await late.proposed() == {first: "-50.00", second: "-150.00"}
    await released(late.second, done["proposed"][0])
    assert await late.ward.units("a", mother) == {"U1": ("400.00", "0.00")}
    await late.used_is_paid()


async def test_what_a_later_visit_used_meanwhile_is_decided_in_order(late: Late) -> None:
    mother, (_, second, third) = await three_visits(late)
    await late.comes(LATE_UNITS)
    (adjustment, _) = (await late.reconsidered())["proposed"]
    faster = await late.ward.visit("b", mother, "2023-10-05", "250.00", week=13)
    assert faster.json()["fund"] == "200.00"
    outdated = await late.second.post(f"/adjustments/{adjustment}/release")
    assert (outdated.status_code, outdated.json()["code"]) == (409, "1050-adjustment-outdated")
    assert await late.ward.units("b", mother) == {"U1": ("800.00", "0.00")}
    await late.reconsidered()
    assert await late.proposed() == {
        second: "150.00", third: "50.00", faster.json()["settlement_id"]: "-200.00"
    }  # fmt: skip
    await released(late.second, adjustment)
    assert await late.ward.units("b", mother) == {"U1": ("800.00", "0.00")}
    await late.used_is_paid()


async def test_a_visit_before_that_is_reversed_leaves_a_proposal_outdated(late: Late) -> None:
    _, (first, second, _) = await three_visits(late)
    await late.comes(LOWERED)
    old = (await late.reconsidered())["proposed"][1]
    await made(late.ward.hospital("a").post(f"/settlements/{first}/reverse"))
    outdated = await late.second.post(f"/adjustments/{old}/release")
    assert outdated.json()["code"] == "1050-adjustment-outdated"
    done = await late.reconsidered()
    assert (len(done["proposed"]), done["withdrawn"]) == (1, 1)
    assert await late.proposed() == {second: "-150.00"}
    await released(late.second, done["proposed"][0])
    await late.used_is_paid()


async def test_visits_of_one_pregnancy_are_rejected_together(late: Late) -> None:
    mother, _ = await three_visits(late)
    await late.comes(LATE_UNITS)
    one, _ = (await late.reconsidered())["proposed"]
    await made(late.second.post(f"/adjustments/{one}/reject"))
    assert await late.waiting() == []
    assert (await late.reconsidered())["proposed"] == []
    assert await late.ward.units("a", mother) == {"U1": ("600.00", "0.00")}
    # Made current anew, the book is a cause of its own.
    await late.comes(LATE_UNITS)
    assert len((await late.reconsidered())["proposed"]) == 2


async def test_a_release_and_a_visit_at_once_never_pass_the_limit(late: Late) -> None:
    cases = []
    for _ in range(4):
        mother, _ = await three_visits(late)
        hospital = late.ward.hospital("b")
        stay, _ = await late.ward.stay(
            hospital, "prenatal", mother, "2023-10-05", "150.00", week=13
        )
        cases.append((mother, hospital, stay))
    await late.comes(LATE_UNITS)
    await late.reconsidered()
    first_of = [one for n, one in enumerate(await late.waiting()) if n % 2 == 0]
    answers = await asyncio.gather(
        *(late.second.post(f"/adjustments/{one}/release") for one in first_of),
        *(h.post(f"/stays/{stay}/settle", {"total": "150.00"}) for _, h, stay in cases),
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.status_code for answer in answers[4:]] == [201] * 4
    for mother, _, _ in cases:
        used, _ = (await late.ward.units("a", mother))["U1"]
        assert Money.from_wire(used) <= Money.from_wire("800.00")
    await late.used_is_paid()
    # Whoever was first, in the end each has what is due to it in order.
    await late.reconsidered()
    for one in await late.waiting():
        answer = await late.second.post(f"/adjustments/{one}/release")
        assert answer.status_code == 201 or answer.json()["code"].startswith("1033")
    for mother, _, _ in cases:
        assert await late.ward.units("a", mother) == {"U1": ("800.00", "0.00")}
    await late.used_is_paid()


async def test_visits_behind_the_range_follow_those_in_it(late: Late) -> None:
    _, (_, second, third) = await three_visits(late)
    await late.comes(LATE_UNITS)
    done = await late.reconsidered(since="2023-10-03", until="2023-10-03")
    assert done["looked_at"] == 2
    assert set(await late.proposed()) == {second, third}


async def test_a_raised_head_is_apportioned_over_the_same_weeks(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with open_ward(service_databases("settlement"), tmp_path) as ward:
        late = Late(ward, tmp_path, HEADS)
        await late.clerks()
        mother = await ward.mother(HEADS)
        first = await ward.visit("a", mother, "2023-09-25", pool=HEADS, week=12)
        moved = {"institution_code": f"H{HEADS}b", "since": "2023-11-20"}
        await made(ward.hospital("b", HEADS).post(f"/pregnancies/{mother[1]}/transfer", moved))
        second = await ward.visit("b", mother, "2024-02-12", pool=HEADS, week=32)
        last = await ward.visit("b", mother, "2024-03-25", pool=HEADS, postnatal=True)
        paid = [answer.json()["fund"] for answer in (first, second, last)]
        assert Money.total(map(Money.from_wire, paid)) == Money.from_wire("1000.01")
        await late.comes(LATE_HEAD)
        done = await late.reconsidered()
        changed = await late.proposed()
        assert changed[first.json()["settlement_id"]] == "60.00"  # twelve of forty weeks
        assert Money.total(map(Money.from_wire, changed.values())) == Money.from_wire("199.99")
        await released(late.second, done["proposed"][0])
        assert await ward.units("a", mother, HEADS) == {"head": ("1200.00", "0.00")}
        await late.used_is_paid()
        assert (await late.reconsidered())["proposed"] == []
