"""The opening of a folder that an earlier release opened."""

from __future__ import annotations

import httpx
import pytest

from deploy.local.opening import enter

ITEM = {"item_code": "bed-day", "start": "2020-01-01"}


async def _answered(status: int, code: str = "") -> list[httpx.Request]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={"code": code})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        await enter(http, "catalogue-items", "token", ITEM)
    return asked


async def test_what_stands_in_other_words_stays() -> None:
    """An item of an earlier release overlaps what this one says of it."""
    for status, code in ((201, ""), (409, "1030-item-overlaps"), (409, "1011-agreement-overlaps")):
        (request,) = await _answered(status, code)
        assert request.url.path == "/settlement/v1/catalogue-items"


@pytest.mark.parametrize(
    ("status", "code"), [(400, "1-malformed"), (409, "9-twin-running"), (503, "10-busy")]
)
async def test_what_is_refused_otherwise_is_told(status: int, code: str) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        await _answered(status, code)
