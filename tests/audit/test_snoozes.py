"""A rule may be quiet for an institution: for a reason, for half a year at most, and by two people
where it mutes a breach."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from shared.ids import new_id
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, NOW, OTHER_HOSPITAL, Telling

TODAY = date(2026, 3, 2)
BREACH, SUSPICION = "duplicate-claim", "delivery-interval"


async def post(audit: Audit, place: str, body: dict[str, Any], by: str = "r1") -> httpx.Response:
    headers = {"idempotency-key": str(new_id())}
    return await audit.client(by).post(f"/snoozes{place}", json=body, headers=headers)


async def ask(audit: Audit, rule: str = SUSPICION, days: int = 180, **said: str) -> httpx.Response:
    until = (TODAY + timedelta(days=days)).isoformat()
    body = {"rule": rule, "institution_code": HOSPITAL, "until": until, "reason": "转诊中心"}
    return await post(audit, "", body | said)


def twice(days: int, hospital: str = HOSPITAL) -> list[Any]:
    """Two births of one person, so many days apart, the second claimed by a hospital."""
    born = date(2026, 1, 1) + timedelta(days=days)
    first = Telling(born="2026-01-01", settled_at=NOW - timedelta(days=20))
    return [first.settled(), Telling(born=born.isoformat(), hospital=hospital).settled()]


async def test_a_suspicion_is_muted_at_once_and_kept_in_shadow(audit: Audit) -> None:
    assert (await ask(audit)).json()["state"] == "standing"
    await audit.hear(*twice(40))
    assert await audit.flags() == []
    rows = await audit.owner.fetch("select rule, shadow from finding")
    assert [tuple(row) for row in rows] == [(SUSPICION, True)]


async def test_another_institution_and_another_rule_still_speak(audit: Audit) -> None:
    await ask(audit)
    await audit.hear(*twice(40, OTHER_HOSPITAL))
    assert [flag["rule_family"] for flag in await audit.flags()] == [SUSPICION]


async def test_a_breach_is_muted_by_two(audit: Audit) -> None:
    snooze = (await ask(audit, BREACH)).json()
    assert (snooze["state"], snooze["grade"]) == ("asked", "violation")
    alone = await post(audit, f"/{snooze['snooze_id']}/approve", {}, "r1")
    assert (alone.status_code, alone.json()["code"]) == (422, "4033-snooze-approver-is-asker")
    await audit.hear(*twice(3))
    assert len(await audit.flags()) == 1
    both = await post(audit, f"/{snooze['snooze_id']}/approve", {}, "r2")
    assert (both.status_code, both.json()["state"]) == (200, "standing")
    third = Telling(person="p2", born="2026-01-01", settled_at=NOW - timedelta(days=20))
    await audit.hear(third.settled(), Telling(person="p2", born="2026-01-03").settled())
    assert len(await audit.flags()) == 1
    again = await post(audit, f"/{snooze['snooze_id']}/approve", {}, "r3")
    assert again.json()["code"] == "4032-snooze-does-not-wait"
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        await audit.owner.execute("update rule_snooze set approved_by = by")


async def test_a_snooze_ends(audit: Audit) -> None:
    snooze = (await ask(audit)).json()["snooze_id"]
    assert (await post(audit, f"/{snooze}/end", {}, "r3")).json()["state"] == "ended"
    assert (await post(audit, f"/{snooze}/end", {})).json()["code"] == "4034-snooze-ended"
    await audit.hear(*twice(40))
    assert len(await audit.flags()) == 1


async def test_a_snooze_expires(audit: Audit) -> None:
    await ask(audit, days=1)
    await audit.owner.execute("update rule_snooze set since = since - 9, until = since")
    await audit.hear(*twice(40))
    assert len(await audit.flags()) == 1
    [listed] = (await audit.client("r1").get("/snoozes")).json()["snoozes"]
    assert (listed["state"], listed["by"], listed["reason"]) == ("ended", "r1", "转诊中心")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"days": 181}, (422, "4031-snooze-too-long")),
        ({"days": 0}, (422, "4031-snooze-too-long")),
        ({"rule": "no-such-rule"}, (422, "4030-rule-unknown")),
        ({"reason": ""}, (400, "1-malformed")),
    ],
)
async def test_what_a_snooze_may_not_be(
    audit: Audit, said: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = await ask(audit, **said)
    assert (answer.status_code, answer.json()["code"]) == expected
    assert await audit.owner.fetchval("select count(*) from rule_snooze") == 0


async def test_each_step_is_logged(audit: Audit) -> None:
    snooze = (await ask(audit, BREACH)).json()["snooze_id"]
    await post(audit, f"/{snooze}/approve", {}, "r2")
    await post(audit, f"/{snooze}/end", {}, "r3")
    rows = await audit.owner.fetch(
        "select action, actor, from_state, to_state from log where subject = $1 order by id",
        f"snooze:{snooze}",
    )
    assert [tuple(row) for row in rows] == [
        ("snooze-asked", "r1", "", "asked"),
        ("snooze-approved", "r2", "asked", "standing"),
        ("snooze-ended", "r3", "standing", "ended"),
    ]
