"""Contributions: what a month owes, booked once, told once; and what it entitles to."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrollment.domain.contribution import due, month_rates
from services.enrollment.domain.refusals import Refusal
from shared.contracts.person import ContributionPosted, PersonStateChanged
from shared.money import Money
from shared.period import Month
from shared.policy.compiler import compile_book, demo_allowance
from shared.policy.shapes import MemberKind
from tests.enrollment.conftest import (
    KIZILSU,
    NANJING,
    NANJING_COUNTY,
    NOW,
    Enrollment,
    id_number,
)

BOOK = compile_book(allow=demo_allowance())


def months(first: str, count: int) -> list[str]:
    return [str(Month.parse(first).plus(n)) for n in range(count)]


async def pay(enrollment: Enrollment, ref: str, of: list[str], **options: Any) -> Any:
    items = [{"person_ref": ref, "month": month, "base": "6000.00"} for month in of]
    return await enrollment.post("/contributions", {"items": items}, **options)


async def test_one_rate_for_both_insurances(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    body = {"person_ref": ref, "month": "2024-05", "base": "6000.00"}
    answer = await enrollment.post("/contributions", body, who="kizilsu-finance")
    booked = answer.json()
    assert answer.status_code == 201
    assert (booked["employer"], booked["individual"], booked["total"]) == (
        "510.00", "120.00", "630.00",
    )  # fmt: skip
    assert (booked["employer_rate"], booked["individual_rate"]) == ("0.085", "0.02")
    assert booked["employer_document"] == "kizilsu-merger-2019"
    assert booked["employer_article"] == "二(二)"
    assert booked["state_version"] == 2
    row = await enrollment.owner.fetchrow(
        "select key, aggregate_id, sequence, data from outbox where type = $1",
        ContributionPosted.type,
    )
    assert (row["key"], row["aggregate_id"], row["sequence"]) == (
        ref, booked["contribution_id"], 1,
    )  # fmt: skip
    event = ContributionPosted.from_bytes(row["data"])
    assert (event.employer, event.individual, event.month) == ("510.00", "120.00", "2024-05")
    assert (event.document, event.article) == ("kizilsu-merger-2019", "二(二)")


async def test_what_is_amiss_is_told_of_the_form_that_was_sent(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    good = {"person_ref": ref, "month": "2024-05", "base": "6000.00"}
    for body, pointer, code, zh in (
        ({"items": [good, good | {"base": "-1.00"}]}, "/items/1/base", "not-a-base", "缴费基数"),
        (good | {"month": "2024-13"}, "/month", "not-a-month", "YYYY-MM"),
        (good | {"base": 6000.5}, "/base", "a-fraction", "小数点"),
        ({"person_ref": ref, "month": "2024-05"}, "/base", "missing", "必填"),
    ):
        refused = await enrollment.post("/contributions", body, who="kizilsu-finance")
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["pointer"], error["code"]) == (400, pointer, code)
        assert zh in error["title_zh"]
        assert "1.00" not in refused.text


async def test_flexible_members_pay_the_medical_rate_themselves(enrollment: Enrollment) -> None:
    made = await enrollment.person(
        kind="flexible", employer_ref=None, who="nanjing-clerk", county_code=NANJING_COUNTY
    )
    assert made["spell"]["insurance"] == ["310"]
    answer = await pay(enrollment, made["person_ref"], ["2024-05"], who="nanjing-clerk")
    (booked,) = answer.json()["items"]
    assert (booked["employer"], booked["individual"]) == ("0.00", "480.00")
    assert booked["individual_document"] == "nanjing-rates-2024"


async def test_twelve_months_make_one_version(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    answer = await pay(enrollment, ref, months("2023-01", 12))
    assert [item["state_version"] for item in answer.json()["items"]] == [2] * 12
    state = (await enrollment.get(f"/persons/{ref}/state", who="settlement")).json()["state"]
    assert (state["state_version"], state["paid"]) == (
        2, [{"first": "2023-01", "last": "2023-12"}],
    )  # fmt: skip
    late = await pay(enrollment, ref, ["2024-02"])
    assert late.json()["items"][0]["state_version"] == 3
    late = await pay(enrollment, ref, ["2024-01"])
    state = (await enrollment.get(f"/persons/{ref}/state", who="settlement")).json()["state"]
    assert (state["state_version"], state["paid"]) == (
        4, [{"first": "2023-01", "last": "2024-02"}],
    )  # fmt: skip


async def test_a_list_is_booked_whole_or_not_at_all(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    await pay(enrollment, ref, ["2023-03"])
    cases = [
        ([*months("2023-01", 3)], 2, "3013-month-already-paid"),
        (["2023-05", "2023-05"], 1, "3013-month-already-paid"),
        (["2023-04", "2022-12"], 1, "3012-not-insured-in-month"),
        (["2023-04", "2024-07"], 1, "3014-month-not-begun"),
    ]
    for of, item, expected in cases:
        answer = await pay(enrollment, ref, of)
        assert answer.json()["code"] == expected
        assert answer.json()["errors"][0]["pointer"] == f"/items/{item}"
    assert await enrollment.owner.fetchval("select count(*) from contribution") == 1
    assert await enrollment.owner.fetchval("select max(version) from person_version") == 2


async def test_one_month_booked_by_many_at_once_is_booked_once(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]

    async def until_answered(n: int) -> int:
        while True:
            answer = await pay(enrollment, ref, ["2024-01"], key=f"clerk-{n}")
            if answer.status_code == 201 or not answer.json()["retryable"]:
                return int(answer.status_code)

    statuses = await asyncio.gather(*(until_answered(n) for n in range(6)))
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
    assert await enrollment.owner.fetchval("select count(*) from contribution") == 1
    versions = await enrollment.owner.fetch(
        "select sequence from outbox where aggregate_id = $1 order by sequence", ref
    )
    assert [row["sequence"] for row in versions] == [1, 2]


async def test_many_months_booked_at_once_make_one_line_of_versions(
    enrollment: Enrollment,
) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]

    async def until_booked(month: str) -> None:
        while (await pay(enrollment, ref, [month], key=month)).status_code != 201:
            await asyncio.sleep(0)

    await asyncio.gather(*(until_booked(month) for month in months("2023-01", 6)))
    rows = await enrollment.owner.fetch(
        "select sequence, data from outbox where aggregate_id = $1 order by sequence", ref
    )
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    last = PersonStateChanged.from_bytes(rows[-1]["data"])
    assert [(run.first, run.last) for run in last.paid] == [("2023-01", "2023-06")]


async def test_a_kind_without_a_rate_is_refused_not_charged_nothing(
    enrollment: Enrollment,
) -> None:
    ref = (await enrollment.person(kind="flexible", employer_ref=None))["person_ref"]
    answer = await pay(enrollment, ref, ["2024-05"])
    assert answer.json()["code"] == "3015-no-rule"


async def test_several_persons_in_one_list(enrollment: Enrollment) -> None:
    await enrollment.employer()
    refs = [(await enrollment.person(id_number=id_number(n)))["person_ref"] for n in range(1, 4)]
    items = [
        {"person_ref": ref, "month": month, "base": "5432.10"}
        for month in months("2024-01", 3)
        for ref in refs
    ]
    answer = await enrollment.post("/contributions", {"items": items}, key="k")
    assert answer.status_code == 201
    assert [i["person_ref"] for i in answer.json()["items"]] == [i["person_ref"] for i in items]
    assert await enrollment.owner.fetchval("select count(*) from person_version") == 6
    again = await enrollment.post("/contributions", {"items": items}, key="k")
    assert again.content == answer.content
    assert await enrollment.owner.fetchval("select count(*) from contribution") == 9


async def test_an_interrupted_member(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    assert (await _standing(enrollment, ref, "2023-06-01"))["standing"] == "interrupted"
    await pay(enrollment, ref, [*months("2023-01", 4), *months("2023-09", 3)])
    last_day = await _standing(enrollment, ref, "2023-11-30")
    assert (last_day["standing"], last_day["months_paid"], last_day["paid_until"]) == (
        "insured", 3, "2023-11",
    )  # fmt: skip
    stopped = await _standing(enrollment, ref, "2023-12-01")
    assert (stopped["standing"], stopped["months_paid"], stopped["paid_until"]) == (
        "interrupted", 3, "2023-11",
    )  # fmt: skip
    assert (stopped["document"], stopped["article"]) == ("kizilsu-merger-2019", "二(五)")
    gap = await _standing(enrollment, ref, "2023-06-01")
    assert (gap["standing"], gap["months_paid"], gap["paid_until"]) == (
        "interrupted", 4, "2023-04",
    )  # fmt: skip
    middle = await _standing(enrollment, ref, "2023-10-15")
    assert (middle["standing"], middle["months_paid"], middle["paid_until"]) == (
        "insured", 2, "2023-10",
    )  # fmt: skip
    before = await _standing(enrollment, ref, "2022-12-31")
    assert (before["standing"], before["kind"]) == ("not_insured", None)


async def test_a_retiree_pays_no_more_and_stays_insured(enrollment: Enrollment) -> None:
    ref = (await enrollment.person(kind="retiree", employer_ref=None))["person_ref"]
    assert (await _standing(enrollment, ref, "2024-06-01"))["standing"] == "insured"


async def test_rates_come_with_their_article(enrollment: Enrollment) -> None:
    answer = await enrollment.get(f"/rates?pool={KIZILSU}&on=2024-01-01", who="hospital")
    (employee,) = [r for r in answer.json()["rates"] if r["kind"] == "employee"]
    assert (employee["employer"], employee["medical"], employee["maternity"]) == (
        "0.085", "0.08", "0.005",
    )  # fmt: skip
    assert employee["employer_by"]["article"] == "二(二)"
    before = await enrollment.get(f"/rates?pool={KIZILSU}&on=2019-08-31")
    assert before.json()["rates"] == []
    assert (await enrollment.get("/rates?pool=999999&on=2024-01-01")).status_code == 404
    assert (await enrollment.get(f"/rates?pool={KIZILSU}&on=2024-02-30")).status_code == 400


@given(base=st.integers(min_value=1, max_value=1_000_000_00))
@pytest.mark.parametrize(
    ("pool", "kind"),
    [
        (KIZILSU, MemberKind.EMPLOYEE),
        (NANJING, MemberKind.EMPLOYEE),
        (NANJING, MemberKind.FLEXIBLE),
        (KIZILSU, MemberKind.RETIREE),
    ],
)
def test_parts_are_the_base_at_the_sum_of_the_rates_to_the_fen(
    pool: str, kind: MemberKind, base: int
) -> None:
    rates = month_rates(BOOK, pool, kind, Month(2024, 4), NOW.date())
    assert not isinstance(rates, Refusal)
    owed = due(Money(base), rates)
    medical, maternity = rates.employer.value.medical, rates.employer.value.maternity
    assert owed.employer.fen == _half_up(base, medical + maternity)
    assert owed.individual.fen == _half_up(base, rates.individual.value)
    assert owed.total().fen == owed.employer.fen + owed.individual.fen


def test_rounding_the_two_rates_apart_would_differ() -> None:
    """A base on which 8 % and 0.5 % rounded apart make a fen more than 8.5 % at once."""
    rates = month_rates(BOOK, KIZILSU, MemberKind.EMPLOYEE, Month(2024, 4), NOW.date())
    assert not isinstance(rates, Refusal)
    assert due(Money(107), rates).employer == Money(9)
    assert _half_up(107, Decimal("0.08")) + _half_up(107, Decimal("0.005")) == 10


def _half_up(base: int, rate: Decimal) -> int:
    """By whole numbers alone, apart from the code under test."""
    millionths = int(rate * 1_000_000)
    return (2 * base * millionths + 1_000_000) // 2_000_000


async def _standing(enrollment: Enrollment, ref: str, on: str) -> dict[str, Any]:
    answer = await enrollment.get(f"/persons/{ref}/entitlement?on={on}", who="hospital")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
