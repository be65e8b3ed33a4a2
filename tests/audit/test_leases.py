"""Who works on which flag: the queue's order, leases, and counts that agree."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from shared.plumbing.auth import Caller
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, NOW, POOL, Telling, parts


async def raised(audit: Audit, *funds: str) -> dict[str, str]:
    """A flag for each fund part, by that part."""
    made = {}
    for number, fund in enumerate(funds):
        earlier = Telling(person=f"q{number}", settled_at=NOW - timedelta(days=1))
        later = Telling(person=f"q{number}", parts=parts("20000.00", fund))
        await audit.hear(earlier.settled(), later.settled())
        made[str(later.claim_id)] = fund
    return {made[flag["claim_id"]]: flag["flag_id"] for flag in await audit.flags()}


async def take(audit: Audit, by: str, role: str = "reviewer", **body: str) -> httpx.Response:
    return await audit.client(by, role).post("/flags:next", json=body)


async def hold(audit: Audit, flag: str, by: str, role: str = "reviewer") -> httpx.Response:
    body = {"take_over": role == "supervisor"}
    return await audit.client(by, role).post(f"/flags/{flag}/lease", json=body)


async def listed(audit: Audit, query: str) -> list[str]:
    answer = await audit.client("r1").get(f"/flags?{query}")
    return [flag["flag_id"] for flag in answer.json()["flags"]]


async def test_the_most_money_comes_first_page_by_page(audit: Audit) -> None:
    flags = await raised(audit, "100.00", "900.00", "500.00", "500.00", "700.00")
    # Two of the same amount share a place in `flags`; the list itself has all five.
    whole = await listed(audit, "order=money")
    seen: list[str] = []
    while len(seen) < 5:
        after = f"&after={seen[-1]}" if seen else ""
        seen += await listed(audit, f"order=money&limit=2{after}")
    assert seen == whole
    assert len(set(whole)) == 5
    assert [whole[0], whole[1], whole[4]] == [flags["900.00"], flags["700.00"], flags["100.00"]]
    assert await listed(audit, "order=money&state=proposed") == []


async def test_a_score_moves_a_flag_and_a_suspicion_counts_by_half(audit: Audit) -> None:
    flags = await raised(audit, "900.00", "500.00")
    assert await listed(audit, "order=money") == [flags["900.00"], flags["500.00"]]
    await audit.owner.execute(
        "update flag set score = 0.5 where flag_id::text = $1", flags["900.00"]
    )
    assert await listed(audit, "order=money") == [flags["500.00"], flags["900.00"]]
    await audit.owner.execute("update flag set score = null, grade = 'suspicious'")
    expected = await audit.owner.fetch("select expected_fen from flag order by 1")
    assert [row["expected_fen"] for row in expected] == [25000, 45000]


async def test_the_next_flag_is_the_dearest_that_nobody_holds(audit: Audit) -> None:
    flags = await raised(audit, "100.00", "900.00")
    first = (await take(audit, "r1")).json()
    assert (first["flag_id"], first["held_by"]) == (flags["900.00"], "r1")
    assert (await take(audit, "r2")).json()["flag_id"] == flags["100.00"]
    nothing = await take(audit, "r3")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "4022-no-flag-waits")
    assert (await take(audit, "r1")).json()["flag_id"] == flags["900.00"], "one's own again"


async def test_a_family_that_there_is_not_is_no_empty_queue(audit: Audit) -> None:
    await raised(audit, "100.00")
    hospital = audit.as_caller(Caller("his", "hospital", POOL, HOSPITAL))
    for family, code in (("duplicate-claims", "4030-rule-unknown"), ("split-stay", None)):
        taken = await take(audit, "r1", family=family)
        assert taken.json()["code"] == (code or "4022-no-flag-waits")
        page = await audit.client("r1").get(f"/flags?family={family}")
        assert page.json().get("code") == code
        for told in (taken, page) if code else ():
            (fault,) = told.json()["errors"]
            assert fault["pointer"] == "/family"
            assert {"duplicate-claim", "drawn-by-lot"} <= set(fault["known"])
            assert family not in fault["known"]
        # To whom the rules are not told, a name that there is not says nothing.
        assert (await hospital.get(f"/flags?family={family}")).json()["flags"] == []
    for family in ("drawn-by-lot", "picked-by-person"):
        assert (await take(audit, "r1", family=family)).json()["code"] == "4022-no-flag-waits"
    assert (await take(audit, "r1", family="duplicate-claim")).status_code == 200


async def test_the_next_flag_is_none_of_ones_own_reviews(audit: Audit) -> None:
    flags = await raised(audit, "100.00")
    await audit.heard(flags["100.00"])
    assert (await take(audit, "r1")).status_code == 404
    assert (await take(audit, "r2", state="first_reviewed")).status_code == 200
    await audit.second(flags["100.00"])
    await audit.dispose(flags["100.00"], "r2", "50.00")
    assert (await take(audit, "r2")).status_code == 404
    assert (await take(audit, "r1")).json()["state"] == "proposed"


async def test_what_waits_for_the_institution_is_nobodys(audit: Audit) -> None:
    flags = await raised(audit, "100.00")
    await audit.first(flags["100.00"])
    assert (await take(audit, "r2")).status_code == 404


@pytest.mark.parametrize("takers", [8])
async def test_no_two_take_the_same_flag(audit: Audit, takers: int) -> None:
    await raised(audit, *(f"{n}00.00" for n in range(1, 9)))
    taken = [
        answer.json()["flag_id"]
        for answer in await asyncio.gather(*(take(audit, f"r{n}") for n in range(takers)))
    ]
    assert len(set(taken)) == takers


async def test_who_does_not_hold_a_flag_cannot_take_its_steps(audit: Audit) -> None:
    (flag,) = (await raised(audit, "100.00")).values()
    assert (await hold(audit, flag, "r1")).json()["held_until"] == "2026-03-02T01:15:00.000Z"
    for answer in (await hold(audit, flag, "r2"), await audit.first(flag, "r2")):
        assert (answer.status_code, answer.json()["code"]) == (409, "4021-flag-held-by-another")
    assert (await audit.first(flag, "r1")).json()["held_by"] is None, "a step lets go"


async def test_a_lease_ends_by_itself_or_when_let_go(audit: Audit) -> None:
    (flag,) = (await raised(audit, "100.00")).values()
    await hold(audit, flag, "r1")
    await audit.client("r2").post(f"/flags/{flag}/release")
    assert (await hold(audit, flag, "r2")).status_code == 409, "another's lease stays"
    await audit.client("r1").post(f"/flags/{flag}/release")
    assert (await hold(audit, flag, "r2")).status_code == 200
    await audit.owner.execute("update flag set held_until = $1", NOW)
    assert (await hold(audit, flag, "r1")).json()["held_by"] == "r1"


async def test_only_a_supervisor_takes_over_and_that_is_logged(audit: Audit) -> None:
    (flag,) = (await raised(audit, "100.00")).values()
    await hold(audit, flag, "r1")
    body = {"take_over": True}
    refused = await audit.client("r2").post(f"/flags/{flag}/lease", json=body)
    assert refused.status_code == 403
    assert (await hold(audit, flag, "chief", "supervisor")).json()["held_by"] == "chief"
    row = await audit.owner.fetchrow(
        "select actor, from_state, to_state from log where action = 'lease-taken-over'"
    )
    assert tuple(row) == ("chief", "r1", "chief")


async def test_the_counts_are_those_of_the_table(audit: Audit) -> None:
    flags = await raised(audit, "100.00", "200.00", "300.00")
    await audit.first(flags["100.00"])
    await audit.dismiss(flags["200.00"])
    counts = (await audit.client("r1").get("/flag-counts")).json()["counts"]
    assert counts == {"open": 1, "notified": 1, "decided": 1}


@pytest.mark.parametrize("query", ["order=name", "overdue=perhaps", "order=money&after=1"])
async def test_odd_queues_are_malformed(audit: Audit, query: str) -> None:
    answer = await audit.client("r1").get(f"/flags?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed")
