"""The calls to click through work as they stand, from registration to the approved disposal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contracts.http_file import Editor, requests_of
from tests.contracts.rest.agency_walk import heard_of, open_for_business
from tests.contracts.rest.calls import Recorder
from tests.contracts.rest.hospital_walk import claimed_again
from tests.contracts.rest.walk import credential
from tests.contracts.rest.walker import HIGH, LOW
from tests.support.agency import Agency, agency, made, until
from tests.support.postgres import ServiceDatabases
from tests.support.source import ROOT

FILES = ROOT / "docs" / "http"


async def _clicked(
    whole: Agency, service: str, given: Mapping[str, str], *, until_last: bool = False
) -> dict[str, Any]:
    """Send every request of a service's file; what the named ones answered."""
    editor = Editor({"url": "", **given})
    written = requests_of(FILES / f"{service}.http")
    for request in written[:-1] if until_last else written:
        answer = await editor.send(whole.services[service].http, request)
        assert answer.is_success, (request.address, answer.text)
    return editor.answers


async def test_every_request_of_the_files_works(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with agency(service_databases, tmp_path, None) as whole:
        described = {name: here.app.openapi() for name, here in whole.services.items()}
        await open_for_business(whole, Recorder(described))
        clerk = await credential(whole, "enrollment", "clerk-320100-a", "clerk", "")
        person = (await _clicked(whole, "enrollment", {"secret": clerk}))["person"]["person_ref"]
        await heard_of(whole, person)
        desk = await credential(whole, "settlement", "hospital-320100-a", "hospital", HIGH)
        given = {"secret": desk, "person": person}
        await _clicked(whole, "settlement", given, until_last=True)
        claim = await claimed_again(whole, person)
        await _flagged(whole, claim)
        secrets = {
            place: await credential(whole, "audit", f"reviewer-320100-{who}", "reviewer", "")
            for place, who in (("secret", "a"), ("second_secret", "b"))
        }
        secrets["hospital_secret"] = await credential(
            whole, "audit", "hospital-320100-b", "hospital", LOW
        )
        await _clicked(whole, "audit", secrets)
        await whole.close()


async def _flagged(whole: Agency, claim: str) -> None:
    reviewer = await whole.caller("audit", "reader", "reviewer", "320100")

    async def raised() -> bool:
        flags = (await made(reviewer.get("/flags", state="open")))["flags"]
        return any(flag["claim_id"] == claim for flag in flags)

    await until(raised)
