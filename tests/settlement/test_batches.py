"""Complete cases in one call: each settles whole, or nothing of it is stored."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from tests.settlement.conftest import NANJING, House
from tests.support.running import Client

TABLES = ("stay", "line", "stay_items", "settlement", "claim", "posting", "outbox", "idempotency")


async def case(house: House, hospital: Client, person: str = "", **more: Any) -> dict[str, Any]:
    """A caesarean that is told whole."""
    person = person or await house.person(NANJING)
    pregnancy = await house.pregnancy(hospital, person)
    return {
        "key": f"case-{uuid4().hex}",
        "stay_number": f"B-{uuid4().hex[:12]}",
        "person_ref": person,
        "pregnancy_id": pregnancy,
        "admitted_on": "2024-03-20",
        "lines": [
            {"line_number": 1, "item_code": "delivery", "charged_on": "2024-03-21",
             "quantity": "1", "price": "4500.00"},
            {"line_number": 2, "item_code": "bed", "charged_on": "2024-03-22",
             "quantity": "3", "price": "50.00"},
        ],
        "outcome": {"discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": "cesarean",
                    "total": "4650.00"},
    } | more  # fmt: skip


async def sent(hospital: Client, *cases: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await hospital.post("/settlements:batch", {"cases": list(cases)})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [one["key"] for one in results] == [one["key"] for one in cases]
    return results


async def rows(house: House) -> dict[str, int]:
    return {
        table: await house.owner.fetchval(f"select count(*) from {table}")  # noqa: S608
        for table in TABLES
    }


async def test_a_case_settles_as_it_would_step_by_step(house: House, nanjing_a: Client) -> None:
    whole = await case(house, nanjing_a)
    (result,) = await sent(nanjing_a, whole)
    assert (result["status"], result["problem"]) == (201, None)
    settled = await by_steps(nanjing_a, await case(house, nanjing_a))
    own = {"settlement_id", "stay_id", "settled_at"}
    assert {k: v for k, v in result["settlement"].items() if k not in own} == {
        k: v for k, v in settled.items() if k not in own
    }
    found = await nanjing_a.get(f"/settlements/{result['settlement']['settlement_id']}")
    assert found.json()["state"] == "settled"


ROWS = {
    "stay": "to_jsonb(t) - '{stay_number,person_ref,pregnancy_id}'::text[]",
    "line": "to_jsonb(t)",
    "stay_items": "to_jsonb(t)",
    "posting": "to_jsonb(t) - '{posting_id,settlement_id,posted_at}'::text[]",
    "log": "jsonb_build_array(action, from_state, to_state, actor, institution_code)",
}


MINE = {
    "posting": "settlement_id in (select settlement_id from settlement where stay_id::text = $1)",
    "log": "subject = 'stay:' || $1 or subject in"
    " (select 'claim:' || settlement_id from settlement where stay_id::text = $1)",
}


async def stored(house: House, stay: str) -> dict[str, list[str]]:
    """All that a settled stay left in the tables, but for what is its own alone."""
    found = {}
    for table, shown in ROWS.items():
        mine = MINE.get(table, "stay_id::text = $1")
        query = f"select ({shown})::text as shown from {table} t where {mine}"  # noqa: S608
        rows = await house.owner.fetch(query, stay)
        found[table] = sorted(row["shown"].replace(stay, "") for row in rows)
    return found


async def by_steps(hospital: Client, case: dict[str, Any]) -> dict[str, Any]:
    told_at_first = ("stay_number", "person_ref", "pregnancy_id", "admitted_on")
    opening = {name: case[name] for name in told_at_first}
    stay = (await hospital.post("/stays", opening)).json()["stay_id"]
    await hospital.post(f"/stays/{stay}/lines", {"lines": case["lines"]})
    await hospital.post(f"/stays/{stay}/discharge", case["outcome"])
    settled = await hospital.post(f"/stays/{stay}/settle", {"total": case["outcome"]["total"]})
    made: dict[str, Any] = settled.json()
    return made


async def test_cases_are_stored_as_they_would_be_step_by_step(
    house: House, nanjing_a: Client
) -> None:
    """Those of a batch in one transaction, one that stands alone, and one told by four calls."""
    cases = [await case(house, nanjing_a) for _ in range(5)]
    many = await sent(nanjing_a, *cases[:3])
    (alone,) = await sent(nanjing_a, cases[3])
    made = [one["settlement"] for one in (*many, alone)] + [await by_steps(nanjing_a, cases[4])]
    rows = [await stored(house, one["stay_id"]) for one in made]
    assert all(rows[0].values())
    for one in rows[1:]:
        assert one == rows[0]
    together = await house.owner.fetchval(
        "select count(distinct xmin::text) from settlement where settlement_id::text = any($1)",
        [one["settlement"]["settlement_id"] for one in many],
    )
    assert together == 1


async def test_sent_again_it_answers_the_same_and_stores_nothing(
    house: House, nanjing_a: Client
) -> None:
    cases = [await case(house, nanjing_a) for _ in range(3)]
    first = await sent(nanjing_a, *cases)
    before = await rows(house)
    assert await sent(nanjing_a, *cases) == first
    other = cases[0] | {"stay_number": "another"}
    (refused,) = await sent(nanjing_a, other)
    assert (refused["status"], refused["problem"]["code"]) == (422, "8-key-used-with-another-body")
    assert await rows(house) == before


async def test_what_is_refused_leaves_nothing_and_stops_no_other(
    house: House, nanjing_a: Client
) -> None:
    good = [await case(house, nanjing_a) for _ in range(2)]
    kizilsu = house.hospitals["a-653000"]
    elsewhere = await house.pregnancy(kizilsu, await house.person("653000"))
    unpaid = await house.person(NANJING, last="2023-06")
    bad = [
        await case(house, nanjing_a, unpaid),  # contributions stopped
        await case(house, nanjing_a, stay_number=good[0]["stay_number"]),
        await case(house, nanjing_a, pregnancy_id=good[0]["pregnancy_id"]),  # another woman's
        await case(house, nanjing_a, outcome=good[0]["outcome"] | {"total": "4650.01"}),
        await case(house, nanjing_a, admitted_on="2030-01-01"),
        await case(house, nanjing_a, pregnancy_id=elsewhere),  # another pool's
    ]  # fmt: skip
    before = await rows(house)
    results = await sent(nanjing_a, good[0], *bad, good[1])
    assert [one["status"] for one in (results[0], results[-1])] == [201, 201]
    assert all(400 <= one["status"] < 500 for one in results[1:-1])
    assert all(one["problem"]["title_zh"] and one["settlement"] is None for one in results[1:-1])
    after = await rows(house)
    assert after["stay"] - before["stay"] == after["settlement"] - before["settlement"] == 2
    assert after["line"] - before["line"] == 4
    assert after["idempotency"] - before["idempotency"] == 2


async def test_twins_in_two_batches_settle_once(house: House, nanjing_a: Client) -> None:
    cases = [await case(house, nanjing_a) for _ in range(4)]
    one, two = await asyncio.gather(sent(nanjing_a, *cases), sent(nanjing_a, *cases))
    assert one == two
    assert all(result["status"] == 201 for result in one)


async def test_a_birth_is_settled_once_by_case_and_by_steps(
    house: House, nanjing_a: Client
) -> None:
    whole = await case(house, nanjing_a)
    again = whole | {"key": uuid4().hex, "stay_number": "second"}
    first, second = await sent(nanjing_a, whole, again)
    assert (first["status"], second["status"]) == (201, 409)
    count = "select count(*) from settlement where pregnancy_id::text = $1"
    assert await house.owner.fetchval(count, whole["pregnancy_id"]) == 1


async def test_a_third_batch_waits_its_turn_elsewhere(house: House, nanjing_a: Client) -> None:
    batches = house.running.app.state.office.batches
    await batches.acquire()
    await batches.acquire()
    whole = await case(house, nanjing_a)
    answer = await nanjing_a.post("/settlements:batch", {"cases": [whole]})
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    batches.release()
    batches.release()
    assert (await sent(nanjing_a, whole))[0]["status"] == 201


async def test_only_a_well_formed_batch_is_looked_at(house: House, nanjing_a: Client) -> None:
    whole = await case(house, nanjing_a)
    before = await rows(house)
    for wrong in (
        [],
        [whole | {"key": ""}],
        [whole, whole | {"lines": []}],
        [whole | {"outcome": whole["outcome"] | {"benefit": "loss", "weeks": 9}}],
        [whole | {"pregnancy_id": None}],
    ):
        answer = await nanjing_a.post("/settlements:batch", {"cases": wrong})
        assert answer.status_code == 400, answer.text
    assert await rows(house) == before
    greater = [whole | {"key": f"k{n}"} for n in range(1001)]
    assert (await nanjing_a.post("/settlements:batch", {"cases": greater})).status_code == 400


async def test_each_settlement_of_a_batch_is_measured_once(house: House, nanjing_a: Client) -> None:
    measured: list[tuple[str, bool]] = []
    house.running.app.state.office.measure = lambda entry, seconds: measured.append(
        (str(entry.settlement.settlement_id), seconds > 0)
    )
    cases = [await case(house, nanjing_a) for _ in range(3)]
    made = await sent(nanjing_a, *cases[:2]) + await sent(nanjing_a, cases[2])
    await sent(nanjing_a, *cases)
    assert measured == [(one["settlement"]["settlement_id"], True) for one in made]
