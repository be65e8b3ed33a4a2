"""Checks before the claim: what the rules will say, at each stage, of the hospital's own cases."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from shared.ids import new_id
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, OTHER_HOSPITAL, Telling


def a_case(**facts: Any) -> dict[str, Any]:
    """A birth by cesarean of a woman, billed with all that belongs to it."""
    orders = [
        {"item_code": code, "quantity": "1", "amount": amount, "charged_on": "2026-03-01"}
        for code, amount in (("cesarean-section", "4000.00"), ("anaesthesia", "600.00"))
    ]
    return {
        "case_ref": "ZY-1", "person_ref": "p1", "benefit": "delivery", "insurance_type": "510",
        "admitted_on": "2026-03-01", "discharged_on": "2026-03-04", "total": "6000.00",
        "sex": "female", "age": 30, "mode": "cesarean", "weeks": 39, "insured": True,
        "diagnoses": ["O82.000"], "procedures": ["74.1x01"], "orders": orders,
    } | facts  # fmt: skip


async def checked(
    audit: Audit, *cases: dict[str, Any], stage: str = "in", **more: Any
) -> httpx.Response:
    body = {"stage": stage, "cases": cases} | more
    return await audit.client("his", "hospital").post("/checks", json=body)


async def found(audit: Audit, *cases: dict[str, Any], stage: str = "in", **more: Any) -> Any:
    answer = await checked(audit, *cases, stage=stage, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["cases"]


async def test_a_sound_case_may_be_filed(audit: Audit) -> None:
    [case] = await found(audit, a_case())
    assert (case["case_ref"], case["advice"], case["findings"]) == ("ZY-1", "proceed", [])
    assert case["silent"] == ["price-above-list"]


async def test_a_breach_is_to_be_put_right_and_is_told_in_both_languages(audit: Audit) -> None:
    [case] = await found(audit, a_case(sex="male"))
    [finding] = case["findings"]
    assert (case["advice"], finding["rule"], finding["grade"]) == (
        "hold", "male-delivery", "violation",
    )  # fmt: skip
    for words, sex in ((finding["explanation"], "a man"), (finding["explanation_zh"], "性别为男")):
        for told in ("ZY-1", HOSPITAL, "6000.00", "735", "male-delivery", sex):
            assert told in words, (told, words)
        assert "{" not in words


async def test_what_is_only_suspicious_is_filed_and_expects_a_question(audit: Audit) -> None:
    [case] = await found(audit, a_case(orders=[]))
    assert case["advice"] == "expect_review"
    assert {f["rule"] for f in case["findings"]} == {"caesarean-without-anaesthesia"}


async def test_orders_of_one_item_are_added_up(audit: Audit) -> None:
    order = {"item_code": "cesarean-section", "quantity": "1", "amount": "1000.00",
             "charged_on": "2026-03-01"}  # fmt: skip
    with_anaesthesia = order | {"item_code": "anaesthesia"}
    [case] = await found(audit, a_case(orders=[order, with_anaesthesia, order]))
    [finding] = case["findings"]
    assert (finding["rule"], finding["amount_at_risk"]) == ("duplicate-charge", "1000.00")
    assert finding["evidence"]["quantity"] == "2"


@pytest.mark.parametrize("stage", ["before", "in", "after"])
async def test_a_rule_is_asked_at_its_stages(audit: Audit, stage: str) -> None:
    newborn = {"item_code": "newborn-care", "quantity": "1", "amount": "100.00",
               "charged_on": "2026-03-01"}  # fmt: skip
    case = a_case(mode="vaginal", orders=[newborn])
    named = ["newborn-on-mothers-bill"]
    [whole] = await found(audit, case, stage=stage, rules=named)
    assert len(whole["findings"]) == 1
    [split] = await found(audit, case, stage=stage, rules=["split-stay"])
    assert split["findings"] == []
    duplicate = a_case(orders=[newborn | {"item_code": "cesarean-section", "quantity": "2"}])
    [late] = await found(audit, duplicate, stage=stage, rules=["duplicate-charge"])
    assert len(late["findings"]) == (0 if stage == "before" else 1)


async def test_what_is_not_told_is_silent(audit: Audit) -> None:
    bare = {k: v for k, v in a_case().items() if k not in ("sex", "age", "orders", "procedures")}
    [case] = await found(audit, bare)
    assert case["findings"] == []
    assert {"male-delivery", "age-of-person", "duplicate-charge"} <= set(case["silent"])


async def test_a_case_is_compared_with_the_hospitals_own_claims_alone(audit: Audit) -> None:
    own, other = Telling(born="2026-02-20"), Telling(born="2026-02-25", hospital=OTHER_HOSPITAL)
    other.person = "p2"
    await audit.hear(own.settled(), other.settled())
    [case] = await found(audit, a_case())
    [finding] = case["findings"]
    assert (finding["rule"], finding["evidence"]["rival"]) == ("duplicate-claim", str(own.claim_id))
    [unseen] = await found(audit, a_case(person_ref="p2"))
    assert unseen["findings"] == []
    assert OTHER_HOSPITAL not in str(unseen)
    [itself] = await found(audit, a_case(case_ref=str(own.claim_id)))
    assert itself["findings"] == []
    await audit.hear(own.reversed())
    [free] = await found(audit, a_case())
    assert free["findings"] == []


async def test_cases_of_one_request_meet(audit: Audit) -> None:
    cases = await found(audit, a_case(), a_case(case_ref="ZY-2", admitted_on="2026-03-02"))
    assert [{f["rule"] for f in case["findings"]} for case in cases] == [
        set(), {"duplicate-claim", "stays-of-one-hospital-overlap"},
    ]  # fmt: skip


async def test_a_check_stores_nothing(audit: Audit) -> None:
    before = await audit.contents()
    await found(audit, a_case(sex="male"))
    assert await audit.contents() == before
    assert await audit.owner.fetchval("select count(*) from idempotency") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sex": "m"}, {"age": 131}, {"total": "1"}, {"admitted_on": "2026-3-1"},
        {"discharged_on": "2026-02-28"}, {"diagnoses": ["o80"]}, {"name": "x"},
        {"orders": [{"item_code": "a", "quantity": "1", "amount": "1.00"}]},
    ],
)  # fmt: skip
async def test_what_is_not_of_the_form_is_refused(audit: Audit, wrong: dict[str, Any]) -> None:
    answer = await checked(audit, a_case(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed")


async def test_more_or_fewer_cases_than_a_check_takes_are_refused(audit: Audit) -> None:
    many = [a_case(case_ref=f"ZY-{n}") for n in range(21)]
    for cases in ([], many, [a_case(), a_case()]):
        assert (await checked(audit, *cases)).status_code == 400


async def test_only_hospitals_check(audit: Audit) -> None:
    body = {"stage": "in", "cases": [a_case()]}
    assert (await audit.client("r1").post("/checks", json=body)).status_code == 403


def an_answer(**said: Any) -> dict[str, Any]:
    return {"answers": [{"case_ref": "ZY-1", "rule": "male-delivery", "way": "corrected"} | said]}


async def told(audit: Audit, body: dict[str, Any], key: str, check: str) -> httpx.Response:
    client = audit.client("his", "hospital")
    return await client.post(
        f"/checks/{check}/feedback", json=body, headers={"idempotency-key": key}
    )


async def test_what_a_hospital_says_to_a_warning_is_kept_once(audit: Audit) -> None:
    check = str(new_id())
    one = await told(audit, an_answer(way="kept", reason="性别登记有误"), "k", check)
    again = await told(audit, an_answer(way="kept", reason="性别登记有误"), "k", check)
    assert one.status_code == 201, one.text
    assert (one.content, again.status_code) == (again.content, 201)
    rows = await audit.owner.fetch(
        "select institution_code, check_id::text, rule, way, reason from warning_answer"
    )
    assert [tuple(row) for row in rows] == [
        (HOSPITAL, check, "male-delivery", "kept", "性别登记有误")
    ]
    logged = await audit.owner.fetchval("select count(*) from log where action = 'check-answered'")
    assert logged == 1
    assert (await told(audit, an_answer(way="kept"), "k2", check)).status_code == 400
    with pytest.raises(asyncpg.CheckViolationError, match="keeping_has_a_reason"):
        await audit.owner.execute("update warning_answer set reason = ''")


async def test_answers_lie_behind_the_hospitals_wall(audit: Audit) -> None:
    await told(audit, an_answer(), "k", str(new_id()))
    async with audit.pool.acquire() as connection, connection.transaction():
        for wall, seen in ((HOSPITAL, 1), (OTHER_HOSPITAL, 0), ("*", 1)):
            await connection.execute("select set_config('app.callers', $1, true)", wall)
            assert await connection.fetchval("select count(*) from warning_answer") == seen
