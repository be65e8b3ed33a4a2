"""A hospital's own codes are mapped to the catalogue, reviewed, and revoked."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.settlement.conftest import NANJING, House
from tests.support.running import Client


def _body(**changed: Any) -> dict[str, Any]:
    return {"own_code": "CW-01", "own_name": "普通床位", "item_code": "bed"} | changed


async def _said(caller: Client, place: str, body: Any = None) -> str:
    answer = await caller.post(place, body)
    return str(answer.json().get("state") or answer.json()["code"])


async def test_a_mapping_counts_once_it_is_approved_and_until_it_is_revoked(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    clerk = house.clerks[NANJING]
    assert await _said(nanjing_a, "/item-mappings", _body(item_code="none")) == "1065-item-unknown"
    made = (await nanjing_a.post("/item-mappings", _body())).json()["mapping_id"]
    assert await _said(nanjing_a, "/item-mappings", _body(item_code="photo")) == (
        "1071-mapping-stands"
    )
    # Another hospital's code is its own.
    assert await _said(nanjing_b, "/item-mappings", _body(item_code="photo")) == "proposed"
    place = f"/item-mappings/{made}"
    assert await _said(nanjing_a, f"{place}/approve") == "4-forbidden"
    assert await _said(nanjing_b, f"{place}/revoke") == "1070-mapping-unknown"
    assert await _said(clerk, f"{place}/approve") == "approved"
    assert await _said(clerk, f"{place}/reject") == "1072-mapping-decided"
    approved = (await nanjing_a.get("/item-mappings")).json()["items"]
    assert [one["mapping_id"] for one in approved] == [made]
    assert (await nanjing_b.get("/item-mappings")).json()["items"] == []
    assert await _said(nanjing_a, f"{place}/revoke") == "revoked"
    assert await _said(nanjing_a, f"{place}/revoke") == "1072-mapping-decided"
    assert await _said(nanjing_a, "/item-mappings", _body(item_code="photo")) == "proposed"


async def test_what_is_not_in_force_any_more_is_not_mapped(house: House, nanjing_a: Client) -> None:
    clerk = house.clerks[NANJING]
    ended = await clerk.post("/catalogue-items/photo/end", {"end": "2024-03-01"})
    assert ended.status_code == 201
    assert await _said(nanjing_a, "/item-mappings", _body(item_code="photo")) == (
        "1065-item-unknown"
    )


async def test_of_two_mappings_of_one_code_at_once_one_stands(
    house: House, nanjing_a: Client
) -> None:
    said = await asyncio.gather(*(_said(nanjing_a, "/item-mappings", _body()) for _ in range(4)))
    assert sorted(said) == ["1071-mapping-stands"] * 3 + ["proposed"]


async def test_a_doubt_about_lines_goes_with_them(house: House, nanjing_a: Client) -> None:
    """And what is told of them again is doubted once."""
    made = (await nanjing_a.post("/item-mappings", _body())).json()["mapping_id"]
    clerk = house.clerks[NANJING]
    assert await _said(clerk, f"/item-mappings/{made}/approve") == "approved"
    person = await house.person(NANJING)
    stay, _ = await house.stay(
        nanjing_a, person, await house.pregnancy(nanjing_a, person), discharge=False
    )
    today = f"{house.clock.now():%Y-%m-%d}"

    async def told(*numbers: int) -> None:
        lines = [{"line_number": n, "item_code": "photo", "own_code": "CW-01",
                  "charged_on": today, "quantity": "1", "price": "1.00"}
                 for n in numbers]  # fmt: skip
        answer = await nanjing_a.post(f"/stays/{stay}/lines", {"lines": lines})
        assert answer.status_code == 201, answer.text

    async def doubted() -> list[list[int]]:
        found = (await clerk.get("/doubts")).json()["items"]
        return [[line["line_number"] for line in one["found"]["lines"]] for one in found]

    async def cancelled(body: dict[str, Any]) -> None:
        answer = await nanjing_a.post(f"/stays/{stay}/lines:cancel", body)
        assert answer.status_code == 201, answer.text

    await told(11, 12)
    await told(13)
    assert await doubted() == [[11, 12], [13]]
    before = (await clerk.get("/doubts")).json()["items"][0]
    await cancelled({"line_numbers": [12, 13]})
    (left,) = (await clerk.get("/doubts")).json()["items"]
    assert left == before | {"found": {"lines": before["found"]["lines"][:1]}}
    await told(12)
    assert await doubted() == [[11], [12]]
    await cancelled({"line_numbers": "all"})
    assert await doubted() == []
