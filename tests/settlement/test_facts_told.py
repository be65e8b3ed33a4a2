"""What a settlement tells of the stay beside its money: the person, the codes, the bill by item."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from shared.contracts.claim import ClaimSettled
from shared.money import Money
from tests.settlement.conftest import NANJING, House
from tests.support.running import Client

CODED = {"diagnoses": ["O82.100x002", "O34.200", "I10.x00"], "procedures": ["74.1x01", "03.9101"]}


async def told(house: House, stay: str) -> ClaimSettled:
    """What was told last of a stay."""
    data = await house.owner.fetchval(
        "select data from outbox where type = $1"
        " and convert_from(data, 'UTF8')::json ->> 'stay_id' = $2 order by id desc limit 1",
        ClaimSettled.type, stay,
    )  # fmt: skip
    return ClaimSettled.from_bytes(data)


async def settle(hospital: Client, stay: str, total: str) -> str:
    answer = await hospital.post(f"/stays/{stay}/settle", {"total": total})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["settlement_id"])


async def born(house: House, person: str, **facts: str) -> None:
    """Let enrollment have told more of a person."""
    await house.owner.execute(
        "update person_state set state = (state::jsonb || $2::jsonb)::json where person_ref = $1",
        person, orjson.dumps(facts).decode(),
    )  # fmt: skip


async def lines(hospital: Client, stay: str, first: int, *said: tuple[str, str, str, str]) -> None:
    body = [
        {"line_number": first + n, "item_code": code, "charged_on": on, "quantity": quantity,
         "price": price}
        for n, (code, on, quantity, price) in enumerate(said)
    ]  # fmt: skip
    answer = await hospital.post(f"/stays/{stay}/lines", {"lines": body})
    assert answer.status_code == 201, answer.text


async def open_stay(house: House, hospital: Client) -> str:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(hospital, person)
    answer = await hospital.post(
        "/stays",
        {"stay_number": person, "person_ref": person, "pregnancy_id": pregnancy,
         "admitted_on": "2024-03-20"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["stay_id"])


def outcome(total: str, **more: Any) -> dict[str, Any]:
    return {"discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": "cesarean",
            "weeks": 39, "total": total} | more  # fmt: skip


async def test_the_bill_is_told_by_item_over_all_batches(house: House, nanjing_a: Client) -> None:
    stay = await open_stay(house, nanjing_a)
    await lines(nanjing_a, stay, 1, ("delivery", "2024-03-21", "1", "4500.00"),
                ("bed", "2024-03-22", "1", "50.00"))  # fmt: skip
    await lines(
        nanjing_a, stay, 3, ("bed", "2024-03-20", "1.5", "50.00"),
        ("bed", "2024-03-22", "1", "30.00"), ("photo", "2024-03-24", "2", "8.00"),
    )  # fmt: skip
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", outcome("4671.00"))).status_code == 201
    await settle(nanjing_a, stay, "4671.00")
    claim = await told(house, stay)
    assert claim.items is not None
    assert [one.model_dump() for one in claim.items] == [
        {"code": "delivery", "quantity": "1", "amount": "4500.00", "in_scope": "4500.00",
         "first_on": "2024-03-21", "last_on": "2024-03-21", "lines": 1, "days": 1},
        # The limit is 35.00 a day: three lines on two days, two of them above it.
        {"code": "bed", "quantity": "3.5", "amount": "155.00", "in_scope": "117.50",
         "first_on": "2024-03-20", "last_on": "2024-03-22", "lines": 3, "days": 2},
        {"code": "photo", "quantity": "2", "amount": "16.00", "in_scope": "0.00",
         "first_on": "2024-03-24", "last_on": "2024-03-24", "lines": 1, "days": 1},
    ]  # fmt: skip
    assert Money.total(Money.from_wire(one.amount) for one in claim.items).to_wire() == (
        claim.parts.total
    )
    assert claim.items_left_out == 0


async def test_of_a_long_bill_the_greatest_items_are_told(house: House, nanjing_a: Client) -> None:
    stay = await open_stay(house, nanjing_a)
    said = [(f"item-{n:03}", "2024-03-21", "1", f"{1 + n % 7}.00") for n in range(303)]
    await lines(nanjing_a, stay, 1, *said, ("delivery", "2024-03-21", "1", "4500.00"))
    total = f"{4500 + sum(1 + n % 7 for n in range(303))}.00"
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", outcome(total))).status_code == 201
    await settle(nanjing_a, stay, total)
    claim = await told(house, stay)
    assert claim.items is not None
    assert (len(claim.items), claim.items_left_out) == (300, 4)
    amounts = [Money.from_wire(one.amount) for one in claim.items]
    assert amounts == sorted(amounts, reverse=True)
    # Of the least amount, 1.00, the last four codes.
    assert {code for code, *_ in said} - {one.code for one in claim.items} == {
        "item-280", "item-287", "item-294", "item-301",
    }  # fmt: skip


async def test_person_and_codes_are_told(house: House, nanjing_a: Client) -> None:
    stay, body = await house.ready_stay(nanjing_a, weeks=38, **CODED)
    person = await house.owner.fetchval(
        "select person_ref from stay where stay_id = $1", UUID(stay)
    )
    await born(house, person, sex="female", birth_month="1994-04")
    await settle(nanjing_a, stay, body["total"])
    claim = await told(house, stay)
    assert (claim.sex, claim.age, claim.weeks) == ("female", 29, 38)
    assert (claim.diagnoses, claim.procedures) == (CODED["diagnoses"], CODED["procedures"])
    assert claim.particulars is None  # codes have places of their own


async def test_what_nobody_stated_is_told_as_unknown(house: House, nanjing_a: Client) -> None:
    stay, body = await house.ready_stay(nanjing_a)
    await house.owner.execute("delete from stay_items")
    await settle(nanjing_a, stay, body["total"])
    claim = await told(house, stay)
    assert (claim.sex, claim.age, claim.diagnoses, claim.procedures) == (None, None, [], [])
    assert (claim.items, claim.items_left_out) == (None, 0)


async def test_a_stay_settled_again_tells_its_facts_again(house: House, nanjing_a: Client) -> None:
    stay, body = await house.ready_stay(nanjing_a, **CODED)
    settlement = await settle(nanjing_a, stay, body["total"])
    first = await told(house, stay)
    assert (await nanjing_a.post(f"/settlements/{settlement}/reverse")).status_code == 201
    restated = body | {"diagnoses": ["O80.000"], "procedures": []}
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", restated)).status_code == 201
    await settle(nanjing_a, stay, body["total"])
    second = await told(house, stay)
    assert first.claim_id != second.claim_id
    assert first.items == second.items
    assert (second.diagnoses, second.procedures) == (["O80.000"], [])


async def test_a_code_of_another_form_is_refused(house: House, nanjing_a: Client) -> None:
    stay, body = await house.ready_stay(nanjing_a, discharge=False)
    for codes in (
        {"diagnoses": ["o80.000"]}, {"diagnoses": ["O80"] * 41}, {"diagnoses": ["O80.0001"]},
        {"diagnoses": ["O80.000 "]}, {"diagnoses": "O80.000"}, {"diagnoses": ["O80.000\n"]},
        {"procedures": ["741"]}, {"procedures": ["74.1x1"]}, {"procedures": ["74.1"] * 41},
        {"procedures": ["74.1x01<b>"]}, {"procedures": [""]},
    ):  # fmt: skip
        answer = await nanjing_a.post(f"/stays/{stay}/discharge", body | codes)
        assert answer.status_code == 400, answer.text
        assert next(iter(codes)) in answer.json()["errors"][0]["pointer"]
    codes = {
        "diagnoses": ["O80.000", "O82.100x002", "O80", "I10.x00x002", "M05.300+", "I39.800*"],
        "procedures": ["74.1x01", "74.1", "73.59", "75.3400", "72.7901", "73.5900x001"],
    }
    answer = await nanjing_a.post(f"/stays/{stay}/discharge", body | codes)
    assert answer.status_code == 201, answer.text
