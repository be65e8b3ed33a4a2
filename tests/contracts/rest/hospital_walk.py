"""What hospitals do: a birth from the pregnancy's registration to its claim, and what is undone."""

from __future__ import annotations

from tests.contracts.rest.calls import Recorder
from tests.contracts.rest.walker import HIGH, LINES, LOW, POOL, TOTAL, Walker
from tests.support.agency import Agency, made


async def born(whole: Agency, recorder: Recorder, mother: str) -> dict[str, str]:
    """A birth by every call; and one in another hospital, eleven days later, that cannot be."""
    plain = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    desk = Walker(recorder, plain)
    registered = {"person_ref": mother, "since": "2023-07-01", "institution_code": LOW}
    pregnancy = (await desk.post("/pregnancies", registered))["pregnancy_id"]
    await desk.post(f"/pregnancies/{pregnancy}/transfer", {"institution_code": HIGH})
    await desk.get("/pregnancies", person_ref=mother, limit=10)
    await _checked(desk, mother, pregnancy)
    admission = {"stay_number": "ZY-2024-0310", "person_ref": mother,
                 "pregnancy_id": pregnancy, "admitted_on": "2024-03-10"}  # fmt: skip
    stay = (await desk.post("/stays", admission))["stay_id"]
    lines = [line | {"charged_on": "2024-03-10"} for line in LINES]
    await desk.post(f"/stays/{stay}/lines", {"lines": lines})
    await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}, name="not-discharged")
    outcome = {"event_on": "2024-03-10", "discharged_on": "2024-03-14", "mode": "cesarean",
               "infants": 1, "weeks": 39, "total": TOTAL,
               "diagnoses": ["O82.100x002", "O34.200", "Z37.000"],
               "procedures": ["74.1x01", "03.9101"]}  # fmt: skip
    await desk.post(f"/stays/{stay}/quote", outcome)
    await desk.post(f"/stays/{stay}/discharge", outcome)
    await desk.get(f"/stays/{stay}")
    first = (await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}))["settlement_id"]
    await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}, name="settled-already")
    await desk.get(f"/settlements/{first}")
    await desk.get(f"/settlements/{first}/explanation")
    audit = Walker(recorder, await whole.caller("settlement", "service-audit", "service", ""))
    disputed = [
        {"settlement_id": first, "without_lines": [3]},
        {"settlement_id": first, "less": [{"item_code": "bed-day", "amount": "80.00"}]},
        {"settlement_id": first, "corrected": {"mode": "vaginal"}},
        {"settlement_id": first, "without_items": ["labour-analgesia"]},
    ]
    await audit.post("/prices", {"pool": POOL, "items": disputed})
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    opened = (await clerk.get("/allowances", pregnancy=pregnancy))["items"]
    await clerk.get("/allowances", name="usual-in-a-state", state="opened", limit=10)
    (allowance,) = [item["entitlement_id"] for item in opened if item["kind"] == "allowance"]
    base = {"entitlement_id": allowance, "wage_sum": "720000.00", "head_months": 120}
    await clerk.post("/allowances", base)
    await clerk.post("/allowances", base, name="fixed-already")
    await _told_whole(desk, mother, pregnancy)
    second = await claimed_again(whole, mother)
    return {"stay": stay, "first": first, "second": second, "mother": mother}


async def _checked(desk: Walker, mother: str, pregnancy: str) -> None:
    """A prenatal visit: the same calls as a birth, and what the pregnancy's units have left."""
    day = "2023-10-16"
    visit = {"stay_number": "MZ-2023-1016", "person_ref": mother, "pregnancy_id": pregnancy,
             "admitted_on": day, "benefit": "prenatal"}  # fmt: skip
    stay = (await desk.post("/stays", visit, name="usual-visit"))["stay_id"]
    line = {"line_number": 1, "item_code": "cesarean-section", "charged_on": day, "quantity": "1",
            "price": "300.00"}  # fmt: skip
    await made(desk.client.post(f"/stays/{stay}/lines", {"lines": [line]}))
    record = {"benefit": "prenatal", "event_on": day, "discharged_on": day, "week": 15,
              "total": "300.00", "diagnoses": ["Z34.900"]}  # fmt: skip
    await desk.post(f"/stays/{stay}/discharge", record, name="usual-visit")
    await desk.post(f"/stays/{stay}/settle", {"total": "300.00"}, name="usual-visit")
    await desk.get(f"/pregnancies/{pregnancy}/units")


async def _told_whole(desk: Walker, mother: str, pregnancy: str) -> None:
    """Two visits in one call, the second under a number that is used already."""
    cases = []
    for day, number in (("2023-12-11", "MZ-2023-1211"), ("2024-01-15", "MZ-2023-1016")):
        line = {"line_number": 1, "item_code": "prenatal-check", "charged_on": day,
                "quantity": "1", "price": "120.00"}  # fmt: skip
        record = {"benefit": "prenatal", "event_on": day, "discharged_on": day, "week": 23,
                  "total": "120.00"}  # fmt: skip
        cases.append({"key": f"visit-{day}", "stay_number": number, "person_ref": mother,
                      "pregnancy_id": pregnancy, "admitted_on": day, "benefit": "prenatal",
                      "lines": [line], "outcome": record})  # fmt: skip
    await desk.post("/settlements:batch", {"cases": cases})


async def claimed_again(whole: Agency, mother: str) -> str:
    """A second birth of the same mother in another hospital, settled: it cannot be."""
    low = await whole.caller("settlement", "hospital-b", "hospital", POOL, LOW)
    registered = {"person_ref": mother, "since": "2024-03-12", "institution_code": LOW}
    pregnancy = (await made(low.post("/pregnancies", registered)))["pregnancy_id"]
    admission = {"stay_number": "ZY-2024-0321", "person_ref": mother,
                 "pregnancy_id": pregnancy, "admitted_on": "2024-03-21"}  # fmt: skip
    stay = (await made(low.post("/stays", admission)))["stay_id"]
    lines = [line | {"charged_on": "2024-03-21"} for line in LINES]
    await made(low.post(f"/stays/{stay}/lines", {"lines": lines}))
    outcome = {"event_on": "2024-03-21", "discharged_on": "2024-03-24", "mode": "cesarean",
               "total": TOTAL}  # fmt: skip
    await made(low.post(f"/stays/{stay}/discharge", outcome))
    return str((await made(low.post(f"/stays/{stay}/settle", {"total": TOTAL})))["settlement_id"])


async def registered_by_mistake(whole: Agency, recorder: Recorder, mother: str) -> None:
    """A pregnancy of another day than was written, and in the end of another person."""
    plain = await whole.caller("settlement", "hospital-c", "hospital", POOL, LOW)
    desk = Walker(recorder, plain)
    registered = {"person_ref": mother, "since": "2024-03-25", "institution_code": LOW}
    pregnancy = (await made(plain.post("/pregnancies", registered)))["pregnancy_id"]
    await desk.post(f"/pregnancies/{pregnancy}/correct", {"since": "2024-03-26"})
    await desk.post(f"/pregnancies/{pregnancy}/cancel", {})


async def looked_back(whole: Agency, recorder: Recorder, claims: dict[str, str]) -> None:
    plain = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    desk = Walker(recorder, plain)
    await desk.post(f"/settlements/{claims['first']}/reverse", {})
    await desk.get("/settlements", stay=claims["stay"], institution=HIGH)
    await _level(desk, claims)
    await desk.get(f"/stays/{claims['stay']}/lines", after=1, limit=2)
    await desk.get(f"/stays/{claims['stay']}/record")
    await desk.get("/stays", person_ref=claims["mother"], since="2024-01-01", limit=1)
    await desk.get(
        "/settlements", name="usual-of-a-person", person_ref=claims["mother"], institution=HIGH
    )
    await _undone(desk, claims["stay"])
    await _mapped(whole, desk)


async def _mapped(whole: Agency, desk: Walker) -> None:
    """The hospital's own codes: one is approved and revoked later, one is rejected."""
    clerk = Walker(desk.recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    said = {"own_code": "CW-01", "own_name": "普通床位", "item_code": "bed-day"}
    kept = (await desk.post("/item-mappings", said))["mapping_id"]
    await desk.post("/item-mappings", said, name="stands-already")
    other = said | {"own_code": "CW-02"}
    wrong = (await made(desk.client.post("/item-mappings", other)))["mapping_id"]
    await clerk.get("/item-mappings", state="proposed", limit=10)
    await clerk.post(f"/item-mappings/{kept}/approve", {})
    await clerk.post(f"/item-mappings/{wrong}/reject", {})
    await desk.post(f"/item-mappings/{kept}/revoke", {})
    await clerk.get("/doubts", limit=10)


async def _level(desk: Walker, claims: dict[str, str]) -> None:
    """The hospital's book of the days, which knows of the reversal but not of what was settled."""
    reversed_ = await made(desk.client.get(f"/settlements/{claims['first']}"))
    sums = {"total": f"-{reversed_['total']}", "fund": f"-{reversed_['desk']['fund']}",
            "account": reversed_["member_account"]}  # fmt: skip
    period = {"since": "2024-01-01", "until": "2024-12-31"}
    nothing = {"total": "0.00", "fund": "0.00", "account": "0.00", "rows": 0}
    totals = period | {"insurance_type": "310", "refunds": "without", "totals": nothing}
    await desk.post("/reconciliations", totals, name="usual-totals")
    row = {"settlement_id": claims["first"], "refund": True} | sums
    detail = period | {"totals": sums | {"rows": 1}, "rows": [row]}
    kept = (await desk.post("/reconciliations", detail))["reconciliation_id"]
    await desk.post("/reconciliations", detail | {"rows": []}, name="rows-that-do-not-sum")
    await desk.get("/reconciliations", limit=10)
    await desk.get(f"/reconciliations/{kept}", after=0, limit=2)


async def _undone(desk: Walker, stay: str) -> None:
    """A stay whose settlement was reversed is taken back, step by step, to its beginning."""
    await desk.post(f"/stays/{stay}/cancel", {}, name="discharged")
    await desk.post(f"/stays/{stay}/reopen", {})
    back = {"line_number": 4, "item_code": "bed-day", "charged_on": "2024-03-12",
            "quantity": "-1", "price": "80.00", "returns": 2}  # fmt: skip
    await desk.post(f"/stays/{stay}/lines", {"lines": [back]}, name="usual-return")
    too_many = back | {"line_number": 5, "quantity": "-4"}
    await desk.post(f"/stays/{stay}/lines", {"lines": [too_many]}, name="returns-too-many")
    await desk.post(f"/stays/{stay}/lines:cancel", {"line_numbers": [3]})
    await desk.post(
        f"/stays/{stay}/lines:cancel", {"line_numbers": "all"}, name="usual-all-that-is-left"
    )
    await desk.post(f"/stays/{stay}/cancel", {})
