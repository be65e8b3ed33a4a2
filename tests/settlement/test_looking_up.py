"""What a hospital looks up of its own: a person's stays and settlements, a bill line by line."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.settlement.conftest import NANJING, House
from tests.support.running import Client


async def _paged(hospital: Client, place: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, two a page."""
    items: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        answer = await hospital.get(place, limit=2, **query, **after)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        after = {"after": answer.json()["next"]}


async def _visit(house: House, hospital: Client, person: str, pregnancy: str, day: str) -> str:
    answer = await hospital.post(
        "/stays",
        {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
         "admitted_on": day, "benefit": "prenatal"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["stay_id"])


async def test_a_persons_stays_and_settlements_in_this_hospital(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    days = ("2023-09-01", "2023-10-01", "2023-11-01", "2023-12-01")
    visits = [await _visit(house, nanjing_a, person, pregnancy, day) for day in days]
    elsewhere = await _visit(house, nanjing_b, person, pregnancy, "2023-12-02")
    birth, outcome = await house.stay(nanjing_a, person, pregnancy)
    found = await _paged(nanjing_a, "/stays", person_ref=person)
    assert [one["stay_id"] for one in found] == [*visits, birth]
    some = await _paged(
        nanjing_a, "/stays", person_ref=person, since="2023-10-01", until="2023-11-01"
    )
    assert [one["stay_id"] for one in some] == visits[1:3]
    assert [one["stay_id"] for one in await _paged(nanjing_b, "/stays", person_ref=person)] == [
        elsewhere
    ]
    bill = {"total": outcome["total"]}
    for _ in range(3):
        settled = (await nanjing_a.post(f"/stays/{birth}/settle", bill)).json()["settlement_id"]
        assert (await nanjing_a.post(f"/settlements/{settled}/reverse")).status_code == 201
    of = {"institution": f"H{NANJING}a"}
    by_person = await _paged(nanjing_a, "/settlements", person_ref=person, **of)
    assert len(by_person) == 6
    assert by_person == await _paged(nanjing_a, "/settlements", stay=birth, **of)
    assert await _paged(nanjing_b, "/settlements", person_ref=person, **of) == []
    for query in ({}, {"stay": birth, "person_ref": person}):
        refused = await nanjing_a.get("/settlements", **of, **query)
        assert (refused.status_code, refused.json()["code"]) == (400, "1-malformed")


async def test_a_bill_line_by_line_and_what_its_discharge_stated(
    house: House, nanjing_a: Client
) -> None:
    stay, outcome = await house.ready_stay(nanjing_a, discharge=False)
    back = {"line_number": 4, "item_code": "bed", "charged_on": "2024-03-22", "quantity": "-1.5",
            "price": "50.00", "returns": 2}  # fmt: skip
    billed = (await nanjing_a.post(f"/stays/{stay}/lines", {"lines": [back]})).json()
    empty = (await nanjing_a.get(f"/stays/{stay}/record")).json()
    assert (empty["discharged_on"], empty["diagnoses"]) == (None, [])
    lines = await _paged(nanjing_a, f"/stays/{stay}/lines")
    assert [line["line_number"] for line in lines] == [1, 2, 3, 4]
    last = lines[-1]
    assert (last["quantity"], last["amount"], last["over_limit"], last["returns"]) == (
        "-1.5", "-75.00", "-22.50", 2,
    )  # fmt: skip
    codes = {"diagnoses": ["O80.000", "Z37.000"], "procedures": ["73.6x01"]}
    body = outcome | {"total": billed["total"]} | codes
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", body)).status_code == 201
    record = (await nanjing_a.get(f"/stays/{stay}/record")).json()
    assert {name: record[name] for name in codes} == codes
    assert record["discharged_on"] == "2024-03-24"
