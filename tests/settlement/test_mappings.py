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
