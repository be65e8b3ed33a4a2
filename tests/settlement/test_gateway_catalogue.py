"""The catalogue read page by page while it changes, and what was missed since a day: 1312."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from shared.plumbing.clock import business_day
from tests.settlement.conftest import NANJING, House, gateway_house
from tests.support.his import His, Refused
from tests.support.postgres import ServiceDatabases

HOSPITAL = f"H{NANJING}a"
_DAY = timedelta(days=1)


@pytest.fixture
async def house(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Hospital a speaks by csb in milliseconds; the catalogue is each test's own."""
    folder = tmp_path_factory.mktemp("house")
    async with gateway_house(module_databases("settlement"), folder, HOSPITAL) as opened:
        yield opened


@pytest.fixture
def his(house: House) -> His:
    """The system of hospital a."""
    return His(house.running.http, house.clock, HOSPITAL)


async def _listed(house: House, code: str, start: date, **more: Any) -> None:
    body = {"item_code": code, "name": code, "item_class": "a", "start": start.isoformat(),
            "kind": "material"} | more  # fmt: skip
    answer = await house.clerks[NANJING].post("/catalogue-items", body)
    assert answer.status_code == 201, answer.text


async def _ended(house: House, code: str, end: date) -> None:
    house.clock.at += timedelta(seconds=1)
    body = {"end": end.isoformat()}
    clerk = await house.running.caller(f"clerk-{code}", "clerk", NANJING)  # days may have passed
    answer = await clerk.post(f"/catalogue-items/{code}/end", body)
    assert answer.status_code == 201, answer.text


async def _page(his: His, number: int = 1, size: int = 100, **asked: str) -> dict[str, Any]:
    """Codes with their vali_flag, in the order of a page."""
    told = {"list_type": "301", "page_num": str(number), "page_size": str(size)} | asked
    rows = (await his.call("1312", {"data": told}))["data"]
    assert len({row["hilist_code"] for row in rows}) == len(rows)
    return {row["hilist_code"]: row["vali_flag"] for row in rows}


async def test_no_item_is_lost_between_pages_while_others_change(house: House, his: His) -> None:
    today = business_day(house.clock.now())
    codes = ["P-1", "P-2", "P-3", "P-4", "P-5"]
    for code in reversed(codes):
        await _listed(house, code, date(2020, 1, 1))
    since = {"updt_time": today.isoformat()}
    seen = [await _page(his, 1, 2), await _page(his, 1, 2, **since)]
    await _ended(house, "P-1", today)
    await _ended(house, "P-2", today + 30 * _DAY)
    for asked in ({}, since):
        seen += [await _page(his, number, 2, **asked) for number in (2, 3)]
    assert seen == [{"P-1": "1", "P-2": "1"}] * 2 + [{"P-3": "1", "P-4": "1"}, {"P-5": "1"}] * 2
    assert await _page(his) == dict.fromkeys(codes, "1") | {"P-1": "0"}
    assert await _page(his, hilist_code="P-1") == {}
    # Two days on, a list of all is of what is in force.
    house.clock.at += 2 * _DAY
    assert await _page(his) == dict.fromkeys(codes[1:], "1")


async def test_what_a_hospital_missed_since_a_day_is_told(house: House, his: His) -> None:
    today = business_day(house.clock.now())
    await _listed(house, "S-1", date(2020, 1, 1))
    await _listed(house, "S-2", date(2020, 1, 1))
    await _listed(house, "S-3", date(2020, 1, 1), end=(today + 3 * _DAY).isoformat())
    await _listed(house, "S-4", today + 3 * _DAY)
    await _listed(house, "S-5", date(2020, 1, 1), end=(today - 9 * _DAY).isoformat())
    assert await _page(his) == dict.fromkeys(("S-1", "S-2", "S-3"), "1")
    house.clock.at += 4 * _DAY
    await _ended(house, "S-1", today + 4 * _DAY)
    # Begun and ended as it was told long before; and ended today.
    missed = {"updt_time": (today + _DAY).isoformat()}
    assert await _page(his, **missed) == {"S-1": "0", "S-3": "0", "S-4": "1"}
    assert await _page(his, updt_time=(today + 4 * _DAY).isoformat()) == {"S-1": "0"}
    assert await _page(his, updt_time=(today + 5 * _DAY).isoformat()) == {}


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u0007", "\u2028", "\u0085"])
async def test_the_name_of_an_own_code_hides_nothing(house: House, his: His, hidden: str) -> None:
    """Whoever approves it reads what was written."""
    own = {"fixmedins_hilist_id": "CW-09", "fixmedins_hilist_name": f"普通{hidden}床位",
           "med_list_codg": "bed"}  # fmt: skip
    with pytest.raises(Refused) as refused:
        await his.call("3301", {"data": [own]})
    assert refused.value.number == 5007
    assert "fixmedins_hilist_name" in refused.value.err_msg
    await his.call("3301", {"data": [own | {"fixmedins_hilist_name": "普通 床位（双人）"}]})
    await his.call("3302", {"data": [{"fixmedins_hilist_id": "CW-09"}]})
