"""A stay is settled over HTTP: what is paid, what is refused, what a replay gives."""

from __future__ import annotations

from uuid import UUID

import httpx

from shared.money import Money
from tests.settlement.conftest import KIZILSU, NANJING, House
from tests.support.agency import made
from tests.support.running import Client, without_bare_route


def _parts_sum(settled: dict[str, str]) -> bool:
    names = ("fund", "member", "institution", "other_fund")
    return Money.total(Money.from_wire(settled[n]) for n in names) == Money.from_wire(
        settled["total"]
    )


async def test_the_quote_equals_the_settlement(house: House, nanjing_a: Client) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, outcome = await house.stay(nanjing_a, person, pregnancy, discharge=False)
    early = await nanjing_a.post(f"/stays/{stay}/quote", outcome)
    assert early.status_code == 200, early.text
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", outcome)).status_code == 201
    quoted = await nanjing_a.post(f"/stays/{stay}/quote")
    settled = await nanjing_a.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert settled.status_code == 201, settled.text
    made = ("settlement_id", "reverses", "settled_at")
    facts = {k: v for k, v in settled.json().items() if k not in made}
    assert facts == quoted.json() == early.json()
    assert _parts_sum(settled.json())
    assert all(step["article"] and step["document"] for step in settled.json()["steps"])


async def test_both_pools_settle_both_modes(house: House) -> None:
    kinds = set()
    for pool in (NANJING, KIZILSU):
        for mode in ("vaginal", "cesarean"):
            hospital = house.hospitals[f"a-{pool}"]
            stay, outcome = await house.ready_stay(hospital, pool, mode=mode)
            settled = await hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
            assert settled.status_code == 201, settled.text
            body = settled.json()
            assert _parts_sum(body)
            explained = await made(
                hospital.get(f"/settlements/{body['settlement_id']}/explanation")
            )
            assert explained["desk"] == body["desk"]
            cleared = body["fund"] != body["desk"]["fund"]
            for language in ("zh", "en"):
                receipt, clearing, *_ = told = explained[language]
                assert len(told) == 1 + cleared + len(body["steps"])
                assert all(one in receipt for one in (body["total"], *body["desk"].values())), (
                    receipt
                )
                if cleared:
                    assert all(one in clearing for one in (body["fund"], body["desk"]["fund"]))
                    assert body["institution"].lstrip("-") in clearing
            kinds.add((cleared, body["institution"][0] == "-"))
    assert (True, False) in kinds
    assert (True, True) in kinds


async def test_a_replay_gives_the_original_bytes_also_after_a_reversal(
    house: House, nanjing_a: Client
) -> None:
    stay, outcome = await house.ready_stay(nanjing_a)
    body = {"total": outcome["total"]}
    first = await nanjing_a.post(f"/stays/{stay}/settle", body, key="first")
    again = await nanjing_a.post(f"/stays/{stay}/settle", body, key="first")
    assert again.content == first.content
    other = await nanjing_a.post(f"/stays/{stay}/settle", {"total": "1.00"}, key="first")
    assert (other.status_code, other.json()["code"]) == (422, "8-key-used-with-another-body")
    settlement = first.json()["settlement_id"]
    reversal = await nanjing_a.post(f"/settlements/{settlement}/reverse", key="undo")
    assert reversal.status_code == 201, reversal.text
    for name in ("total", "fund", "member", "institution"):
        assert Money.from_wire(reversal.json()[name]) == -Money.from_wire(first.json()[name])
    twice = await nanjing_a.post(f"/settlements/{settlement}/reverse")
    assert (twice.status_code, twice.json()["code"]) == (409, "1024-already-reversed")
    assert (await nanjing_a.post(f"/stays/{stay}/settle", body, key="first")).content == (
        first.content
    )
    second = await nanjing_a.post(f"/stays/{stay}/settle", body, key="second")
    assert second.status_code == 201, second.text
    assert second.json()["settlement_id"] != settlement
    became = await nanjing_a.get("/settlements", stay=stay, institution=f"H{NANJING}a")
    assert [item.get("state", "") for item in became.json()["items"]] == [
        "reversed",
        "",
        "settled",
    ]


async def test_each_refusal_has_its_own_code_and_stores_nothing(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    kizilsu = house.hospitals[f"a-{KIZILSU}"]
    refused: list[tuple[Client, str, str, str]] = []

    stopped = await house.person(KIZILSU, last="2023-12")
    stay, outcome = await house.stay(kizilsu, stopped, await house.pregnancy(kizilsu, stopped))
    refused.append((kizilsu, stay, outcome["total"], "2001-interrupted"))

    short = await house.person(KIZILSU, first="2023-10")
    stay, outcome = await house.stay(kizilsu, short, await house.pregnancy(kizilsu, short))
    refused.append((kizilsu, stay, outcome["total"], "2002-waiting-period-not-met"))

    stay, outcome = await house.ready_stay(nanjing_a)
    done = await nanjing_a.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert done.status_code == 201
    refused.append((nanjing_a, stay, outcome["total"], "1008-stay-already-settled"))

    stay, outcome = await house.ready_stay(nanjing_b)
    refused.append((nanjing_a, stay, outcome["total"], "1001-stay-unknown"))
    refused.append((nanjing_b, stay, "1.00", "1009-lines-do-not-sum"))

    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    mine, outcome = await house.stay(nanjing_a, person, pregnancy)
    theirs, _ = await house.stay(nanjing_b, person, pregnancy)
    done = await nanjing_a.post(f"/stays/{mine}/settle", {"total": outcome["total"]})
    assert done.status_code == 201
    refused.append((nanjing_b, theirs, outcome["total"], "1022-delivery-already-settled"))

    stay, outcome = await house.ready_stay(nanjing_b)
    await house.owner.execute(
        "update person_state set as_of = as_of - interval '400 days' where person_ref ="
        " (select person_ref from stay where stay_id = $1)",
        UUID(stay),
    )
    refused.append((nanjing_b, stay, outcome["total"], "1014-person-state-too-old"))

    before = await house.counts()
    for hospital, stay, total, code in refused:
        answer = await hospital.post(f"/stays/{stay}/settle", {"total": total})
        assert answer.json()["code"] == code, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title_zh"]
    assert await house.counts() == before


async def test_a_birth_restated_into_the_next_pregnancy_is_refused(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    stay, outcome = await house.stay(
        nanjing_a, person, await house.pregnancy(nanjing_a, person), event_on="2024-03-20"
    )
    body = {"total": outcome["total"]}
    settled = await nanjing_a.post(f"/stays/{stay}/settle", body)
    next_one = {"person_ref": person, "since": "2024-03-22", "institution_code": f"H{NANJING}b"}
    assert (await nanjing_b.post("/pregnancies", next_one)).status_code == 201
    undone = await nanjing_a.post(f"/settlements/{settled.json()['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    restated = await nanjing_a.post(
        f"/stays/{stay}/discharge", outcome | {"event_on": "2024-03-23"}
    )
    assert restated.status_code == 201, restated.text
    before = await house.counts()
    refused = await nanjing_a.post(f"/stays/{stay}/settle", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "1019-pregnancy-overlaps")
    assert await house.counts() == before


async def test_a_date_before_the_first_rule_is_refused(house: House) -> None:
    kizilsu = house.hospitals[f"a-{KIZILSU}"]
    person = await house.person(KIZILSU, first="2015-01")
    answer = await kizilsu.post(
        "/pregnancies",
        {"person_ref": person, "since": "2018-06-01", "institution_code": f"H{KIZILSU}a"},
    )
    stay = await kizilsu.post(
        "/stays",
        {"stay_number": "old", "person_ref": person, "admitted_on": "2019-03-01",
         "pregnancy_id": answer.json()["pregnancy_id"]},
    )  # fmt: skip
    stay_id = stay.json()["stay_id"]
    await kizilsu.post(
        f"/stays/{stay_id}/lines",
        {"lines": [{"line_number": 1, "item_code": "delivery", "charged_on": "2019-03-01",
                    "quantity": "1", "price": "100.00"}]},
    )  # fmt: skip
    await house.clerks[KIZILSU].post(
        "/agreements",
        {
            "institution_code": f"H{KIZILSU}a",
            "level": 3,
            "start": "2018-01-01",
            "end": "2020-01-01",
        },
    )
    outcome = {"discharged_on": "2019-03-05", "event_on": "2019-03-02", "mode": "vaginal",
               "total": "100.00"}  # fmt: skip
    assert (await kizilsu.post(f"/stays/{stay_id}/discharge", outcome)).status_code == 201
    settled = await kizilsu.post(f"/stays/{stay_id}/settle", {"total": "100.00"})
    assert settled.json()["code"] == "2004-no-rule-on-date", settled.text


async def test_a_second_open_pregnancy_is_refused_over_all_hospitals(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    await house.pregnancy(nanjing_a, person)
    answer = await nanjing_b.post(
        "/pregnancies",
        {"person_ref": person, "since": "2023-09-01", "institution_code": f"H{NANJING}b"},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "1018-pregnancy-open-already")


async def test_lines_that_do_not_sum_to_the_bill_are_refused_at_discharge(
    house: House, nanjing_a: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, outcome = await house.stay(nanjing_a, person, pregnancy, discharge=False)
    early = await nanjing_a.post(f"/stays/{stay}/quote", outcome | {"total": "1.00"})
    left = await nanjing_a.post(f"/stays/{stay}/discharge", outcome | {"total": "1.00"})
    assert (await nanjing_a.post(f"/stays/{stay}/discharge", outcome)).status_code == 201
    settled = await nanjing_a.post(f"/stays/{stay}/settle", {"total": "1.00"})
    # Each says what our own lines come to, and nothing of what was sent.
    for answer in (early, left, settled):
        assert (answer.status_code, answer.json()["code"]) == (422, "1009-lines-do-not-sum")
        assert answer.json()["values"] == {"lines_total": outcome["total"]}
        assert "1.00" not in answer.text.replace(outcome["total"], "")


async def test_the_ledger_of_each_settlement_sums_to_zero(house: House, nanjing_a: Client) -> None:
    stay, outcome = await house.ready_stay(nanjing_a, mode="cesarean", delivery="9000.00")
    answer = await nanjing_a.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    rows = await house.owner.fetch("select account, amount_fen from posting")
    assert sum(row["amount_fen"] for row in rows) == 0
    assert len(rows) >= 2
    fund = sum(r["amount_fen"] for r in rows if r["account"].startswith("expenditure"))
    assert fund == Money.from_wire(answer.json()["fund"]).fen


async def test_the_bare_route_and_the_framework_answer_alike(
    house: House, nanjing_a: Client
) -> None:
    inner = Client(
        httpx.AsyncClient(
            transport=httpx.ASGITransport(without_bare_route(house.running.app)),
            base_url="http://service",
        ),
        "settlement",
        nanjing_a.token,
    )
    stay, outcome = await house.ready_stay(nanjing_a)
    right = {"total": outcome["total"]}
    for body, key in (
        ({}, "k"), ({"total": "1,0"}, "k"), ({"total": 5}, "k"), ({"total": "1.00", "x": 1}, "k"),
        (right, "k" * 256), ({"total": "1.00"}, "k"), (right, "k"), (right, "k"),
        ({"total": "2.00"}, "k"),
    ):  # fmt: skip
        one = await nanjing_a.post(f"/stays/{stay}/settle", body, key=key)
        two = await inner.post(f"/stays/{stay}/settle", body, key=key)
        assert one.status_code == two.status_code, (body, one.text, two.text)
        first, second = one.json(), two.json()
        first.pop("trace_id", None), second.pop("trace_id", None)
        assert first == second
    await inner.http.aclose()


async def test_what_no_table_could_hold_is_refused_at_the_edge(
    house: House, nanjing_a: Client
) -> None:
    clerk = house.clerks[NANJING]
    for end in ("2025-01-01", "2024-12-31"):
        period = {"start": "2025-01-01", "end": end}
        agreement = {"institution_code": "H9", "level": 1} | period
        assert (await clerk.post("/agreements", agreement)).status_code == 400
        item = {"item_code": "x", "name": "x", "item_class": "a"} | period
        assert (await clerk.post("/catalogue-items", item)).status_code == 400
    item = {"item_code": "x", "name": "x", "start": "2025-01-01", "first_copay_rate": "0.1"}
    for item_class, status in (("a", 400), ("c", 400), ("b", 201)):
        answer = await clerk.post("/catalogue-items", item | {"item_class": item_class})
        assert answer.status_code == status
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, _ = await house.stay(nanjing_a, person, pregnancy, discharge=False)
    line = {"line_number": 9, "item_code": "bed", "charged_on": "2024-03-21", "quantity": "1",
            "price": "1.00"}  # fmt: skip
    for change, status in (
        ({"quantity": "0"}, 400), ({"quantity": "0.0000"}, 400), ({"quantity": "1e3"}, 400),
        ({"charged_on": "2024-W12-4"}, 400), ({"charged_on": "2024-03-29"}, 422),
        ({"price": "99999999.99", "quantity": "99999.9999"}, 422), ({}, 201),
    ):  # fmt: skip
        answer = await nanjing_a.post(f"/stays/{stay}/lines", {"lines": [line | change]})
        assert answer.status_code == status, (change, answer.text)


async def test_a_quote_before_discharge_asks_for_the_agreement_of_the_stated_day(
    house: House,
) -> None:
    clerk = house.clerks[NANJING]
    for level, start, end in ((2, "2020-01-01", "2024-03-22"), (3, "2024-03-22", None)):
        body = {"institution_code": "H-risen", "level": level, "start": start, "end": end}
        assert (await clerk.post("/agreements", body)).status_code == 201
    risen = await house.running.caller("his-risen", "hospital", NANJING, "H-risen")
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(risen, person)
    stay, outcome = await house.stay(risen, person, pregnancy, discharge=False)
    quoted = await risen.post(f"/stays/{stay}/quote", outcome)
    await risen.post(f"/stays/{stay}/discharge", outcome)
    settled = await risen.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert settled.json()["steps"] == quoted.json()["steps"]
    assert settled.json()["fund"] == quoted.json()["fund"]


async def test_while_nobody_can_be_asked_a_missing_person_is_an_outage_not_an_unknown(
    house: House, nanjing_a: Client
) -> None:
    """This house has no enrollment to ask: quote and settle say so alike, and can be retried."""
    person_ref = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person_ref)
    stay, body = await house.stay(nanjing_a, person_ref, pregnancy)
    await house.owner.execute("delete from person_state where person_ref = $1", person_ref)
    before = await house.counts()
    for call, sent in (("quote", {}), ("settle", {"total": body["total"]})):
        refused = await nanjing_a.post(f"/stays/{stay}/{call}", sent)
        assert refused.status_code == 503
        assert refused.json()["code"] == "1013-person-state-unreachable"
        assert refused.json()["retryable"]
    assert await house.counts() == before


async def test_the_feed_refuses_a_topic_that_is_not_told_here(house: House) -> None:
    operator = await house.running.caller("operator-1", "operator", NANJING)
    told = await operator.get("/events", topic="maternity.settlement.claim.v1")
    assert told.status_code == 200, told.text
    topics = ["maternity.settlement.allowance.v1", "maternity.settlement.claim.v1"]
    misspelt = "maternity.settlement.claims.v1"
    others = ({"topic": topic} for topic in (misspelt, "maternity.audit.flag.v1", ""))
    for query in (*others, {}):
        refused = await operator.get("/events", **query)
        assert (refused.status_code, refused.json()["code"]) == (400, "1-malformed")
        (said,) = refused.json()["errors"]
        assert (said["pointer"], said["known"]) == ("/topic", topics)
    (said,) = (await operator.get("/events", topics="maternity.audit.flag.v1")).json()["errors"]
    assert (said["code"], said["known"]) == ("query-name", ["topic", "after", "type", "limit"])
