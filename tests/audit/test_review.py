"""Two people decide a flag: over HTTP, in the tables, and in what is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

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


STEPS = [
    ("raised", "audit", "", "open"),
    ("first-review-pursued", "r1", "open", "notified"),
    ("statement-made", "his", "notified", "first_reviewed"),
    ("second-review-agreed", "r2", "first_reviewed", "second_reviewed"),
    ("disposal-proposed", "r1", "second_reviewed", "proposed"),
    ("disposal-approved", "r2", "proposed", "decided"),
]


async def test_a_suspicion_goes_through_all_its_steps_and_is_told(
    audit: Audit, flag_id: str
) -> None:
    await audit.decide(flag_id, "6500.00")
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"], flag["decision"], flag["amount"]) == (
        "decided", "pending", 1, "6500.00",
    )  # fmt: skip
    assert [(s["step"], s["by"], s["from_state"], s["to_state"]) for s in flag["history"]] == STEPS
    assert flag["history"][1]["reason_code"] == "duplicate-billing"
    assert (flag["due_on"], flag["next_steps"], flag["held_by"]) == (None, [], None)
    [said] = flag["statements"]
    assert (said["round"], said["stance"], said["text"]) == (1, "contests", "两次入院均有记录")
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]
    row = await audit.owner.fetchrow("select * from outbox where type = 'audit.flag.decided'")
    event = orjson.loads(row["data"])
    assert (event["outcome"], event["amount"], event["decision"], event["verdict"]) == (
        "deduct", "6500.00", 1, "confirmed",
    )  # fmt: skip
    headers = orjson.loads(row["headers"])
    assert headers["ce_source"] == f"/audit/{POOL}"
    assert headers["ce_subject"] == f"flags/{flag_id}"
    assert headers["ce_dataschema"] == "audit.flag.decided/v2.json"


async def test_what_an_institution_says_is_in_no_event_and_no_log(
    audit: Audit, flag_id: str
) -> None:
    await audit.heard(flag_id)
    for table in ("outbox", "log", "flag_step"):
        rows = await audit.owner.fetch(f"select t::text as row from {table} t")  # noqa: S608
        assert not [row for row in rows if "两次入院" in row["row"]]


async def test_clearing_takes_a_second_person_too(audit: Audit, flag_id: str) -> None:
    cleared = (await audit.first(flag_id, result="clear")).json()
    assert (cleared["state"], cleared["outcome"]) == ("first_reviewed", "dismiss")
    assert code(await audit.second(flag_id, "r1")) == (422, "4003-second-reviewer-is-first")
    decided = (await audit.second(flag_id)).json()
    assert (decided["state"], decided["outcome"], decided["deduction"]) == (
        "decided", "dismiss", "none",
    )  # fmt: skip
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]


async def test_an_investigation_comes_before_the_disposal(audit: Audit, flag_id: str) -> None:
    await audit.heard(flag_id)
    ordered = await audit.second(flag_id, result="investigate", reason_code="records-needed")
    assert (ordered.status_code, ordered.json()["state"]) == (200, "investigating")
    assert code(await audit.dispose(flag_id)) == (409, "4015-flag-not-second-reviewed")
    closed = await audit.step(flag_id, "investigation", "r3", reason_code="not-provided")
    assert (closed.status_code, closed.json()["state"]) == (200, "second_reviewed")
    assert (await audit.dispose(flag_id, "r2", outcome="recover")).status_code == 200
    assert (await audit.approve(flag_id, "r1")).json()["outcome"] == "recover"


async def test_nobody_reviews_or_approves_alone(audit: Audit, flag_id: str) -> None:
    await audit.heard(flag_id)
    for result in ("agree", "disagree", "investigate"):
        refused = await audit.second(flag_id, "r1", result)
        assert code(refused) == (422, "4003-second-reviewer-is-first")
    await audit.second(flag_id, "r2")
    await audit.dispose(flag_id, "r2")
    for agree in (True, False):
        refused = await audit.approve(flag_id, "r2", agree)
        assert code(refused) == (422, "4017-approver-is-proposer")
    assert (await audit.flag(flag_id))["state"] == "proposed"


async def test_the_tables_themselves_want_four_eyes_and_every_step(
    audit: Audit, flag_id: str
) -> None:
    await audit.decide(flag_id)
    for amiss, law in (
        ("update decision set approved_by = by", "four_eyes"),
        ("update decision set hearing = 'none'", "heard_before_it_costs"),
        ("update decision set verdict = 'unclear'", "says_what_was_found"),
        ("update flag set second_by = first_by", "second_reviewer_is_another"),
        ("update flag set second_by = null", "people_of_its_steps"),
        ("update flag set state = 'proposed', hearing = 'none'", "heard_before_disposal"),
        ("update flag set state = 'second_reviewed'", "proposal_of_its_step"),
        ("update flag set channel = 'c', month = '2026-01'", "one_subject"),
        ("update flag_step set to_state = 'decided' where from_state = 'open'", "lawful_step"),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=law):
            await audit.owner.execute(amiss)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit.pool.execute("update decision set amount_fen = 1")
    for table in ("flag_step", "finding", "judgement", "statement", "flag_count"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await audit.pool.execute(f"delete from {table}")  # noqa: S608


async def test_disagreeing_opens_the_flag_and_the_institution_is_asked_again(
    audit: Audit, flag_id: str
) -> None:
    await audit.heard(flag_id)
    back = (await audit.second(flag_id, result="disagree")).json()
    assert (back["state"], back["outcome"], back["hearing"]) == ("open", None, "none")
    await audit.first(flag_id, "r2")
    assert (await audit.flag(flag_id))["round"] == 2
    assert (await audit.statement(flag_id, stance="accepts")).status_code == 200
    assert [s["stance"] for s in (await audit.flag(flag_id))["statements"]] == [
        "contests", "accepts",
    ]  # fmt: skip
    assert (await audit.second(flag_id, "r1")).json()["state"] == "second_reviewed"


async def test_a_rejected_disposal_is_proposed_anew(audit: Audit, flag_id: str) -> None:
    await audit.confirmed(flag_id)
    await audit.dispose(flag_id, amount="7000.00")
    assert (await audit.approve(flag_id, agree=False)).json()["state"] == "second_reviewed"
    assert (await audit.dispose(flag_id, "r2", "0.00", "dismiss")).status_code == 200
    decided = (await audit.approve(flag_id, "r1")).json()
    assert (decided["state"], decided["outcome"]) == ("decided", "dismiss")


@pytest.mark.parametrize(
    ("outcome", "amount", "lines", "expected"),
    [
        ("deduct", "7000.00", [], (200, "")),
        ("recover", "0.01", [], (200, "")),
        ("deduct", "7000.01", [], (422, "4005-amount-above-fund-part")),
        ("deduct", "0.00", [], (422, "4006-amount-does-not-fit-outcome")),
        ("dismiss", "0.01", [], (422, "4006-amount-does-not-fit-outcome")),
        ("dismiss", "0.00", [], (200, "")),
        ("uphold", "0.00", [], (422, "4020-outcome-does-not-fit-flag")),
        ("deduct", "5.00", [(1, "2.00"), (3, "3.00")], (200, "")),
        ("deduct", "5.00", [(1, "2.00"), (3, "3.01")], (422, "4011-lines-do-not-add-up")),
        ("deduct", "5.00", [(1, "2.00"), (1, "3.00")], (422, "4011-lines-do-not-add-up")),
        ("deduct", "5.00", [(1, "5.00"), (3, "0.00")], (422, "4011-lines-do-not-add-up")),
        ("dismiss", "0.00", [(1, "0.00")], (422, "4011-lines-do-not-add-up")),
        ("deduct", "-1.00", [], (400, "1-malformed")),
        ("deduct", "1", [], (400, "1-malformed")),
        ("deduct", "1.000", [], (400, "1-malformed")),
        ("deduct", "1.00", [(0, "1.00")], (400, "1-malformed")),
        ("appeal", "1.00", [], (400, "1-malformed")),
    ],
)
async def test_amounts(
    audit: Audit, flag_id: str, outcome: str, amount: str, lines: list[tuple[int, str]],
    expected: tuple[int, str],
) -> None:  # fmt: skip
    await audit.confirmed(flag_id)
    named = [{"line_number": number, "amount": part} for number, part in lines]
    answer = await audit.dispose(flag_id, amount=amount, outcome=outcome, lines=named)
    assert (answer.status_code, answer.json().get("code", "")) == expected
    if answer.status_code == 200:
        assert answer.json()["lines"] == named


@pytest.mark.parametrize(
    ("result", "reason", "expected"),
    [
        ("clear", "duplicate-billing", (422, "4019-reason-does-not-fit")),
        ("pursue", "no-such", (422, "4018-reason-code-unknown")),
        ("pursue", "evidence-missing", (200, "")),
    ],
)
async def test_a_reason_says_the_same_as_the_result(
    audit: Audit, flag_id: str, result: str, reason: str, expected: tuple[int, str]
) -> None:
    answer = await audit.first(flag_id, result=result, reason_code=reason)
    assert (answer.status_code, answer.json().get("code", "")) == expected


async def test_steps_out_of_turn_are_refused(audit: Audit, flag_id: str) -> None:
    async def refused() -> list[str]:
        tried = [
            await audit.first(flag_id, "r3"), await audit.second(flag_id, "r3"),
            await audit.step(flag_id, "investigation", "r3"), await audit.dispose(flag_id, "r3"),
            await audit.approve(flag_id, "r3"),
        ]  # fmt: skip
        return [a.json()["code"][:4] for a in tried if a.status_code != 200]

    assert code(await audit.statement(flag_id)) == (404, "5-not-found")
    await audit.first(flag_id)
    assert await refused() == ["4001", "4002", "4014", "4015", "4016"]
    await audit.statement(flag_id)
    assert code(await audit.statement(flag_id)) == (409, "4013-no-statement-awaited")
    await audit.second(flag_id)
    await audit.dispose(flag_id)
    await audit.approve(flag_id)
    assert await refused() == ["4001", "4002", "4014", "4015", "4016"]
    answer = (await audit.first(flag_id)).json()
    assert answer["title"] != answer["title_zh"]


async def test_who_looked_at_an_older_version_is_told(audit: Audit, flag_id: str) -> None:
    version = (await audit.flag(flag_id))["version"]
    await audit.first(flag_id, version=version)
    late = await audit.first(flag_id, "r2", version=version)
    assert code(late) == (409, "4004-flag-changed-meanwhile")
    assert code(await audit.statement(flag_id, version=version))[0] == 409


async def test_a_refusal_leaves_no_trace(audit: Audit, flag_id: str) -> None:
    before = await audit.contents()
    await audit.second(flag_id)
    await audit.first(flag_id, reason_code="no-such")
    await audit.dispose(flag_id)
    assert await audit.contents() == before
    assert await audit.owner.fetchval("select count(*) from idempotency") == 0


async def test_the_same_key_gives_the_same_bytes_and_does_nothing_twice(
    audit: Audit, flag_id: str
) -> None:
    one = await audit.first(flag_id, key="k1", version=1)
    before = await audit.contents()
    again = await audit.first(flag_id, key="k1", version=1)
    assert (again.status_code, again.content) == (one.status_code, one.content)
    assert await audit.contents() == before
    other = await audit.first(flag_id, key="k1", version=2)
    assert code(other) == (422, "8-key-used-with-another-body")


async def test_twins_in_flight_get_one_answer(audit: Audit, flag_id: str) -> None:
    answers = await asyncio.gather(*(audit.first(flag_id, key="twin", version=1) for _ in range(6)))
    assert {(a.status_code, a.content) for a in answers} == {(200, answers[0].content)}
    assert [s["step"] for s in (await audit.flag(flag_id))["history"]] == [
        "raised", "first-review-pursued",
    ]  # fmt: skip


async def test_approvals_at_one_moment_decide_once(audit: Audit, flag_id: str) -> None:
    await audit.confirmed(flag_id)
    version = (await audit.dispose(flag_id)).json()["version"]
    answers = await asyncio.gather(
        *(audit.approve(flag_id, f"s{i}", version=version) for i in range(8))
    )
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert await audit.owner.fetchval("select count(*) from decision") == 1
    assert await audit.told(flag_id) == [("raised", 1), ("decided", 2)]


async def test_a_flag_that_moved_is_not_written_over(audit: Audit, flag_id: str) -> None:
    async with transaction(audit.pool, [AGENCY]) as tx:
        flag = await flags.find(tx, POOL, UUID(flag_id))
    assert flag is not None
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


@pytest.mark.parametrize("steps", range(5))
async def test_a_reversed_claim_closes_a_flag_under_review(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling], steps: int
) -> None:
    chain = (audit.first, audit.statement, audit.second, audit.dispose)
    for step in chain[:steps]:
        assert (await step(flag_id)).status_code == 200
    await audit.hear(claims[1].reversed())
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["next_steps"], flag["due_on"]) == ("closed", [], None)
    assert flag["history"][-1]["reason"] == "claim-reversed"
    assert code(await audit.approve(flag_id)) == (409, "4016-no-disposal-proposed")
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
    await audit.dismiss(flag_id)
    assert (await audit.flag(flag_id))["state"] == "decided"


async def _taken_and_reopened(audit: Audit, flag_id: str, claims: tuple[Telling, Telling]) -> None:
    await audit.decide(flag_id)
    await audit.hear(claims[1].taken(flag_id, 1, "7000.00"), claims[0].reversed())
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"]) == ("open", "taken")
    assert flag["history"][-1]["step"] in ("reopened", "deduction-taken")


async def test_dismissing_after_a_taken_deduction_gives_it_back(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await _taken_and_reopened(audit, flag_id, claims)
    await audit.dismiss(flag_id)
    assert (await audit.flag(flag_id))["deduction"] == "releasing"
    released = claims[1].released(flag_id, 1, 2, "7000.00")
    await audit.hear(released)
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"]) == ("decided", "released")
    assert flag["history"][-1]["step"] == "deduction-released"
    assert await audit.owner.fetchval("select deducted_fen from flag") == 0


async def test_a_dismissal_that_met_a_reversal_waits_for_nothing(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    """Settlement cancelled the deduction before it heard the dismissal: it tells that alone."""
    await _taken_and_reopened(audit, flag_id, claims)
    await audit.dismiss(flag_id)
    await audit.hear(claims[1].refused(flag_id, 1, "7000.00", "reversed"))
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"]) == ("decided", "released")


async def test_what_was_taken_can_be_lowered_and_not_raised(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.decide(flag_id, "5000.00")
    await audit.hear(claims[1].taken(flag_id, 1, "5000.00"), claims[0].reversed())
    other = Telling(settled_at=NOW - timedelta(days=2))
    await audit.hear(other.settled())
    await audit.confirmed(flag_id)
    above = await audit.dispose(flag_id, amount="5000.01")
    assert code(above) == (422, "4010-amount-above-what-was-taken")
    await audit.dispose(flag_id, amount="2000.00")
    await audit.approve(flag_id)
    assert (await audit.flag(flag_id))["deduction"] == "pending"
    await audit.hear(
        claims[1].released(flag_id, 1, 2, "5000.00"), claims[1].taken(flag_id, 2, "2000.00")
    )
    flag = await audit.flag(flag_id)
    assert (flag["state"], flag["deduction"], flag["amount"]) == ("decided", "taken", "2000.00")
    assert await audit.owner.fetchval("select deducted_fen from flag") == 200000


async def test_a_dismissed_flag_opens_again_for_a_new_finding(
    audit: Audit, flag_id: str, claims: tuple[Telling, Telling]
) -> None:
    await audit.dismiss(flag_id)
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
    body = {"result": "clear", "version": 1, "reason_code": "sent-twice", "reason": "x"}
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
    for place in ("/flags", f"/flags/{flag_id}", f"/claims/{claim_id}", "/rules", "/reviews"):
        assert (await nobody.get(place)).status_code == 401


async def test_a_hospital_sees_its_own_flags_once_it_was_told(audit: Audit, flag_id: str) -> None:
    def of(institution: str) -> httpx.AsyncClient:
        return audit.as_caller(Caller("his", "hospital", POOL, institution))

    own = of(OTHER_HOSPITAL)
    assert (await own.get("/flags")).json()["flags"] == []
    assert (await own.get(f"/flags/{flag_id}/notice")).status_code == 404
    await audit.first(flag_id)
    [shown] = (await own.get("/flags?state=notified")).json()["flags"]
    assert (shown["flag_id"], shown["due_on"]) == (flag_id, "2026-03-16")
    notice = (await own.get(f"/flags/{flag_id}/notice")).json()
    assert [ground["rule"] for ground in notice["grounds"]] == ["duplicate-claim"]
    assert "735" in notice["grounds"][0]["legal_basis_zh"]
    assert notice["grounds"][0]["explanation_zh"] is None
    assert HOSPITAL not in orjson.dumps(notice).decode(), "another institution is not named"
    assert (await audit.statement(flag_id, institution=HOSPITAL)).status_code == 404
    for stranger in (HOSPITAL, "", "agency2", "agency,x"):
        assert (await of(stranger).get("/flags")).json()["flags"] == []
        assert (await of(stranger).get(f"/flags/{flag_id}/notice")).status_code == 404


async def test_a_hospital_sees_amounts_and_people_only_when_decided(
    audit: Audit, flag_id: str
) -> None:
    own = audit.as_caller(Caller("his", "hospital", POOL, OTHER_HOSPITAL))
    await audit.confirmed(flag_id)
    await audit.dispose(flag_id)
    await audit.client("r2").post(f"/flags/{flag_id}/lease", json={})
    [shown] = (await own.get("/flags")).json()["flags"]
    assert (shown["state"], shown["amount"], shown["outcome"], shown["held_by"]) == (
        "proposed", None, None, None,
    )  # fmt: skip
    await audit.approve(flag_id)
    [shown] = (await own.get("/flags")).json()["flags"]
    assert (shown["state"], shown["amount"], shown["outcome"]) == ("decided", "7000.00", "deduct")


async def test_row_level_security_stands_behind_every_table(audit: Audit, flag_id: str) -> None:
    await audit.decide(flag_id)
    tables = (
        "claim", "judgement", "flag", "finding", "flag_step", "decision", "statement",
    )  # fmt: skip
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
    answer = await audit.first(flag_id, reason=reason)
    assert code(answer) == (400, "1-malformed")


async def test_a_review_needs_a_key_and_a_known_flag(audit: Audit, flag_id: str) -> None:
    body = {"result": "agree", "version": 1, "reason_code": "sent-twice", "reason": "x"}
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
