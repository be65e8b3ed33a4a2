"""Lists of the agency's desk are read page by page: each row once, and an end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.settlement.conftest import KIZILSU, House
from tests.settlement.test_adjusting import MARCH, second, settled, with_book
from tests.settlement.test_adjusting_deductions import deducted
from tests.support.agency import made
from tests.support.late_document import LATE_AT_ONCE
from tests.support.running import Client

__all__ = ["second"]


async def read(by: Client, path: str, limit: int, **asked: Any) -> list[list[Any]]:
    """All pages of a list."""
    pages: list[list[Any]] = []
    place = {}
    while True:
        page = await made(by.get(path, limit=limit, **asked, **place))
        pages.append(page["items"])
        if page["next"] is None:
            return pages
        place = {"after": page["next"]}


async def test_agreements(house: House) -> None:
    clerk = house.clerks[KIZILSU]
    for start, end in (("2010-01-01", "2012-01-01"), ("2012-01-01", "2014-01-01")):
        body = {"institution_code": f"H{KIZILSU}b", "level": 2, "start": start, "end": end}
        await made(clerk.post("/agreements", body))
    pages = await read(clerk, "/agreements", 2)
    read_so = [(one["institution_code"][-1], one["start"]) for page in pages for one in page]
    assert read_so == [
        ("a", "2020-01-01"), ("b", "2010-01-01"), ("b", "2012-01-01"), ("b", "2020-01-01"),
    ]  # fmt: skip
    assert [len(page) for page in pages] == [2, 2, 0]


@pytest.mark.parametrize(
    "place", ["H", "H/2020-02-30", "H/2020-1-1", "/2020-01-01", "Ä/2020-01-01"]
)
async def test_a_place_that_is_none(house: House, place: str) -> None:
    answer = await house.clerks[KIZILSU].get("/agreements", after=place)
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed")


async def test_deductions_and_adjustments(house: House, second: Client, tmp_path: Path) -> None:
    claims = [await settled(house) for _ in range(3)]
    for number, claim in enumerate(claims):
        assert await deducted(house, claim, f"f{number}", "1.00") == "deduction-taken"
    pages = await read(second, "/deductions", 2, state="pending")
    newest_first = [claim["settlement_id"] for claim in reversed(claims)]
    assert [one["settlement_id"] for page in pages for one in page] == newest_first
    assert [len(page) for page in pages] == [2, 1]
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    proposed = (await made(second.post("/reconsiderations", MARCH)))["proposed"]
    pages = await read(second, "/adjustments", 2, state="proposed")
    assert [one["adjustment_id"] for page in pages for one in page] == proposed
    assert [len(page) for page in pages] == [2, 1]
