"""Whether the people of a run are named where nobody may be: in what processes log and count."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import httpx

from tests.faults.processes import Processes


def leaks(texts: Mapping[str, str], words: Collection[str]) -> list[str]:
    """The places that hold one of the words, as it is or as JSON may write it."""
    told = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    return [place for place, text in texts.items() if any(form in text for form in told)]


def logs(folder: Path) -> dict[str, str]:
    """What the processes of a folder wrote."""
    return {file.name: file.read_text("utf-8", "replace") for file in folder.glob("*.log")}


async def said_by(town: Processes) -> dict[str, str]:
    """The logs and the metrics of all that run."""
    found = logs(town.site.folder)
    async with httpx.AsyncClient(timeout=10) as http:
        for service, address in town.site.addresses.items():
            answer = await http.get(f"{address}/{service}/metrics")
            assert answer.status_code == httpx.codes.OK
            found[f"{service}'s metrics"] = answer.text
    return found
