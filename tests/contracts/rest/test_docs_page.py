"""The page to try calls out: all that it loads comes from here."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.house.test_routes import app_of
from tests.support.agency import SERVICES

_LOADED = re.compile(r'(?:src|href)="([^"]+)"')


@pytest.mark.parametrize("service", SERVICES)
async def test_everything_the_page_loads_is_served_here(service: str, tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app_of(service, tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        place = f"/{service}/docs"
        page = await http.get(place)
        loaded = [name for name in _LOADED.findall(page.text) if not name.startswith("data:")]
        assert page.headers["content-type"].startswith("text/html")
        assert len(loaded) == 3
        for name in loaded:
            asset = await http.get(str(httpx.URL(f"http://here{place}").join(name)))
            assert (asset.status_code, bool(asset.content)) == (200, True), name
        script = await http.get(f"{place}/try.js")
        assert "://" not in page.text + script.text
        described = await http.get(f"/{service}/openapi.json")
        assert described.status_code == 200
        assert (await http.get(f"{place}/page.html")).status_code == 404


async def test_the_description_is_open_to_a_reader_in_each_language(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app_of("settlement", tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        text = (await http.get("/settlement/openapi.json")).text
    assert "以分娩（手术、就诊）日" in text
    assert "The rules in force on the day of the birth" in text
