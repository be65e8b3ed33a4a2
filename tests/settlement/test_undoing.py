"""What was uploaded by mistake is undone before it settles: lines, discharges, admissions."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.running import Client

PARTS = ("in_scope", "out_of_scope", "over_limit", "first_copay")


house = house_of_the_file()


async def _open_stay(house: House, hospital: Client) -> tuple[str, dict[str, Any]]:
    """A stay with lines 1 (delivery), 2 (bed, three days) and 3 (oxytocin), not discharged."""
    return await house.ready_stay(hospital, discharge=False)


def _line(number: int, item: str, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    return {"line_number": number, "item_code": item, "charged_on": "2024-03-22",
            "quantity": quantity, "price": price} | more  # fmt: skip


async def _said(hospital: Client, place: str, body: Any = None) -> str:
    answer = await hospital.post(place, body)
    return "taken" if answer.status_code == 201 else str(answer.json()["code"])


async def test_a_return_takes_exactly_its_part_off_the_bill(
    house: House, nanjing_a: Client
) -> None:
    stay, outcome = await _open_stay(house, nanjing_a)
    before = (await nanjing_a.get(f"/stays/{stay}")).json()
    back = [_line(4, "bed", "-1", "50.00", returns=2), _line(5, "bed", "-2", "50.00", returns=2)]
    for line in back:
        answer = await nanjing_a.post(f"/stays/{stay}/lines", {"lines": [line]})
        assert answer.status_code == 201, answer.text
    after = answer.json()
    # Three days of bed at 50.00 were 105.00 in scope and 45.00 over the limit.
    assert (before["over_limit"], after["over_limit"]) == ("45.00", "0.00")
    assert after["line_count"] == 5
    body = outcome | {"total": after["total"]}
    assert body["total"] == "4520.00"
    assert await _said(nanjing_a, f"/stays/{stay}/discharge", body) == "taken"
    settled = await nanjing_a.post(f"/stays/{stay}/settle", {"total": body["total"]})
    assert (settled.status_code, settled.json()["total"]) == (201, "4520.00")
    told = await house.owner.fetchval(
        "select items::text from stay_items where stay_id = $1", UUID(stay)
    )
    assert '"bed"' not in told
    assert '"oxytocin"' in told


async def test_what_is_not_left_cannot_be_returned(house: House, nanjing_a: Client) -> None:
    stay, _ = await _open_stay(house, nanjing_a)
    place = f"/stays/{stay}/lines"
    for line, said in (
        (_line(4, "bed", "-3.0001", "50.00", returns=2), "1064-return-exceeds-line"),
        (_line(4, "bed", "-1", "49.00", returns=2), "1063-return-unlike-line"),
        (_line(4, "photo", "-1", "50.00", returns=2), "1063-return-unlike-line"),
        (_line(4, "bed", "-1", "50.00", returns=2) | {"charged_on": "2024-03-20"},
         "1063-return-unlike-line"),
        (_line(4, "bed", "-1", "50.00", returns=9), "1052-line-unknown"),
        (_line(4, "bed", "-1", "50.00"), "1-malformed"),
        (_line(4, "bed", "1", "50.00", returns=2), "1-malformed"),
        (_line(4, "bed", "-0.0", "50.00", returns=2), "1-malformed"),
        (_line(4, "bed", "-2", "50.00", returns=2), "taken"),
        (_line(5, "bed", "-2", "50.00", returns=2), "1064-return-exceeds-line"),
        (_line(5, "bed", "-1", "50.00", returns=4), "1052-line-unknown"),
    ):  # fmt: skip
        assert await _said(nanjing_a, place, {"lines": [line]}) == said, line
    # Within one batch the earlier lines count.
    batch = [_line(6, "photo", "2", "10.00"), _line(7, "photo", "-2", "10.00", returns=6)]
    assert await _said(nanjing_a, place, {"lines": batch}) == "taken"
    twice = [_line(8, "photo", "1", "10.00"), _line(9, "photo", "-1", "10.00", returns=8),
             _line(10, "photo", "-1", "10.00", returns=8)]  # fmt: skip
    assert await _said(nanjing_a, place, {"lines": twice}) == "1064-return-exceeds-line"


async def test_lines_are_cancelled_by_number_or_all(house: House, nanjing_a: Client) -> None:
    stay, _ = await _open_stay(house, nanjing_a)
    add, cancel = f"/stays/{stay}/lines", f"/stays/{stay}/lines:cancel"
    back = _line(4, "bed", "-1", "50.00", returns=2)
    assert await _said(nanjing_a, add, {"lines": [back]}) == "taken"
    assert await _said(nanjing_a, cancel, {"line_numbers": [1, 9]}) == "1052-line-unknown"
    assert await _said(nanjing_a, cancel, {"line_numbers": [2]}) == "1062-line-returned"
    answer = await nanjing_a.post(cancel, {"line_numbers": [4]}, key="once")
    assert (answer.json()["total"], answer.json()["line_count"]) == ("4670.00", 3)
    again = await nanjing_a.post(cancel, {"line_numbers": [4]}, key="once")
    assert again.content == answer.content
    # The number is free again, and the bed can go with what returns it.
    assert await _said(nanjing_a, add, {"lines": [back]}) == "taken"
    answer = await nanjing_a.post(cancel, {"line_numbers": [2, 4]})
    assert answer.json()["total"] == "4520.00"
    answer = await nanjing_a.post(cancel, {"line_numbers": "all"})
    assert [answer.json()[part] for part in ("total", *PARTS)] == ["0.00"] * 5
    assert await _said(nanjing_a, cancel, {"line_numbers": "all"}) == "taken"
    kept = await house.owner.fetchval(
        "select count(*) from cancelled_line where stay_id::text = $1", stay
    )
    assert kept == 5


async def test_a_discharge_is_taken_back_until_it_is_settled_and_after_a_reversal(
    house: House, nanjing_a: Client
) -> None:
    stay, outcome = await house.ready_stay(nanjing_a)
    reopen, cancel = f"/stays/{stay}/reopen", f"/stays/{stay}/cancel"
    assert await _said(nanjing_a, f"/stays/{stay}/lines:cancel", {"line_numbers": "all"}) == (
        "1003-stay-closed"
    )
    assert await _said(nanjing_a, cancel) == "1003-stay-closed"
    assert await _said(nanjing_a, reopen) == "taken"
    shown = (await nanjing_a.get(f"/stays/{stay}")).json()
    assert (shown["state"], shown["discharged_on"]) == ("open", None)
    assert await _said(nanjing_a, reopen) == "1007-stay-not-discharged"
    assert await _said(nanjing_a, cancel) == "1061-stay-has-lines"
    line = {"lines": [_line(4, "photo", "1", "80.00")]}
    assert await _said(nanjing_a, f"/stays/{stay}/lines", line) == "taken"
    outcome |= {"total": "4750.00"}
    assert await _said(nanjing_a, f"/stays/{stay}/discharge", outcome) == "taken"
    bill = {"total": outcome["total"]}
    first = await nanjing_a.post(f"/stays/{stay}/settle", bill)
    items = "select items::text from stay_items where stay_id::text = $1"
    assert '"photo"' in await house.owner.fetchval(items, stay)
    for place in (reopen, cancel):
        assert await _said(nanjing_a, place) == "1008-stay-already-settled"
    undo = f"/settlements/{first.json()['settlement_id']}/reverse"
    assert await _said(nanjing_a, undo) == "taken"
    for place in (reopen, f"/stays/{stay}/lines:cancel"):
        assert await _said(
            nanjing_a, place, {"line_numbers": "all"} if "lines" in place else {}
        ) == ("taken")
    assert await _said(nanjing_a, cancel) == "taken"
    for place, body in (
        (cancel, {}), (reopen, {}), (f"/stays/{stay}/discharge", outcome),
        (f"/stays/{stay}/lines", line), (f"/stays/{stay}/settle", bill),
        (f"/stays/{stay}/quote", outcome),
    ):  # fmt: skip
        assert await _said(nanjing_a, place, body) == "1060-stay-cancelled", place


async def test_the_number_of_a_cancelled_stay_is_free(house: House, nanjing_a: Client) -> None:
    person = await house.person(NANJING)
    body = {"stay_number": uuid4().hex, "person_ref": person, "admitted_on": "2024-03-20",
            "pregnancy_id": await house.pregnancy(nanjing_a, person)}  # fmt: skip
    first = (await nanjing_a.post("/stays", body)).json()["stay_id"]
    assert await _said(nanjing_a, "/stays", body) == "1002-stay-number-used"
    assert await _said(nanjing_a, f"/stays/{first}/cancel") == "taken"
    assert await _said(nanjing_a, "/stays", body) == "taken"
    assert await _said(nanjing_a, "/stays", body) == "1002-stay-number-used"


async def test_what_is_not_its_own_a_hospital_cannot_undo(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    stay, _ = await house.ready_stay(nanjing_a)
    for place, body in (
        ("reopen", {}), ("cancel", {}), ("lines:cancel", {"line_numbers": "all"}),
    ):  # fmt: skip
        assert await _said(nanjing_b, f"/stays/{stay}/{place}", body) == "1001-stay-unknown"


@pytest.mark.parametrize("undo", ["reopen", "lines:cancel"])
async def test_undoing_and_settling_at_once_leave_one_of_them_done(
    house: House, nanjing_a: Client, undo: str
) -> None:
    """Whoever is second is told: no stay is settled and open, or settled without its lines."""
    outcomes = set()
    for _ in range(12):
        stay, outcome = await house.ready_stay(nanjing_a)
        bill = {"total": outcome["total"]}

        async def undone(stay: str = stay) -> str:
            said = await _said(nanjing_a, f"/stays/{stay}/reopen")
            if said == "taken" and undo == "lines:cancel":
                cancel = f"/stays/{stay}/lines:cancel"
                assert await _said(nanjing_a, cancel, {"line_numbers": "all"}) == "taken"
            return said

        settling, undoing = await asyncio.gather(
            _said(nanjing_a, f"/stays/{stay}/settle", bill), undone()
        )
        outcomes.add((settling, undoing))
        row = await house.owner.fetchrow(
            "select s.state, total_fen, (select coalesce(sum(amount_fen), 0) from line l"
            " where l.stay_id = s.stay_id) as lines_fen, (select count(*) from claim c"
            " where c.stay_id = s.stay_id and c.state = 'settled') as claims"
            " from stay s where stay_id::text = $1",
            stay,
        )
        assert row["total_fen"] == row["lines_fen"]
        assert (row["state"] == "settled") == (row["claims"] == 1) == (settling == "taken")
        assert (settling == "taken") != (undoing == "taken"), (settling, undoing)
    assert {said for pair in outcomes for said in pair} <= {
        "taken", "1004-stay-changed", "1007-stay-not-discharged", "1008-stay-already-settled",
    }  # fmt: skip


async def test_of_two_returns_of_the_last_unit_at_once_one_is_taken(
    house: House, nanjing_a: Client
) -> None:
    for _ in range(6):
        stay, _ = await _open_stay(house, nanjing_a)
        said = await asyncio.gather(
            *(
                _said(
                    nanjing_a,
                    f"/stays/{stay}/lines",
                    {"lines": [_line(n, "bed", "-2", "50.00", returns=2)]},
                )
                for n in (4, 5)
            )
        )
        assert sorted(said)[1] == "taken", said
        assert sorted(said)[0] != "taken", said
