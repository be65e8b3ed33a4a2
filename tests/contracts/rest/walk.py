"""One birth, from the employer's registration to the deduction, by every call that there is."""

from __future__ import annotations

from shared.plumbing.auth import add_client
from shared.plumbing.database import open_pool
from tests.contracts.rest.agency_walk import (
    catalogued,
    enrolled,
    heard_of,
    his_introduced,
    open_for_business,
    reconsidered,
)
from tests.contracts.rest.audit_walk import reviewed
from tests.contracts.rest.calls import Recorder
from tests.contracts.rest.hospital_walk import born, looked_back, registered_by_mistake
from tests.contracts.rest.walker import HIGH, POOL, Walker
from tests.support.agency import SERVICES, Agency


async def walk(whole: Agency, recorder: Recorder) -> None:
    """Make every call of the three services once; each keeps its request and answer."""
    for service in SERVICES:
        await _before_a_token(whole, recorder, service)
    mother = await enrolled(whole, recorder)
    await open_for_business(whole, recorder)
    await heard_of(whole, mother)
    claims = await born(whole, recorder, mother)
    await reviewed(whole, recorder, claims["second"])
    await reconsidered(whole, recorder)
    await looked_back(whole, recorder, claims)
    await catalogued(whole, recorder)
    await his_introduced(whole, recorder)
    await registered_by_mistake(whole, recorder, mother)
    operators = {
        service: Walker(recorder, await whole.caller(service, "operator", "operator", ""))
        for service in SERVICES
    }
    for service, operator in operators.items():
        topic = {
            "enrollment": "maternity.enrollment.person-state.v1",
            "settlement": "maternity.settlement.claim.v1",
            "audit": "maternity.audit.flag.v1",
        }[service]
        await operator.get("/events", topic=topic, after=0, limit=1)
    await _misspelt(whole, recorder, mother)
    for operator in operators.values():
        await operator.get("/events", name="without-a-topic")


async def _misspelt(whole: Agency, recorder: Recorder, mother: str) -> None:
    """The last: what comes after it would be frozen under other numbers."""
    hospital = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    admission = {"stay_number": "ZY-2024-0311", "person_ref": mother, "admited_on": "2024-03-11"}
    await Walker(recorder, hospital).post("/stays", admission, name="misspelt")


async def _before_a_token(whole: Agency, recorder: Recorder, service: str) -> None:
    http = whole.services[service].http
    for place in ("livez", "readyz", "metrics"):
        await recorder.call(http, "GET", f"/{service}/{place}")
    client_id, role, institution = {
        "enrollment": ("clerk-320100-a", "clerk", ""),
        "settlement": ("hospital-320100-a", "hospital", HIGH),
        "audit": ("reviewer-320100-a", "reviewer", ""),
    }[service]
    secret = await credential(whole, service, client_id, role, institution)
    body = {"client_id": client_id, "client_secret": secret}
    await recorder.call(http, "POST", f"/{service}/v1/token", body=body)
    wrong = {"client_id": client_id, "client_secret": "another"}
    await recorder.call(http, "POST", f"/{service}/v1/token", body=wrong, name="refused")


async def credential(
    whole: Agency, service: str, client_id: str, role: str, institution: str
) -> str:
    """The secret of a new client."""
    owner = await open_pool(whole.databases[service]["owner"], size=1)
    try:
        return await add_client(
            owner, client_id=client_id, role=role, pool_code=POOL,
            institution_code=institution, at=whole.clock.now(),
        )  # fmt: skip
    finally:
        await owner.close()
