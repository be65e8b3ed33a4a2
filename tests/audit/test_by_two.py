"""Price notices and limits of agreements count, for the watch, once a second person agreed."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from services.audit.store import indicators, price_notices
from services.audit.work.watch import watch_once
from shared.ids import new_id
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, LOT, Audit, FixedClock
from tests.audit.events import HOSPITAL, OTHER_POOL, POOL

NOTICE = {"region": POOL, "month": "2026-01", "change": "0.05", "reason": "价格文件"}
LIMIT = {"indicator": "caesarean-rate", "institution_code": HOSPITAL, "since": "2025-12",
         "window_months": 3, "limit": "0.35", "reason": "服务协议约定"}  # fmt: skip
PLACES = [("/price-notices", NOTICE), ("/indicator-limits", LIMIT)]


async def post(
    audit: Audit, place: str, body: dict[str, Any], by: str = "r1", **who: str
) -> httpx.Response:
    headers = {"idempotency-key": str(new_id())}
    return await audit.client(by, **who).post(place, json=body, headers=headers)


async def agreed(audit: Audit, place: str, said: dict[str, Any]) -> str:
    """Asked for by one and approved by another; its id."""
    asked = await post(audit, place, said)
    assert asked.status_code == 201, asked.text
    id = str(asked.json()["id"])
    assert (await post(audit, f"{place}/{id}/approve", {}, "r2")).json()["state"] == "standing"
    return id


async def counting(audit: Audit) -> int:
    """How many notices and limits the watch is told of."""
    async with transaction(audit.pool, [AGENCY]) as tx:
        notices = await price_notices.standing(tx, POOL)
        return len(notices) + len(await indicators.standing(tx, POOL))


@pytest.mark.parametrize(("place", "said"), PLACES)
async def test_it_counts_when_another_agreed(
    audit: Audit, place: str, said: dict[str, Any]
) -> None:
    asked = (await post(audit, place, said)).json()
    assert (asked["state"], asked["by"], asked["approved_by"]) == ("asked", "r1", None)
    assert await counting(audit) == 0
    alone = await post(audit, f"{place}/{asked['id']}/approve", {}, "r1")
    assert (alone.status_code, alone.json()["code"]) == (422, "4036-approver-is-asker")
    both = await post(audit, f"{place}/{asked['id']}/approve", {}, "r2")
    assert (both.status_code, both.json()["state"]) == (200, "standing")
    assert await counting(audit) == 1
    again = await post(audit, f"{place}/{asked['id']}/approve", {}, "r3")
    assert (again.status_code, again.json()["code"]) == (409, "4035-no-approval-awaited")
    [listed] = [v for v in (await audit.client("r1").get(place)).json().values() if v]
    assert [one["approved_by"] for one in listed] == ["r2"]
    table = {"/price-notices": "posted_price", "/indicator-limits": "indicator_limit"}[place]
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        await audit.owner.execute(f"update {table} set approved_by = by")  # noqa: S608


@pytest.mark.parametrize(("place", "said"), PLACES)
async def test_of_one_place_and_month_one_waits(
    audit: Audit, place: str, said: dict[str, Any]
) -> None:
    first = (await post(audit, place, said)).json()["id"]
    again = await post(audit, place, said)
    assert (again.status_code, again.json()["code"]) == (409, "4038-one-is-there-already")
    assert (await post(audit, f"{place}/{first}/end", {}, "r3")).json()["state"] == "ended"
    gone = await post(audit, f"{place}/{first}/end", {}, "r3")
    assert (gone.status_code, gone.json()["code"]) == (409, "4037-ended-already")
    assert (await post(audit, place, said)).status_code == 201


async def test_a_notice_that_stands_is_taken_back_and_a_limit_is_not(audit: Audit) -> None:
    notice = await agreed(audit, "/price-notices", NOTICE)
    assert (await post(audit, f"/price-notices/{notice}/end", {}, "r1")).status_code == 200
    cut = await agreed(audit, "/price-notices", NOTICE | {"change": "-0.05"})
    alone = await post(audit, f"/price-notices/{cut}/end", {}, "r1")
    assert (alone.status_code, alone.json()["code"]) == (409, "4039-stands-by-two-people")
    limit = await agreed(audit, "/indicator-limits", LIMIT)
    alone = await post(audit, f"/indicator-limits/{limit}/end", {}, "r1")
    assert (alone.status_code, alone.json()["code"]) == (409, "4039-stands-by-two-people")
    assert await counting(audit) == 2
    with pytest.raises(asyncpg.CheckViolationError, match="stands_by_two"):
        await audit.owner.execute("update indicator_limit set ended_by = 'r1'")


@pytest.mark.parametrize(
    ("place", "wrong", "right", "field"),
    [
        ("/price-notices", NOTICE | {"change": "-0.50"}, NOTICE | {"change": "-0.05"}, "change"),
        ("/price-notices", NOTICE | {"change": "-0.50"}, NOTICE | {"change": "0.00"}, "change"),
        ("/indicator-limits", LIMIT | {"limit": "0.95"}, LIMIT, "limit"),
        ("/indicator-limits", LIMIT, LIMIT | {"limit": None}, "limit"),
    ],
)
async def test_what_two_people_set_amiss_two_people_correct(
    audit: Audit, place: str, wrong: dict[str, Any], right: dict[str, Any], field: str
) -> None:
    first = await agreed(audit, place, wrong)
    asked = await post(audit, place, right, "r3")
    assert asked.status_code == 201, asked.text
    assert await counting(audit) == 1  # until another agrees the first one counts
    second = asked.json()["id"]
    alone = await post(audit, f"{place}/{second}/approve", {}, "r3")
    assert alone.json()["code"] == "4036-approver-is-asker"
    assert (await post(audit, f"{place}/{second}/approve", {}, "r4")).status_code == 200
    assert await counting(audit) == 1
    [listed] = [v for v in (await audit.client("r1").get(place)).json().values() if v]
    told = {one["id"]: (one["state"], one["replaced_by"], one[field]) for one in listed}
    assert told == {
        first: ("ended", second, wrong[field]), second: ("standing", None, right[field])
    }  # fmt: skip
    gone = await post(audit, f"{place}/{first}/end", {}, "r1")
    assert gone.json()["code"] == "4037-ended-already"
    noun = place[1:].removesuffix("s")
    rows = await audit.owner.fetch("select action, actor from log where actor = 'r4' order by id")
    assert [tuple(row) for row in rows] == [(f"{noun}-replaced", "r4"), (f"{noun}-approved", "r4")]


async def test_limits_of_different_places_stand_side_by_side(audit: Audit) -> None:
    await agreed(audit, "/indicator-limits", LIMIT)
    await agreed(audit, "/indicator-limits", LIMIT | {"institution_code": None})
    await agreed(audit, "/indicator-limits", LIMIT | {"since": "2026-02"})
    assert await counting(audit) == 3


@pytest.mark.parametrize(("place", "said"), PLACES)
async def test_who_may_not(audit: Audit, place: str, said: dict[str, Any]) -> None:
    assert (await post(audit, place, said, role="hospital")).status_code == 403
    mine = (await post(audit, place, said)).json()["id"]
    elsewhere = await post(audit, f"{place}/{mine}/approve", {}, "r9", pool=OTHER_POOL)
    assert elsewhere.status_code == 404
    listed = (await audit.client("r9", pool=OTHER_POOL).get(place)).json()
    assert listed == {place[1:].replace("-", "_"): [], "next": None}
    for wall, seen in ((AGENCY, 1), (HOSPITAL, 0)):
        async with transaction(audit.pool, [wall]) as tx:
            both = (price_notices.page, indicators.page)
            assert sum([len(await page(tx, POOL, None, 10)) for page in both]) == seen


@pytest.mark.parametrize(
    ("place", "said", "code"),
    [
        ("/price-notices", NOTICE | {"change": "-1.0"}, "1-malformed"),
        ("/price-notices", NOTICE | {"month": "2026-13"}, "1-malformed"),
        ("/price-notices", NOTICE | {"region": "north"}, "1-malformed"),
        ("/indicator-limits", LIMIT | {"limit": "35"}, "4040-limit-does-not-fit-indicator"),
        ("/indicator-limits", LIMIT | {"indicator": "beauty"}, "1-malformed"),
        ("/indicator-limits", LIMIT | {"window_months": 13}, "1-malformed"),
        ("/indicator-limits", LIMIT | {"reason": ""}, "1-malformed"),
    ],
)
async def test_what_it_may_not_say(
    audit: Audit, place: str, said: dict[str, Any], code: str
) -> None:
    answer = await post(audit, place, said)
    assert answer.json()["code"] == code
    assert await audit.owner.fetchval("select count(*) from log") == 0


@pytest.mark.parametrize(("place", "said"), PLACES)
async def test_each_step_is_logged(audit: Audit, place: str, said: dict[str, Any]) -> None:
    await agreed(audit, place, said)
    rows = await audit.owner.fetch("select action, actor, to_state from log order by id")
    noun = place[1:].removesuffix("s")
    assert [tuple(row) for row in rows] == [
        (f"{noun}-asked", "r1", "asked"), (f"{noun}-approved", "r2", "standing"),
    ]  # fmt: skip


async def test_a_pool_without_claims_is_watched_in_peace(audit: Audit) -> None:
    await agreed(audit, "/indicator-limits", LIMIT)
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    assert await audit.flags() == []
