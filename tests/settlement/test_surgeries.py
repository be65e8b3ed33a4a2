"""Surgeries: of no pregnancy, paid once, and what they entitle to is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.settlement.trial import Ward, open_ward
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import UNITS


@pytest.fixture(scope="module")
async def ward(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    async with open_ward(module_databases("settlement"), folder) as opened:
        yield opened


def refused(answer: Any) -> str:
    """The code of a refusal."""
    assert answer.status_code in (409, 422), answer.text
    return str(answer.json()["code"])


async def test_a_surgery_belongs_to_no_pregnancy(ward: Ward) -> None:
    person = await ward.house.person(UNITS)
    done = await ward.settled(
        ward.hospital("a"), "family_planning", (person, None), "2024-03-05", "450.00",
        procedure="iud_insert",
    )  # fmt: skip
    assert (done.status_code, done.json()["fund"]) == (201, "300.00"), done.text
    unnamed = {"stay_number": "x", "person_ref": person, "admitted_on": "2024-03-05"}
    assert (await ward.hospital("a").post("/stays", unnamed)).status_code == 400
    mother, pregnancy = await ward.mother()
    named = {"stay_number": "y", "person_ref": mother, "admitted_on": "2024-03-05",
             "benefit": "family_planning", "pregnancy_id": pregnancy}  # fmt: skip
    assert (await ward.hospital("a").post("/stays", named)).status_code == 400
    for table in ("stay", "settlement"):
        with pytest.raises(asyncpg.CheckViolationError, match="only_a_surgery_has_no_pregnancy"):
            await ward.house.owner.execute(
                f"update {table} set pregnancy_id = $1 where benefit = 'family_planning'",  # noqa: S608
                UUID(pregnancy),
            )


async def test_a_surgery_of_one_day_is_paid_once_over_all_hospitals(ward: Ward) -> None:
    person = (await ward.house.person(UNITS), None)
    done = {letter: await ward.stay(
        ward.hospital(letter), "family_planning", person, "2024-03-05", "450.00",
        procedure="iud_insert") for letter in "ab"}  # fmt: skip
    total = {"total": "450.00"}
    at_once = await asyncio.gather(
        *(ward.hospital(x).post(f"/stays/{stay}/settle", total) for x, (stay, _) in done.items())
    )
    assert sorted(answer.status_code for answer in at_once) == [201, 409]
    (first,) = (x for x, answer in zip(done, at_once, strict=True) if answer.status_code == 201)
    (other,) = {"a", "b"} - {first}
    (paid,) = (answer.json() for answer in at_once if answer.status_code == 201)
    stay, stated = done[other]
    for call, body in (("settle", total), ("quote", {}), ("quote", stated)):
        again = await ward.hospital(other).post(f"/stays/{stay}/{call}", body)
        assert refused(again) == "1051-surgery-already-settled", call
    of_next_day, of_another_kind = [
        await ward.settled(
            ward.hospital(other), "family_planning", person, on, "450.00", procedure=procedure
        )
        for on, procedure in (("2024-03-06", "iud_insert"), ("2024-03-05", "iud_remove"))
    ]
    assert of_next_day.status_code == 201, of_next_day.text
    assert refused(of_another_kind) == "2005-not-covered"  # it is asked what it is worth
    undone = await ward.hospital(first).post(f"/settlements/{paid['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    freed = await ward.hospital(other).post(f"/stays/{stay}/settle", total)
    assert freed.status_code == 201, freed.text


async def test_a_clerk_finds_the_allowance_of_a_surgery(ward: Ward) -> None:
    person = await ward.house.person(UNITS)
    done = await ward.settled(
        ward.hospital("a"), "family_planning", (person, None), "2024-03-05", "450.00",
        procedure="iud_insert",
    )  # fmt: skip
    clerk, claim = ward.house.clerks[UNITS], done.json()["settlement_id"]
    (found,) = (await clerk.get("/allowances", settlement=claim)).json()["items"]
    assert (found["person_ref"], found["event"], found["days"]) == (person, "family_planning", 2)
    base = {"entitlement_id": found["entitlement_id"], "base_monthly": "6000.00"}
    assert (await clerk.post("/allowances", base)).status_code == 201
    pages: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    while not pages or pages[-1]["next"]:
        listed = await clerk.get("/allowances", state="fixed", limit="1", **page)
        pages.append(listed.json())
        page = {"after": str(pages[-1]["next"])}
    items = [item for each in pages for item in each["items"]]
    assert {item["state"] for item in items} == {"fixed"}
    assert [item["entitlement_id"] for item in items].count(found["entitlement_id"]) == 1
    assert all(len(each["items"]) <= 1 for each in pages)
    for asked in ({}, {"state": "fixed", "settlement": claim}):
        assert (await clerk.get("/allowances", **asked)).status_code == 400
    async with ward.house.owner.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain select * from entitlement where pool_code = '' and state = 'opened'"
            " and entitlement_id > $1 order by entitlement_id limit 100",
            UUID(found["entitlement_id"]),
        )
    assert "entitlement_state" in str(plan)


async def test_a_claim_opens_one_entitlement_of_a_kind(ward: Ward) -> None:
    """The law holds without the code, and without a pregnancy."""
    person = (await ward.house.person(UNITS), None)
    done = await ward.settled(
        ward.hospital("a"), "family_planning", person, "2024-03-05", "450.00",
        procedure="iud_insert",
    )  # fmt: skip
    twice = (
        "insert into entitlement select (jsonb_populate_record(e, jsonb_build_object("
        "'entitlement_id', gen_random_uuid()))).* from entitlement e where settlement_id = $1"
    )
    with pytest.raises(asyncpg.UniqueViolationError, match="one_live_entitlement_a_claim"):
        await ward.house.owner.execute(twice, UUID(done.json()["settlement_id"]))
