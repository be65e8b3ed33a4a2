"""Audit holds the clinical facts as settlement tells them, and knows what was never told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from services.audit.heard.claim import read
from services.audit.store import claims
from shared.contracts.claim import ClaimSettled
from shared.contracts.register import SCHEMAS
from shared.plumbing.bus.record import Record, read_event
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, POOL, record

FACTS = ("sex", "age", "weeks", "diagnoses", "procedures", "items", "items_left_out")


def golden(version: int) -> dict[str, Any]:
    path = SCHEMAS.parent / "goldens" / ClaimSettled.type / f"v{version}.json"
    told: dict[str, Any] = orjson.loads(path.read_bytes())
    return told | {"pool_code": POOL, "institution_code": HOSPITAL}


def as_event(told: dict[str, Any]) -> Record:
    return record(
        ClaimSettled.topic, ClaimSettled.type, told["claim_id"], 1, orjson.dumps(told)
    )  # fmt: skip


async def shown(audit: Audit, claim_id: str) -> dict[str, Any]:
    answer = await audit.client("r1").get(f"/claims/{claim_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_facts_are_kept_as_told(audit: Audit) -> None:
    told = golden(3)
    await audit.hear(as_event(told))
    claim = await shown(audit, told["claim_id"])
    assert {name: claim[name] for name in FACTS} == {name: told[name] for name in FACTS}
    assert claim["days_in_hospital"] == 4


async def test_what_is_kept_is_what_was_heard(audit: Audit) -> None:
    told = golden(3)
    await audit.hear(as_event(told))
    async with transaction(audit.pool, [AGENCY]) as tx:
        kept = await claims.find(tx, POOL, UUID(told["claim_id"]))
    assert kept == read(read_event(as_event(told)))


async def test_what_an_older_event_did_not_tell_is_not_known(audit: Audit) -> None:
    told = golden(2)
    await audit.hear(as_event(told))
    claim = await shown(audit, told["claim_id"])
    assert {name: claim[name] for name in FACTS} == {
        "sex": None, "age": None, "weeks": None, "diagnoses": [], "procedures": [],
        "items": None, "items_left_out": 0,
    }  # fmt: skip


async def test_a_bill_without_items_is_not_a_bill_untold(audit: Audit) -> None:
    told = golden(3) | {"items": []}
    await audit.hear(as_event(told))
    assert (await shown(audit, told["claim_id"]))["items"] == []
