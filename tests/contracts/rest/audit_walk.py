"""What reviewers do, from the flag to the deduction, and what is checked before a claim."""

from __future__ import annotations

from typing import Any

from shared.plumbing.database import AGENCY, transaction
from tests.contracts.rest.calls import Recorder
from tests.contracts.rest.walker import COUNTY, HIGH, LOW, POOL, Walker
from tests.support.agency import Agency, made, until
from tests.support.reviewing import raised_on


async def reviewed(whole: Agency, recorder: Recorder, claim: str) -> None:
    plain = await whole.caller("audit", "reviewer-a", "reviewer", POOL)
    first = Walker(recorder, plain)
    second = Walker(recorder, await whole.caller("audit", "reviewer-b", "reviewer", POOL))
    flag = await raised_on(plain, claim)
    await first.get("/flags", state="open", limit=10)
    await first.get("/flags", name="usual-by-money", order="money", overdue="false", limit=10)
    await first.get("/flag-counts")
    await first.get("/reasons")
    await first.post("/flags:next", {"state": "open"})
    await second.post(f"/flags/{flag}/lease", {}, name="held-by-another")
    await first.post(f"/flags/{flag}/lease", {"take_over": False})
    hospital = Walker(recorder, await whole.caller("audit", "hospital-b", "hospital", POOL, LOW))
    reviewed = {"version": 1, "reason_code": "duplicate-billing", "reason": "同一次分娩重复申报"}
    await first.post(f"/flags/{flag}/first-review", {"result": "pursue"} | reviewed)
    await hospital.get(f"/flags/{flag}/notice")
    line = {"line_number": 1, "text": "第二次为产后出血再入院"}
    said = {"version": 2, "stance": "contests", "text": "两次入院均有病历", "lines": [line]}
    await hospital.post(f"/flags/{flag}/statement", said)
    agreed = {"version": 3, "reason_code": "records-needed", "reason": "需核对病历"}
    place = f"/flags/{flag}/second-review"
    await first.post(place, {"result": "agree"} | agreed, name="by-the-same-person")
    await second.post(place, {"result": "investigate"} | agreed)
    shown = {"version": 4, "reason_code": "duplicate-billing", "reason": "病历显示为同一次分娩"}
    await second.post(f"/flags/{flag}/investigation", shown)
    taken_back = {"line_number": 1, "amount": "100.00"}
    disposal = {"outcome": "deduct", "amount": "100.00", "lines": [taken_back]}
    await first.post(f"/flags/{flag}/disposal", disposal | reviewed | {"version": 5})
    approval = {"agree": True} | reviewed | {"version": 6}
    await first.post(f"/flags/{flag}/approval", approval, name="by-the-same-person")
    await second.post(f"/flags/{flag}/approval", approval)
    await second.post(f"/flags/{flag}/release")
    clerk = await whole.caller("settlement", "clerk-c", "clerk", POOL)

    async def taken() -> Any:
        return (await made(clerk.get("/deductions")))["items"]

    async def told_back() -> Any:
        return (await made(plain.get(f"/flags/{flag}")))["deduction"] == "taken"

    await until(taken)
    await until(told_back)
    await first.get(f"/flags/{flag}")
    await first.get(f"/claims/{claim}")
    await first.get(f"/claims/{claim}/peers")
    await first.get("/reviews", since="2024-01-01", after="", limit=10)
    await first.get("/series", institution=LOW, since="2024-01", after="", limit=10)
    await first.get(f"/institutions/{LOW}")
    await first.get(f"/institutions/{LOW}/case-mix", until="2024-03", months=12)
    await first.get("/rules")
    await _snoozed(first, second)
    await _told_by_two(first, second)
    await first.get("/claim-scores", limit=10)
    await first.get("/scoring")
    unflagged = f"/claims/{await _unflagged(whole)}/pick"
    picked = await first.post(unflagged, {"reason": "再次核对费用明细"})
    await first.get(f"/flags/{picked['flag_id']}", name="usual-of-a-picked-claim")
    await second.post(unflagged, {"reason": "同上"}, name="picked-already")
    his = Walker(recorder, await whole.caller("audit", "his", "hospital", POOL, HIGH))
    checked = await his.post("/checks", CHECK)
    warned = {"case_ref": "ZY-2024-0400", "rule": "duplicate-charge", "way": "corrected"}
    await his.post(f"/checks/{checked['check_id']}/feedback", {"answers": [warned]})
    service = Walker(recorder, await whole.caller("audit", "service-settlement", "service", ""))
    asked_for = {"asked_for": {"pool_code": POOL, "institution_code": HIGH}}
    checked = await service.post("/checks:for-hospital", CHECK | asked_for)
    told = f"/checks/{checked['check_id']}/feedback:for-hospital"
    await service.post(told, {"answers": [warned]} | asked_for)
    await Walker(recorder, clerk).get("/deductions", state="pending", limit=10)


async def _snoozed(first: Walker, second: Walker) -> None:
    """A breach that is muted for a hospital by two people, and speaks again."""
    said = {"rule": "duplicate-claim", "institution_code": HIGH, "until": "2024-06-30",
            "reason": "系统切换期间重复上传"}  # fmt: skip
    asked = (await first.post("/snoozes", said))["snooze_id"]
    await first.post(f"/snoozes/{asked}/approve", {}, name="by-the-same-person")
    await second.post(f"/snoozes/{asked}/approve", {})
    await first.get("/snoozes", limit=10)
    await first.post(f"/snoozes/{asked}/end", {})


async def _told_by_two(first: Walker, second: Walker) -> None:
    """A price notice and a limit of an agreement, each by two people; a mistake is taken back."""
    notice = {"region": COUNTY, "month": "2024-04", "change": "0.05",
              "reason": "医疗服务价格调整通知"}  # fmt: skip
    kept = {"indicator": "caesarean-rate", "institution_code": LOW, "since": "2024-01",
            "window_months": 3, "limit": "0.35", "reason": "服务协议约定"}  # fmt: skip
    for place, said in (("/price-notices", notice), ("/indicator-limits", kept)):
        asked = (await first.post(place, said))["id"]
        await first.post(place, said, name="once-more")
        await first.post(f"{place}/{asked}/approve", {}, name="by-the-same-person")
        await second.post(f"{place}/{asked}/approve", {})
        await first.get(place, limit=10)
        if place == "/price-notices":
            await first.post(f"{place}/{asked}/end", {})
        else:
            await first.post(f"{place}/{asked}/end", {}, name="of-two-people")
            asked = await made(first.client.post(place, said | {"since": "2024-07"}))
            await first.post(f"{place}/{asked['id']}/end", {})


CHECK = {
    "stage": "in",
    "cases": [{
        "case_ref": "ZY-2024-0400", "person_ref": "00000000000000000000000000000099",
        "benefit": "delivery", "insurance_type": "510", "admitted_on": "2024-03-26",
        "event_on": "2024-03-26", "discharged_on": "2024-03-29", "total": "9000.00",
        "sex": "female", "age": 29, "mode": "cesarean", "weeks": 39,
        "diagnoses": ["O82.000", "Z37.000"], "procedures": ["74.1x01"],
        "orders": [
            {"item_code": "cesarean-section", "charged_on": "2024-03-26", "quantity": "2",
             "amount": "8000.00"},
            {"item_code": "anaesthesia", "charged_on": "2024-03-26", "quantity": "1",
             "amount": "600.00", "list_price": "600.00"},
        ],
    }],
}  # fmt: skip


async def _unflagged(whole: Agency) -> str:
    """The first claim that audit heard of and no rule met."""
    async with transaction(whole.services["audit"].app.state.desk.pool, [AGENCY]) as tx:
        return str(
            await tx.fetchval(
                "select claim_id from claim c where pool_code = $1 and status = 'settled'"
                " and not exists (select from flag f where f.claim_id = c.claim_id)"
                " order by settled_at, claim_id limit 1",
                POOL,
            )
        )
