"""Two people decide a flag: over HTTP, in the tables, and in what is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import httpx
import orjson
import pytest

from services.audit.store import flags
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, NOW, OTHER_HOSPITAL, OTHER_POOL, POOL, Telling


@pytest.fixture
def claims() -> tuple[Telling, Telling]:
    """Two claims of one delivery; the second, of the other hospital, is the later."""
    return (
        Telling(settled_at=NOW - timedelta(days=5)),
        Telling(hospital=OTHER_HOSPITAL, settled_at=NOW),
    )


@pytest.fixture
async def flag_id(audit: Audit, claims: tuple[Telling, Telling]) -> str:
    """An open flag on the second claim."""
    await audit.hear(*(claim.settled() for claim in claims))
    [flag] = await audit.flags()
    return str(flag["flag_id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_two_people_decide_and_it_is_told(audit: Audit, flag_id: str) -> None:
    first = await audit.first(flag_id, "r1", "6500.00")
    assert (first.status_code, first.json()["state"]) == (200, "first_reviewed")
    second = await audit.second(flag_id, "r2")
    assert second.status_code == 200
    decided = second.json()
    assert (decided["state"], decided["deduction"], decided["decision"]) == (
        "decided", "pending", 1,
    )  # fmt: skip
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]
    row = await audit.owner.fetchrow("select * from outbox where type = 'audit.flag.decided'")
    event = orjson.loads(row["data"])
    assert (event["outcome"], event["amount"], event["decision"]) == ("deduct", "6500.00", 1)
    headers = orjson.loads(row["headers"])
    assert headers["ce_source"] == f"/audit/{POOL}"
    assert headers["ce_subject"] == f"flags/{flag_id}"
    assert headers["ce_dataschema"] == "audit.flag.decided/v1.json"
    steps = (await audit.flag(flag_id))["history"]
    assert [(s["step"], s["by"], s["from_state"], s["to_state"]) for s in steps] == [
        ("raised", "audit", "", "open"),
        ("first-review", "r1", "open", "first_reviewed"),
        ("second-review-agreed", "r2", "first_reviewed", "decided"),
    ]


async def test_the_first_reviewer_cannot_be_the_second(audit: Audit, flag_id: str) -> None:
    await audit.first(flag_id, "r1")
    for agree in (True, False):
        refused = await audit.second(flag_id, "r1", agree)
        assert code(refused) == (422, "4003-second-reviewer-is-first")
    assert (await audit.flag(flag_id))["state"] == "first_reviewed"


async def test_the_table_itself_wants_four_eyes(audit: Audit, flag_id: str) -> None:
    await audit.decide(flag_id)
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        await audit.owner.execute("update decision set approved_by = by")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit.pool.execute("update decision set amount_fen = 1")
    for table in ("flag_step", "finding", "judgement"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await audit.pool.execute(f"delete from {table}")  # noqa: S608


async def test_disagreeing_opens_the_flag_for_a_new_first_review(
    audit: Audit, flag_id: str
) -> None:
    await audit.first(flag_id, "r1")
    back = (await audit.second(flag_id, "r2", agree=False)).json()
    assert (back["state"], back["outcome"], back["amount"]) == ("open", None, None)
    assert (await audit.first(flag_id, "r2", "0.00", "dismiss")).status_code == 200
    assert (await audit.second(flag_id, "r1")).json()["outcome"] == "dismiss"
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]


@pytest.mark.parametrize(
    ("outcome", "amount", "expected"),
    [
        ("deduct", "7000.00", (200, "")),
        ("deduct", "0.01", (200, "")),
        ("deduct", "7000.01", (422, "4005-amount-above-fund-part")),
        ("deduct", "0.00", (422, "4006-amount-does-not-fit-outcome")),
        ("dismiss", "0.01", (422, "4006-amount-does-not-fit-outcome")),
        ("dismiss", "0.00", (200, "")),
        ("deduct", "-1.00", (400, "1-malformed")),
        ("deduct", "1", (400, "1-malformed")),
        ("deduct", "1.000", (400, "1-malformed")),
        ("appeal", "1.00", (400, "1-malformed")),
    ],
)
async def test_amounts(
    audit: Audit, flag_id: str, outcome: str, amount: str, expected: tuple[int, str]
) -> None:
    answer = await audit.first(flag_id, amount=amount, outcome=outcome)
    assert (answer.status_code, answer.json().get("code", "")) == expected


async def test_steps_out_of_turn_are_refused(audit: Audit, flag_id: str) -> None:
    assert code(await audit.second(flag_id)) == (409, "4002-flag-not-first-reviewed")
    await audit.first(flag_id)
    assert code(await audit.first(flag_id, "r3")) == (409, "4001-flag-not-open")
    await audit.second(flag_id)
    assert code(await audit.second(flag_id, "r3")) == (409, "4002-flag-not-first-reviewed")
    assert code(await audit.first(flag_id, "r3")) == (409, "4001-flag-not-open")
    answer = (await audit.first(flag_id)).json()
    assert answer["title"] != answer["title_zh"]


async def test_a_refusal_leaves_no_trace(audit: Audit, flag_id: str) -> None:
    before = await audit.contents()
    await audit.second(flag_id)
    await audit.first(flag_id, amount="7000.01")
    assert await audit.contents() == before
    assert await audit.owner.fetchval("select count(*) from idempotency") == 0


async def test_the_same_key_gives_the_same_bytes_and_does_nothing_twice(
    audit: Audit, flag_id: str
) -> None:
    one = await audit.first(flag_id, key="k1")
    await audit.second(flag_id, agree=False)
    before = await audit.contents()
    again = await audit.first(flag_id, key="k1")
    assert (again.status_code, again.content) == (one.status_code, one.content)
    assert await audit.contents() == before
    other = await audit.first(flag_id, amount="1.00", key="k1")
    assert code(other) == (422, "8-key-used-with-another-body")


async def test_twins_in_flight_get_one_answer(audit: Audit, flag_id: str) -> None:
    answers = await asyncio.gather(*(audit.first(flag_id, key="twin") for _ in range(6)))
    assert {(a.status_code, a.content) for a in answers} == {(200, answers[0].content)}
    assert [s["step"] for s in (await audit.flag(flag_id))["history"]] == [
        "raised", "first-review",
    ]  # fmt: skip


async def test_second_reviews_at_one_moment_decide_once(audit: Audit, flag_id: str) -> None:
    await audit.first(flag_id, "r1")
    answers = await asyncio.gather(*(audit.second(flag_id, f"s{i}") for i in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert await audit.owner.fetchval("select count(*) from decision") == 1
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]


async def test_a_flag_that_moved_is_not_written_over(audit: Audit, flag_id: str) -> None:
    async with transaction(audit.pool, [AGENCY]) as tx:
        [flag] = await flags.page(tx, POOL, None, None, 1)
    await audit.first(flag_id)
    with pytest.raises(flags.Stale):
        async with transaction(audit.pool, [AGENCY]) as tx:
            await flags.update(tx, [flag])


async def test_a_refused_deduction_opens_the_flag_for_decision_two(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.decide(flag_id)
    await audit.hear(claims[1].refused(flag_id, 1, "7000.00", "more-than-left"))
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"], flag["decision"]) == ("open", "refused", 1)
    assert flag["history"][-1]["reason"] == "more-than-left"
    await audit.decide(flag_id, "10.00")
    await audit.hear(claims[1].refused(flag_id, 1, "7000.00", "more-than-left"))
    assert (await audit.flag(flag_id))["deduction"] == "pending"
    await audit.hear(claims[1].taken(flag_id, 2, "10.00"))
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"], flag["decision"]) == ("decided", "taken", 2)
    assert await audit.told(flag_id) == [
        ("raised", 1), ("decided", 2), ("reopened", 3), ("decided", 4),
    ]  # fmt: skip
    numbers = await audit.owner.fetch("select number, amount_fen from decision order by number")
    assert [tuple(row) for row in numbers] == [(1, 700000), (2, 1000)]


async def test_a_reversed_claim_closes_its_open_flag(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.first(flag_id)
    await audit.hear(claims[1].reversed())
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["next_steps"]) == ("closed", [])
    assert flag["history"][-1]["reason"] == "claim-reversed"
    assert code(await audit.second(flag_id)) == (409, "4002-flag-not-first-reviewed")
    assert await audit.told(flag_id) == [("raised", 1)]


@pytest.mark.parametrize("polls", ["apart", "together"])
async def test_a_deduction_on_a_claim_reversed_meanwhile_opens_the_flag(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling], polls: str
) -> None:
    await audit.decide(flag_id)
    events = [
        claims[1].reversed(),
        claims[1].refused(flag_id, 1, "7000.00", "reversed"),
    ]
    if polls == "together":
        await audit.hear(*events)
    else:
        await audit.hear(events[0])
        waits = await audit.first(flag_id)
        assert code(waits) == (409, "4008-deduction-still-pending")
        await audit.hear(events[1])
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"]) == ("open", "refused")
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2), ("reopened", 3)]
    assert code(await audit.first(flag_id)) == (422, "4007-claim-reversed")
    assert (await audit.first(flag_id, "r1", "0.00", "dismiss")).status_code == 200
    assert (await audit.second(flag_id)).json()["state"] == "decided"


async def test_what_was_taken_is_not_deducted_again(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.decide(flag_id)
    await audit.hear(claims[1].taken(flag_id, 1, "7000.00"), claims[0].reversed())
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"]) == ("open", "taken")
    assert flag["history"][-1]["step"] in ("reopened", "deduction-taken")
    assert code(await audit.first(flag_id)) == (422, "4009-already-deducted")
    assert (await audit.first(flag_id, "r1", "0.00", "dismiss")).status_code == 200


async def test_a_dismissed_flag_opens_again_for_a_new_finding(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.first(flag_id, "r1", "0.00", "dismiss")
    await audit.second(flag_id, "r2")
    await audit.hear(claims[0].reversed())
    assert (await audit.flag(flag_id))["state"] == "decided"
    earlier = Telling(born="2026-02-03", settled_at=NOW - timedelta(days=1))
    await audit.hear(earlier.settled())
    flag = await audit.flag(flag_id)
    assert (flag["state"], len(flag["findings"])) == ("open", 2)
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2), ("reopened", 3)]


async def test_the_wall_between_pools_and_roles(audit: Audit, flag_id: str) -> None:
    claim_id = (await audit.flag(flag_id))["claim_id"]
    stranger = audit.client("x1", pool=OTHER_POOL)
    body = {"outcome": "dismiss", "amount": "0.00", "reason": "x"}
    key = {"idempotency-key": "k"}
    first = f"/flags/{flag_id}/first-review"
    assert (await stranger.get("/flags")).json()["flags"] == []
    assert (await stranger.get(f"/flags/{flag_id}")).status_code == 404
    assert (await stranger.get(f"/claims/{claim_id}")).status_code == 404
    assert (await stranger.post(first, json=body, headers=key)).status_code == 404
    for role in ("hospital", "clerk", "finance", "operator", "service"):
        other = audit.client("o1", role)
        assert (await other.get(f"/flags/{flag_id}")).status_code == 403
        assert (await other.get(f"/claims/{claim_id}")).status_code == 403
        assert (await other.post(first, json=body, headers=key)).status_code == 403
    nobody = audit.client("n")
    nobody.headers.pop("authorization")
    for place in ("/flags", f"/flags/{flag_id}", f"/claims/{claim_id}", "/rules"):
        assert (await nobody.get(place)).status_code == 401


async def test_a_hospital_sees_its_own_decided_flags_only(audit: Audit, flag_id: str) -> None:
    def of(institution: str) -> httpx.AsyncClient:
        return audit.as_caller(Caller("his", "hospital", POOL, institution))

    assert (await of(OTHER_HOSPITAL).get("/flags")).json()["flags"] == []
    await audit.decide(flag_id)
    [own] = (await of(OTHER_HOSPITAL).get("/flags")).json()["flags"]
    assert own["flag_id"] == flag_id
    assert (await of(OTHER_HOSPITAL).get("/flags?state=open")).json()["flags"] == []
    for stranger in (HOSPITAL, "", "agency2", "agency,x"):
        assert (await of(stranger).get("/flags")).json()["flags"] == []


async def test_row_level_security_stands_behind_every_table(audit: Audit, flag_id: str) -> None:
    await audit.decide(flag_id)
    tables = ("claim", "judgement", "flag", "finding", "flag_step", "decision")
    for institution, sees in ((OTHER_HOSPITAL, True), ("H9", False)):
        async with transaction(audit.pool, [institution]) as tx:
            for table in tables:
                count = await tx.fetchval(f"select count(*) from {table}")  # noqa: S608
                assert (count > 0) is sees, (institution, table)


async def test_pages_follow_each_other_without_gap(audit: Audit) -> None:
    for number in range(7):
        both = Telling(person=f"p{number}"), Telling(person=f"p{number}")
        await audit.hear(*(claim.settled() for claim in both))
    seen: list[str] = []
    after = ""
    while True:
        answer = (await audit.client("r1").get(f"/flags?limit=3&state=open{after}")).json()
        seen += [flag["flag_id"] for flag in answer["flags"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=9999999999999999999", "state=lost", "after=1"]
)
async def test_odd_queries_are_malformed(audit: Audit, query: str) -> None:
    answer = await audit.client("r1").get(f"/flags?{query}")
    assert code(answer) == (400, "1-malformed")


@pytest.mark.parametrize("reason", ["", "   ", "a\nb", "x" * 501, "\x07"])
async def test_a_reason_says_something_on_one_line(audit: Audit, flag_id: str, reason: str) -> None:
    body = {"outcome": "dismiss", "amount": "0.00", "reason": reason}
    answer = await audit.client("r1").post(
        f"/flags/{flag_id}/first-review", json=body, headers={"idempotency-key": "k"}
    )
    assert code(answer) == (400, "1-malformed")


async def test_a_review_needs_a_key_and_a_known_flag(audit: Audit, flag_id: str) -> None:
    body = {"agree": True, "reason": "x"}
    place = f"/flags/{flag_id}/second-review"
    assert code(await audit.client("r1").post(place, json=body))[0] == 400
    assert (await audit.first(str(new_id()))).status_code == 404


async def test_each_step_is_in_the_log_with_actor_and_request(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.decide(flag_id)
    await audit.hear(claims[1].refused(flag_id, 1, "7000.00", "more-than-left"))
    steps = await audit.owner.fetch(
        "select by, from_state, to_state from flag_step order by flag_id, number"
    )
    logged = await audit.owner.fetch(
        "select actor, from_state, to_state from log where subject like 'flag:%' order by id"
    )
    assert [tuple(row) for row in logged] == [tuple(row) for row in steps]
    assert await audit.owner.fetchval("select count(*) from log where request_id = ''") == 0
    claims_logged = await audit.owner.fetchval(
        "select count(*) from log where action = 'claim-recorded'"
    )
    assert claims_logged == 2


async def test_the_rules_are_shown_with_their_law(audit: Audit) -> None:
    shown = (await audit.client("o1", "operator").get("/rules")).json()
    rules = {rule["id"]: rule for rule in shown["rules"]}
    rule = rules["duplicate-claim"]
    assert (rule["version"], rule["grade"], rule["mode"]) == (1, "violation", "live")
    assert rules["low-standard-admission"]["mode"] == "shadow"
    assert {rule["grade"] for rule in rules.values()} == {"violation", "suspicious"}
    assert rule["in_force"]
    assert rule["parameters"]["interval_days_max"] == 30
    assert "735" in rule["legal_basis_zh"]
