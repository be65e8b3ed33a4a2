"""A valid request for each route, made together with what it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import uuid4

from shared.contracts.register import CONTRACTS
from tests.support.agency import made
from tests.support.peopled import SECRET, SERVICES, Asked, Owner, Peopled, request_of
from tests.support.reviewing import AGREE, APPROVAL, DISPOSAL, PURSUE, STATEMENT, proposed

E_, S_, U_ = "/enrollment/v1", "/settlement/v1", "/audit/v1"


async def _token(_: Peopled, __: Owner) -> Asked:
    return Asked("", body={"client_id": "known", "client_secret": SECRET})


def _events(topic: str) -> Callable[[Peopled, Owner], Awaitable[Asked]]:
    told = next(contract.type for contract in CONTRACTS if contract.topic == topic)

    async def events(_: Peopled, __: Owner) -> Asked:
        return Asked("operator", query={"topic": topic, "after": "0", "type": told, "limit": "5"})

    return events


for _service, _aggregate in zip(SERVICES, ("person-state", "claim", "flag"), strict=True):
    request_of(f"POST /{_service}/v1/token")(_token)
    topic = f"maternity.{_service}.{_aggregate}.v1"
    request_of(f"GET /{_service}/v1/events")(_events(topic))


@request_of(f"POST {E_}/employers")
async def employer(here: Peopled, owner: Owner) -> Asked:
    return Asked(
        "clerk",
        body={
            "employer_ref": here.fresh(), "name": "示例单位", "pool": owner.pool,
            "county_code": owner.pool, "kind": "enterprise",
        },
    )  # fmt: skip


@request_of(f"POST {E_}/persons")
async def person(here: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", body=await here.registration(owner))


@request_of(f"POST {E_}/imports")
async def persons(here: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", body={"items": [await here.registration(owner)]})


@request_of(f"POST {E_}/persons/{{person_ref}}/spells:end")
async def spell_end(here: Peopled, owner: Owner) -> Asked:
    known = await here.registered(owner)
    return Asked("clerk", {"person_ref": known["person_ref"]}, body={"end": "2024-01-01"})


@request_of(f"POST {E_}/persons:find")
async def found(here: Peopled, owner: Owner) -> Asked:
    known = await here.registered(owner)
    body = {"id_number": known["id_number"], "name": (await here.registration(owner))["name"]}
    return Asked("clerk", body=body)


@request_of(f"GET {E_}/persons/{{person_ref}}")
@request_of(f"GET {E_}/persons/{{person_ref}}/state")
async def known_person(here: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", {"person_ref": (await here.registered(owner))["person_ref"]})


@request_of(f"GET {E_}/persons/{{person_ref}}/entitlement")
async def entitlement(here: Peopled, owner: Owner) -> Asked:
    asked = await known_person(here, owner)
    asked.query = {"on": "2024-03-20", "benefit": "delivery"}
    return asked


@request_of(f"POST {E_}/contributions")
async def contribution(here: Peopled, owner: Owner) -> Asked:
    known = await here.registered(owner)
    month = {"person_ref": known["person_ref"], "month": "2024-01", "base": "6000.00"}
    return Asked("clerk", body={"items": [month]})


@request_of(f"GET {E_}/rates")
async def rates(_: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", query={"pool": owner.pool, "on": "2024-03-20"})


@request_of(f"POST {E_}/coverage-gaps")
async def gaps(here: Peopled, _: Owner) -> Asked:
    listed = {"id_number": here.id_number(), "employer_ref": "E1"}
    return Asked("clerk", body={"items": [listed], "on": "2024-03-20"})


@request_of(f"POST {S_}/stays")
async def stay(here: Peopled, owner: Owner) -> Asked:
    person_ref, pregnancy = await here.pregnancy(owner)
    return Asked(
        "hospital",
        body={
            "stay_number": here.fresh(), "person_ref": person_ref, "pregnancy_id": pregnancy,
            "admitted_on": "2024-03-20",
        },
    )  # fmt: skip


@request_of(f"GET {S_}/stays")
async def stays(here: Peopled, owner: Owner) -> Asked:
    person = await here.house.person(owner.pool)
    return Asked(
        "hospital",
        query={
            "person_ref": person, "since": "2020-01-01", "until": "2024-06-30",
            "after": str(uuid4()), "limit": "5",
        },
    )  # fmt: skip


@request_of(f"GET {S_}/stays/{{stay_id}}/lines")
async def lines_of(here: Peopled, owner: Owner) -> Asked:
    path = {"stay_id": (await here.stay(owner, discharge=False))[0]}
    return Asked("hospital", path, query={"after": "0", "limit": "5"})


@request_of(f"GET {S_}/stays/{{stay_id}}/record")
@request_of(f"GET {S_}/stays/{{stay_id}}")
async def known_stay(here: Peopled, owner: Owner) -> Asked:
    return Asked("hospital", {"stay_id": (await here.stay(owner, discharge=False))[0]})


@request_of(f"POST {S_}/stays/{{stay_id}}/lines")
async def lines(here: Peopled, owner: Owner) -> Asked:
    asked = await known_stay(here, owner)
    back = {"line_number": 50, "item_code": "bed", "own_code": "CW-01", "charged_on": "2024-03-21",
            "quantity": "-1", "price": "50.00", "returns": 2}  # fmt: skip
    asked.body = {"lines": [back]}
    return asked


@request_of(f"POST {S_}/stays/{{stay_id}}/lines:cancel")
async def cancelled_lines(here: Peopled, owner: Owner) -> Asked:
    asked = await known_stay(here, owner)
    asked.body = {"line_numbers": [1, 2]}
    return asked


@request_of(f"POST {S_}/stays/{{stay_id}}/reopen")
async def reopened(here: Peopled, owner: Owner) -> Asked:
    return Asked("hospital", {"stay_id": (await here.stay(owner))[0]})


@request_of(f"POST {S_}/stays/{{stay_id}}/cancel")
async def cancelled(here: Peopled, owner: Owner) -> Asked:
    asked = await stay(here, owner)
    desk = await here.caller("settlement", "hospital", owner)
    opened = await made(desk.post("/stays", asked.body))
    return Asked("hospital", {"stay_id": opened["stay_id"]})


@request_of(f"POST {S_}/stays/{{stay_id}}/discharge")
@request_of(f"POST {S_}/stays/{{stay_id}}/quote")
async def outcome(here: Peopled, owner: Owner) -> Asked:
    stay_id, body = await here.stay(owner, discharge=False)
    whole = {"benefit": "delivery", "infants": 1, "weeks": 39, "complications": ["none"],
             "extras": ["none"], "circumstances": ["emergency"],
             "diagnoses": ["O80.000"], "procedures": ["73.6x01"]}  # fmt: skip
    return Asked("hospital", {"stay_id": stay_id}, body=body | whole)


@request_of(f"POST {S_}/stays/{{stay_id}}/settle")
async def settle(here: Peopled, owner: Owner) -> Asked:
    stay_id, body = await here.stay(owner)
    return Asked("hospital", {"stay_id": stay_id}, body={"total": body["total"]})


@request_of(f"POST {S_}/settlements:batch")
async def batch(here: Peopled, owner: Owner) -> Asked:
    person_ref, pregnancy = await here.pregnancy(owner)
    lines = [
        {"line_number": 1, "item_code": "delivery", "own_code": "CW-01", "charged_on": "2024-03-21",
         "quantity": "2", "price": "2000.00"},
        {"line_number": 2, "item_code": "delivery", "charged_on": "2024-03-21", "quantity": "-1",
         "price": "2000.00", "returns": 1},
    ]  # fmt: skip
    record = {"benefit": "delivery", "discharged_on": "2024-03-24", "event_on": "2024-03-21",
              "mode": "vaginal", "infants": 1, "weeks": 39, "total": "2000.00",
              "complications": ["none"], "extras": ["none"], "circumstances": ["emergency"],
              "diagnoses": ["O80.000"], "procedures": ["73.6x01"]}  # fmt: skip
    case = {"key": here.fresh(), "stay_number": here.fresh(), "person_ref": person_ref,
            "pregnancy_id": pregnancy, "admitted_on": "2024-03-20", "benefit": "delivery",
            "lines": lines, "outcome": record}  # fmt: skip
    return Asked("hospital", body={"cases": [case]})


@request_of(f"GET {S_}/settlements")
async def of_stay(here: Peopled, owner: Owner) -> Asked:
    settled = await here.settled(owner)
    return Asked("hospital", query={"stay": settled["stay_id"], "institution": owner.hospital})


@request_of(f"GET {S_}/settlements/{{settlement_id}}")
@request_of(f"GET {S_}/settlements/{{settlement_id}}/explanation")
@request_of(f"POST {S_}/settlements/{{settlement_id}}/reverse")
async def settlement(here: Peopled, owner: Owner) -> Asked:
    return Asked("hospital", {"settlement_id": (await here.settled(owner))["settlement_id"]})


@request_of(f"POST {S_}/pregnancies")
async def pregnancy(here: Peopled, owner: Owner) -> Asked:
    person_ref = await here.house.person(owner.pool)
    body = {"person_ref": person_ref, "since": "2023-07-01", "institution_code": owner.hospital}
    return Asked("hospital", body=body)


@request_of(f"GET {S_}/pregnancies")
async def pregnancies(here: Peopled, owner: Owner) -> Asked:
    person_ref, _ = await here.pregnancy(owner)
    return Asked("hospital", query={"person_ref": person_ref, "limit": "5"})


@request_of(f"POST {S_}/pregnancies/{{pregnancy_id}}/correct")
async def corrected_pregnancy(here: Peopled, owner: Owner) -> Asked:
    _, pregnancy_id = await here.pregnancy(owner)
    return Asked("hospital", {"pregnancy_id": pregnancy_id}, body={"since": "2023-07-02"})


@request_of(f"POST {S_}/pregnancies/{{pregnancy_id}}/cancel")
async def cancelled_pregnancy(here: Peopled, owner: Owner) -> Asked:
    _, pregnancy_id = await here.pregnancy(owner)
    return Asked("hospital", {"pregnancy_id": pregnancy_id})


@request_of(f"POST {S_}/pregnancies/{{pregnancy_id}}/transfer")
async def transfer(here: Peopled, owner: Owner) -> Asked:
    _, pregnancy_id = await here.pregnancy(owner)
    path = {"pregnancy_id": pregnancy_id}
    return Asked("hospital", path, body={"institution_code": owner.hospital})


@request_of(f"GET {S_}/pregnancies/{{pregnancy_id}}/units")
async def units(here: Peopled, owner: Owner) -> Asked:
    _, pregnancy_id = await here.pregnancy(owner)
    return Asked("hospital", {"pregnancy_id": pregnancy_id})


@request_of(f"POST {S_}/allowances")
async def allowance(here: Peopled, owner: Owner) -> Asked:
    opened = await here.opened(owner)
    employer = {"base_monthly": "6000.00", "months": 12}
    body = {"entitlement_id": opened["entitlement_id"], "employers": [employer]}
    return Asked("clerk", body=body)


@request_of(f"GET {S_}/allowances")
async def allowances(here: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", query={"pregnancy": (await here.opened(owner))["pregnancy_id"]})


@request_of(f"POST {S_}/agreements")
async def agreement(here: Peopled, _: Owner) -> Asked:
    body = {"institution_code": here.fresh(), "level": 3, "start": "2020-01-01",
            "end": "2030-01-01"}  # fmt: skip
    return Asked("clerk", body=body)


@request_of(f"GET {S_}/agreements")
async def agreements(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"after": "H1/2020-01-01", "limit": "5"})


@request_of(f"GET {S_}/deductions")
async def deductions(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"after": str(uuid4()), "limit": "5", "state": "pending"})


@request_of(f"POST {S_}/reconsiderations")
async def reconsideration(here: Peopled, owner: Owner) -> Asked:
    person_ref = await here.house.person(owner.pool)
    body = {"since": "1990-01-01", "until": "2099-12-31", "person_ref": person_ref,
            "after": str(uuid4())}  # fmt: skip
    return Asked("clerk", body=body)


@request_of(f"GET {S_}/adjustments")
async def adjustments(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"after": str(uuid4()), "limit": "5", "state": "proposed"})


@request_of(f"POST {S_}/adjustments/{{adjustment_id}}/release")
@request_of(f"POST {S_}/adjustments/{{adjustment_id}}/reject")
async def adjustment(here: Peopled, owner: Owner) -> Asked:
    claim = (await here.settled(owner))["settlement_id"]
    return Asked("clerk", {"adjustment_id": str(await here.proposed(claim))})


@request_of(f"POST {S_}/catalogue-items")
async def item(here: Peopled, _: Owner) -> Asked:
    body = {"item_code": here.fresh(), "name": "床位费", "start": "2020-01-01", "end": "2030-01-01",
            "item_class": "b", "first_copay_rate": "0.1", "limit": "35.00", "kind": "facility",
            "level_1_limit": "25.00", "level_2_limit": "30.00", "level_3_limit": "35.00",
            "maternity": True, "delivery_mode": "vaginal"}  # fmt: skip
    return Asked("clerk", body=body)


@request_of(f"GET {S_}/catalogue-items")
async def items(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"since": "2020-01-01", "kind": "drug", "after": "0", "limit": "5"})


@request_of(f"POST {S_}/catalogue-items/{{item_code}}/end")
async def item_end(here: Peopled, owner: Owner) -> Asked:
    body = (await item(here, owner)).body
    await made((await here.caller("settlement", "clerk", owner)).post("/catalogue-items", body))
    return Asked("clerk", {"item_code": body["item_code"]}, body={"end": "2024-06-30"})


@request_of(f"POST {S_}/reconciliations")
async def reconciliation(here: Peopled, owner: Owner) -> Asked:
    settled = await here.settled(owner)
    sums = {"total": settled["total"], "fund": settled["desk"]["fund"], "account": "0.00"}
    stay = (await known_stay(here, owner)).path["stay_id"]
    person = await here.house.person(owner.pool)
    row = {"settlement_id": settled["settlement_id"], "refund": False, "stay_id": stay,
           "person_ref": person} | sums  # fmt: skip
    return Asked(
        "hospital",
        body={
            "since": "2023-12-31", "until": "2024-06-30", "insurance_type": "310",
            "refunds": "with", "totals": sums | {"rows": 1}, "rows": [row],
        },
    )  # fmt: skip


@request_of(f"GET {S_}/reconciliations")
async def reconciliations(_: Peopled, __: Owner) -> Asked:
    return Asked("hospital", query={"before": str(uuid4()), "limit": "5"})


@request_of(f"GET {S_}/reconciliations/{{reconciliation_id}}")
async def known_reconciliation(here: Peopled, owner: Owner) -> Asked:
    desk = await here.caller("settlement", "hospital", owner)
    made_ = await made(desk.post("/reconciliations", (await reconciliation(here, owner)).body))
    path = {"reconciliation_id": made_["reconciliation_id"]}
    return Asked("hospital", path, query={"after": "0", "limit": "5"})


@request_of(f"POST {S_}/item-mappings")
async def mapping(here: Peopled, _: Owner) -> Asked:
    body = {"own_code": here.fresh(), "own_name": "床位", "item_code": "bed",
            "start": "2024-01-01", "end": "2099-01-01"}  # fmt: skip
    return Asked("hospital", body=body)


@request_of(f"GET {S_}/item-mappings")
async def mappings(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"state": "proposed", "after": str(uuid4()), "limit": "5"})


@request_of(f"POST {S_}/item-mappings/{{mapping_id}}/approve")
@request_of(f"POST {S_}/item-mappings/{{mapping_id}}/reject")
async def reviewed_mapping(here: Peopled, owner: Owner) -> Asked:
    desk = await here.caller("settlement", "hospital", owner)
    proposed = await made(desk.post("/item-mappings", (await mapping(here, owner)).body))
    return Asked("clerk", {"mapping_id": proposed["mapping_id"]})


@request_of(f"POST {S_}/item-mappings/{{mapping_id}}/revoke")
async def revoked_mapping(here: Peopled, owner: Owner) -> Asked:
    return Asked("hospital", (await reviewed_mapping(here, owner)).path)


@request_of(f"GET {S_}/doubts")
async def doubts(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"after": str(uuid4()), "limit": "5"})


@request_of(f"GET {S_}/catalogue-imports")
async def imports(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"state": "proposed", "limit": "5"})


@request_of(f"POST {S_}/catalogue-imports/{{import_id}}/approve")
@request_of(f"POST {S_}/catalogue-imports/{{import_id}}/reject")
async def import_(here: Peopled, owner: Owner) -> Asked:
    return Asked("clerk", {"import_id": str(await here.imported(owner))})


@request_of(f"POST {S_}/agreements/{{institution_code}}/end")
async def agreement_end(here: Peopled, owner: Owner) -> Asked:
    body = (await agreement(here, owner)).body
    await made((await here.caller("settlement", "clerk", owner)).post("/agreements", body))
    path = {"institution_code": body["institution_code"]}
    return Asked("clerk", path, body={"end": "2024-06-30"})


@request_of(f"POST {S_}/books")
async def book(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk")


@request_of(f"POST {S_}/books/{{proposal}}/approve")
async def approval(here: Peopled, owner: Owner) -> Asked:
    other = await here.caller("settlement", "clerk", owner, name="proposer")
    return Asked("clerk", {"proposal": str((await made(other.post("/books")))["proposal"])})


@request_of(f"POST {S_}/his-profiles")
async def profile(here: Peopled, _: Owner) -> Asked:
    return Asked(
        "clerk",
        body={
            "institution_code": here.fresh(), "scheme": "signed_body", "access_key": "known",
            "secret": "0123456789abcdef", "networks": ["10.0.0.0/8"], "infcode_text": False,
            "refused_as": -1, "med_types": [{"code": "52", "benefit": "delivery"}],
            "insurance_types": ["310", "510"],
            "demanded": [{"infno": "2401", "fields": ["mdtrtinfo.geso_val"]}],
            "matn_stas": [{"code": "1", "state": "pregnant"}], "elsewhere": ["3", "4"],
        },
    )  # fmt: skip


@request_of(f"GET {S_}/his-profiles")
async def profiles(_: Peopled, __: Owner) -> Asked:
    return Asked("clerk", query={"after": "0", "limit": "5"})


@request_of(f"POST {S_}/his-profiles/{{proposal}}/approve")
async def profile_approval(here: Peopled, owner: Owner) -> Asked:
    other = await here.caller("settlement", "clerk", owner, name="proposer")
    asked = (await profile(here, owner)).body
    proposed = await made(other.post("/his-profiles", asked))
    return Asked("clerk", {"proposal": str(proposed["proposal"])})


@request_of(f"POST {S_}/periods")
async def period(here: Peopled, _: Owner) -> Asked:
    number = next(here.number)
    return Asked("finance", body={"month": f"{1990 + number // 12 % 30}-{number % 12 + 1:02d}"})


@request_of(f"POST {S_}/prices")
async def prices(here: Peopled, owner: Owner) -> Asked:
    claim = (await here.settled(owner))["settlement_id"]
    item = {"settlement_id": claim, "without_lines": [2], "without_items": ["oxytocin"],
            "less": [{"item_code": "delivery", "amount": "10.00"}],
            "corrected": {"mode": "cesarean", "infants": 1, "weeks": 39, "complications": ["none"],
                          "extras": ["none"], "circumstances": ["abroad"]}}  # fmt: skip
    return Asked("clerk", body={"pool": owner.pool, "items": [item]})


@request_of(f"GET {U_}/flags")
async def flags(here: Peopled, owner: Owner) -> Asked:
    await here.flag(owner)
    return Asked("reviewer", query={
        "state": "open", "order": "raised", "overdue": "false", "after": str(uuid4()),
        "family": "duplicate-claim", "limit": "5",
    })  # fmt: skip


@request_of(f"GET {U_}/flags/{{flag_id}}")
async def flag(here: Peopled, owner: Owner) -> Asked:
    return Asked("reviewer", {"flag_id": (await here.flag(owner))["flag_id"]})


@request_of(f"POST {U_}/flags/{{flag_id}}/lease")
async def lease(here: Peopled, owner: Owner) -> Asked:
    asked = await flag(here, owner)
    asked.body = {"take_over": False}
    return asked


@request_of(f"POST {U_}/flags/{{flag_id}}/release")
async def release(here: Peopled, owner: Owner) -> Asked:
    return await flag(here, owner)


@request_of(f"POST {U_}/flags:next")
async def next_flag(here: Peopled, owner: Owner) -> Asked:
    await here.flag(owner)
    return Asked("reviewer", body={"state": "open", "family": "duplicate-claim"})


@request_of(f"GET {U_}/flag-counts")
async def flag_counts(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer")


async def _stepped(here: Peopled, owner: Owner, steps: int) -> tuple[str, int]:
    """A flag after so many steps of others, and its version."""
    raised = (await here.flag(owner))["flag_id"]
    first = await here.caller("audit", "reviewer", owner, name="first")
    second = await here.caller("audit", "reviewer", owner, name="second")
    hospital = await here.caller("audit", "hospital", owner)
    return raised, await proposed(first, second, hospital, raised, steps)


@request_of(f"POST {U_}/flags/{{flag_id}}/first-review")
async def first_review(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 0)
    return Asked("reviewer", {"flag_id": raised}, body=PURSUE | {"version": version})


@request_of(f"GET {U_}/flags/{{flag_id}}/notice")
async def notice(here: Peopled, owner: Owner) -> Asked:
    raised, _ = await _stepped(here, owner, 1)
    return Asked("hospital", {"flag_id": raised})


@request_of(f"POST {U_}/flags/{{flag_id}}/statement")
async def statement(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 1)
    lines = [{"line_number": 3, "text": "第二次为产后出血再入院"}]
    body = STATEMENT | {"version": version, "lines": lines}
    return Asked("hospital", {"flag_id": raised}, body=body)


@request_of(f"POST {U_}/flags/{{flag_id}}/second-review")
async def second_review(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 2)
    return Asked("reviewer", {"flag_id": raised}, body=AGREE | {"version": version})


@request_of(f"POST {U_}/flags/{{flag_id}}/investigation")
async def investigation(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 2)
    second = await here.caller("audit", "reviewer", owner, name="second")
    ordered = AGREE | {"result": "investigate", "version": version}
    version = (await made(second.post(f"/flags/{raised}/second-review", ordered)))["version"]
    found = {"reason_code": "not-provided", "reason": "病历中无此项记录", "version": version}
    return Asked("reviewer", {"flag_id": raised}, body=found)


@request_of(f"POST {U_}/flags/{{flag_id}}/disposal")
async def disposal(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 3)
    lines = [{"line_number": 3, "amount": "100.00"}]
    body = DISPOSAL | {"version": version, "lines": lines}
    return Asked("reviewer", {"flag_id": raised}, body=body)


@request_of(f"POST {U_}/flags/{{flag_id}}/approval")
async def disposal_approval(here: Peopled, owner: Owner) -> Asked:
    raised, version = await _stepped(here, owner, 4)
    return Asked("reviewer", {"flag_id": raised}, body=APPROVAL | {"version": version})


@request_of(f"GET {U_}/reviews")
async def reviews(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer", query={"since": "2024-01-01", "after": "", "limit": "10"})


@request_of(f"GET {U_}/reasons")
async def reasons(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer")


@request_of(f"GET {U_}/claims/{{claim_id}}")
async def claim(here: Peopled, owner: Owner) -> Asked:
    return Asked("reviewer", {"claim_id": (await here.flag(owner))["claim_id"]})


@request_of(f"GET {U_}/series")
async def series(_: Peopled, owner: Owner) -> Asked:
    asked = {"institution": owner.hospital, "since": "2024-01", "limit": "5",
             "after": f"{owner.hospital}/2024-01"}  # fmt: skip
    return Asked("reviewer", query=asked)


@request_of(f"GET {U_}/institutions/{{institution_code}}")
async def institution(here: Peopled, owner: Owner) -> Asked:
    await here.flag(owner)
    return Asked("reviewer", {"institution_code": owner.hospital})


@request_of(f"GET {U_}/institutions/{{institution_code}}/case-mix")
async def case_mix(here: Peopled, owner: Owner) -> Asked:
    asked = {"until": "2024-03", "months": "12", "grouping": "chs_drg_11"}
    return replace(await institution(here, owner), query=asked)


@request_of(f"GET {U_}/claims/{{claim_id}}/peers")
async def peers(here: Peopled, owner: Owner) -> Asked:
    return await claim(here, owner)


@request_of(f"POST {U_}/claims/{{claim_id}}/pick")
async def pick(here: Peopled, owner: Owner) -> Asked:
    # Of a birth told twice the one that nobody flagged.
    unflagged = await here.owners["audit"].fetchval(
        "select o.claim_id::text from claim c join claim o using (pool_code, person_ref)"
        " where c.claim_id = $1::uuid and o.claim_id <> c.claim_id",
        (await here.flag(owner))["claim_id"],
    )
    return Asked("reviewer", {"claim_id": unflagged}, body={"reason": "与同级机构相比偏高"})


@request_of(f"GET {U_}/scoring")
async def scoring(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer")


@request_of(f"GET {U_}/rules")
async def rules(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer")


@request_of(f"POST {U_}/checks")
async def check(here: Peopled, owner: Owner) -> Asked:
    case = {
        "case_ref": here.fresh(), "person_ref": here.fresh(), "benefit": "delivery",
        "insurance_type": "510", "admitted_on": "2024-02-01", "event_on": "2024-03-22",
        "discharged_on": "2024-07-01", "total": "6000.00", "fund": "3000.00", "sex": "female",
        "age": 29, "mode": "vaginal", "weeks": 39, "severity": 1, "insured": True,
        "diagnoses": ["O80.000"], "procedures": ["73.6x01"],
        "orders": [{"item_code": "bed-day", "quantity": "3", "amount": "180.00",
                    "charged_on": "2024-03-22", "list_price": "60.00"}],
    }  # fmt: skip
    return Asked("hospital", body={"stage": "in", "rules": ["male-delivery"], "cases": [case]})


@request_of(f"POST {U_}/checks/{{check_id}}/feedback")
async def feedback(_: Peopled, __: Owner) -> Asked:
    answer = {"case_ref": "ZY-1", "rule": "male-delivery", "way": "corrected"}
    return Asked("hospital", {"check_id": str(uuid4())}, body={"answers": [answer]})


def _asked_for(owner: Owner) -> dict[str, dict[str, str]]:
    return {"asked_for": {"pool_code": owner.pool, "institution_code": owner.hospital}}


@request_of(f"POST {U_}/checks:for-hospital")
async def check_for(here: Peopled, owner: Owner) -> Asked:
    return Asked("service", body=(await check(here, owner)).body | _asked_for(owner))


@request_of(f"POST {U_}/checks/{{check_id}}/feedback:for-hospital")
async def feedback_for(here: Peopled, owner: Owner) -> Asked:
    told = await feedback(here, owner)
    return Asked("service", told.path, body=told.body | _asked_for(owner))


@request_of(f"GET {U_}/snoozes")
async def snoozes(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer", query={"after": str(uuid4()), "limit": "5"})


@request_of(f"POST {U_}/snoozes")
async def snooze(here: Peopled, owner: Owner) -> Asked:
    until = (here.whole.clock.now() + timedelta(days=30)).date().isoformat()
    # Not the rule that other requests need a flag of.
    said = {"rule": "male-delivery", "institution_code": owner.hospital, "until": until,
            "reason": "转诊中心"}  # fmt: skip
    return Asked("reviewer", body=said)


async def _asked_snooze(here: Peopled, owner: Owner) -> Asked:
    first = await here.caller("audit", "reviewer", owner, name="first")
    made_now = await made(first.post("/snoozes", (await snooze(here, owner)).body))
    return Asked("reviewer", {"snooze_id": made_now["snooze_id"]}, body={})


@request_of(f"POST {U_}/snoozes/{{snooze_id}}/approve")
async def snooze_approval(here: Peopled, owner: Owner) -> Asked:
    return await _asked_snooze(here, owner)


@request_of(f"POST {U_}/snoozes/{{snooze_id}}/end")
async def snooze_end(here: Peopled, owner: Owner) -> Asked:
    return await _asked_snooze(here, owner)


@request_of(f"GET {U_}/claim-scores")
async def claim_scores(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer", query={"after": str(uuid4()), "limit": "5"})


@request_of(f"GET {U_}/price-notices")
async def price_notices(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer", query={"after": str(uuid4()), "limit": "5"})


_COUNTIES = count(100000)  # of one county and month there is one notice


@request_of(f"POST {U_}/price-notices")
async def price_notice(_: Peopled, __: Owner) -> Asked:
    said = {"region": str(next(_COUNTIES)), "month": "2024-02", "change": "0.05",
            "reason": "价格文件"}  # fmt: skip
    return Asked("reviewer", body=said)


async def _asked_by_two(here: Peopled, owner: Owner, place: str, said: Asked) -> Asked:
    first = await here.caller("audit", "reviewer", owner, name="first")
    made_now = await made(first.post(place, said.body))
    return Asked("reviewer", {"id": made_now["id"]}, body={})


@request_of(f"POST {U_}/price-notices/{{id}}/approve")
async def price_notice_approval(here: Peopled, owner: Owner) -> Asked:
    return await _asked_by_two(here, owner, "/price-notices", await price_notice(here, owner))


@request_of(f"POST {U_}/price-notices/{{id}}/end")
async def price_notice_end(here: Peopled, owner: Owner) -> Asked:
    return await price_notice_approval(here, owner)


@request_of(f"GET {U_}/indicator-limits")
async def indicator_limits(_: Peopled, __: Owner) -> Asked:
    return Asked("reviewer", query={"after": str(uuid4()), "limit": "5"})


@request_of(f"POST {U_}/indicator-limits")
async def indicator_limit(_: Peopled, __: Owner) -> Asked:
    said = {"indicator": "caesarean-rate", "institution_code": f"H{next(_COUNTIES)}",
            "since": "2024-02", "window_months": 3, "limit": "0.35",
            "reason": "协议条款"}  # fmt: skip
    return Asked("reviewer", body=said)


@request_of(f"POST {U_}/indicator-limits/{{id}}/approve")
async def indicator_limit_approval(here: Peopled, owner: Owner) -> Asked:
    said = await indicator_limit(here, owner)
    return await _asked_by_two(here, owner, "/indicator-limits", said)


@request_of(f"POST {U_}/indicator-limits/{{id}}/end")
async def indicator_limit_end(here: Peopled, owner: Owner) -> Asked:
    return await indicator_limit_approval(here, owner)
