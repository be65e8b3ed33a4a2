"""What a birth entitles to follows late documents and corrected states, by two people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.settlement.test_visits_again import Late, released
from tests.settlement.trial import open_ward
from tests.support.agency import made
from tests.support.late_document import LATE_SUMS
from tests.support.postgres import ServiceDatabases


@pytest.fixture
async def late(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[Late]:
    async with open_ward(service_databases("settlement"), tmp_path) as ward:
        opened = Late(ward, tmp_path)
        await opened.clerks()
        yield opened


async def born(late: Late, **person: Any) -> tuple[tuple[str, str], dict[str, Any]]:
    """A birth, settled."""
    mother = await late.ward.mother(**person)
    birth = await late.ward.settled(
        late.ward.hospital("a"), "delivery", mother, "2024-03-21", until="2024-03-24",
        mode="vaginal",
    )  # fmt: skip
    assert birth.status_code == 201, birth.text
    return mother, birth.json()


async def entitled(late: Late, mother: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """What a pregnancy entitles to, by kind."""
    listed = await made(late.first.get("/allowances", pregnancy=mother[1]))
    assert len(listed["items"]) == len({item["kind"] for item in listed["items"]})
    return {item["kind"]: item for item in listed["items"]}


async def fixed(late: Late, mother: tuple[str, str]) -> dict[str, Any]:
    """Its allowance, counted from 6,000 a month."""
    one = (await entitled(late, mother))["allowance"]["entitlement_id"]
    return await made(
        late.first.post("/allowances", {"entitlement_id": one, "base_monthly": "6000.00"})
    )


async def paid(late: Late, person: str, first: str, last: str) -> None:
    """Enrollment says, later, which months were paid."""
    owner = late.ward.house.owner
    state = orjson.loads(
        await owner.fetchval("select state::text from person_state where person_ref = $1", person)
    )
    state |= {"state_version": state["state_version"] + 1, "paid": [{"first": first, "last": last}]}
    await owner.execute(
        "update person_state set state_version = $2, state = $3 where person_ref = $1",
        person, state["state_version"], orjson.dumps(state).decode(),
    )  # fmt: skip


async def told(late: Late, entitlement: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of an entitlement, in their order."""
    rows = await late.ward.house.owner.fetch(
        "select type, data from outbox where aggregate_id = $1 order by sequence", entitlement
    )
    return [(row["type"].rpartition(".")[2], orjson.loads(row["data"])) for row in rows]


async def test_a_late_document_revises_days_and_amounts_by_two_people(late: Late) -> None:
    mother, birth = await born(late)
    assert (await fixed(late, mother))["amount"] == "19600.00"
    await late.comes(LATE_SUMS)
    done = await late.reconsidered()
    assert done["refused"] == []
    (adjustment,) = done["proposed"]
    (shown,) = (await made(late.first.get("/adjustments")))["items"]
    assert shown["parts"]["fund"] == "0.00"
    assert {e["kind"]: (e["before"]["amount"], e["after"]["amount"], e["after"]["days"])
            for e in shown["entitlements"]} == {
        "allowance": ("19600.00", "25600.00", 128), "nutrition": ("1500.00", "2000.00", None)
    }  # fmt: skip
    (hospital,) = (await made(late.ward.hospital("a").get("/adjustments")))["items"]
    assert hospital["entitlements"] == []
    assert (await entitled(late, mother))["allowance"]["amount"] == "19600.00"
    assert (await late.reconsidered())["proposed"] == []
    await released(late.second, adjustment)
    now = await entitled(late, mother)
    assert (now["allowance"]["amount"], now["allowance"]["days"]) == ("25600.00", 128)
    assert (now["allowance"]["state"], now["nutrition"]["state"]) == ("fixed", "opened")
    assert now["nutrition"]["amount"] == "2000.00"
    assert any(step["article"] == "第一条" for step in now["allowance"]["steps"])
    events = await told(late, now["allowance"]["entitlement_id"])
    assert [kind for kind, _ in events] == ["opened", "fixed", "revised"]
    assert (events[-1][1]["amount"], events[-1][1]["adjustment_id"]) == ("25600.00", adjustment)
    assert (await late.reconsidered())["proposed"] == []
    await made(late.ward.hospital("a").post(f"/settlements/{birth['settlement_id']}/reverse"))
    assert {e["state"] for e in (await entitled(late, mother)).values()} == {"withdrawn"}


async def test_an_allowance_fixed_meanwhile_leaves_the_proposal_outdated(late: Late) -> None:
    mother, _ = await born(late)
    await late.comes(LATE_SUMS)
    (first,) = (await late.reconsidered())["proposed"]
    # Fixed by the book that is current: nothing is left to revise but the subsidy.
    assert (await fixed(late, mother))["amount"] == "25600.00"
    outdated = await late.second.post(f"/adjustments/{first}/release")
    assert outdated.json()["code"] == "1050-adjustment-outdated"
    assert (await entitled(late, mother))["nutrition"]["amount"] == "1500.00"
    done = await late.reconsidered()
    assert (len(done["proposed"]), done["withdrawn"]) == (1, 1)
    await released(late.second, done["proposed"][0])
    assert (await entitled(late, mother))["nutrition"]["amount"] == "2000.00"


async def test_what_she_is_entitled_to_no_more_ends_and_what_she_is_now_opens(late: Late) -> None:
    mother, _ = await born(late)
    person = mother[0]
    await paid(late, person, "2022-01", "2023-12")  # an interruption stops sums, not medical costs
    done = await late.reconsidered(person_ref=person)
    await released(late.second, done["proposed"][0])
    ended = await entitled(late, mother)
    assert {e["state"] for e in ended.values()} == {"withdrawn"}
    await paid(late, person, "2022-01", "2024-03")
    again = await late.reconsidered(person_ref=person)
    await released(late.second, again["proposed"][0])
    back = await entitled(late, mother)
    assert {e["state"] for e in back.values()} == {"opened"}
    assert back["allowance"]["entitlement_id"] == ended["allowance"]["entitlement_id"]
    events = await told(late, back["allowance"]["entitlement_id"])
    assert [(kind, data["state"]) for kind, data in events] == [
        ("opened", "opened"), ("revised", "withdrawn"), ("revised", "opened")
    ]  # fmt: skip


async def test_what_is_told_of_a_deferred_one_that_is_fixed_says_when_it_is_due(late: Late) -> None:
    mother, _ = await born(late, first="2023-10")
    deferred = (await entitled(late, mother))["allowance"]
    assert (deferred["state"], (await fixed(late, mother))["until"]) == (
        "deferred", deferred["until"]
    )  # fmt: skip
    events = await told(late, deferred["entitlement_id"])
    assert [(kind, data["state"], data["until"]) for kind, data in events] == [
        ("opened", "deferred", deferred["until"]), ("fixed", "fixed", deferred["until"])
    ]  # fmt: skip


async def test_months_that_were_booked_late_make_a_deferred_one_due(late: Late) -> None:
    mother, _ = await born(late, first="2023-10")
    assert (await entitled(late, mother))["allowance"]["state"] == "deferred"
    await paid(late, mother[0], "2022-10", "2024-03")
    (adjustment,) = (await late.reconsidered(person_ref=mother[0]))["proposed"]
    await released(late.second, adjustment)
    now = await entitled(late, mother)
    assert {(e["state"], e["until"]) for e in now.values()} == {("opened", None)}
