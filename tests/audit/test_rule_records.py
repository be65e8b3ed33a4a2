"""A rule that people seldom confirm goes on trial by itself, and speaks to nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.audit.actions.count_reviews import count_reviews
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, NOW, OTHER_POOL, POOL, Telling
from tests.audit.test_by_two import post

RULE = "delivery-interval"
_DECIDED = """
insert into decision (pool_code, flag_id, number, institution_code, claim_id, outcome, amount_fen,
    by, approved_by, decided_at, reason_code, verdict, hearing)
select pool_code, flag_id, $2, institution_code, claim_id,
    case when confirmed then 'deduct' else 'dismiss' end, confirmed::int, 'r1', 'r2', now(),
    'duplicate-billing', case when confirmed then 'confirmed' else 'explained' end, 'stated'
from (select *, n <= $1 as confirmed from (
    select f.*, row_number() over (order by flag_id) as n from flag f
    where rule_family = 'delivery-interval') f) f
where n <= $3
"""


async def suspected(audit: Audit, many: int, named: str) -> None:
    """So many women with two births in seven weeks."""
    events = []
    for n in range(many):
        person, earlier = f"{named}{n}", NOW - timedelta(days=20)
        events += [
            Telling(person=person, born="2026-01-01", settled_at=earlier).settled(),
            Telling(person=person, born="2026-02-10").settled(),
        ]
    await audit.hear(*events)


async def counted(audit: Audit) -> set[tuple[str, int]]:
    async with transaction(audit.pool, [AGENCY]) as tx:
        return await count_reviews(tx, POOL, "watch:1", NOW)


async def shown(audit: Audit, pool: str = POOL) -> dict[str, Any]:
    rules = (await audit.client("r1", pool=pool).get("/rules")).json()["rules"]
    [rule] = [one for one in rules if one["id"] == RULE]
    return {name: rule[name] for name in ("mode", "reviewed", "confirmed", "on_trial")}


@pytest.mark.parametrize(
    ("confirmed", "reviewed", "on_trial"), [(9, 100, True), (10, 100, False), (0, 99, False)]
)
async def test_under_a_tenth_after_a_hundred_reviews(
    audit: Audit, confirmed: int, reviewed: int, on_trial: bool
) -> None:
    await suspected(audit, 100, "p")
    await audit.owner.execute(_DECIDED, confirmed, 1, reviewed)
    assert await counted(audit) == ({(RULE, 1)} if on_trial else set())
    assert await shown(audit) == {
        "mode": "live", "reviewed": reviewed, "confirmed": confirmed, "on_trial": on_trial
    }  # fmt: skip
    assert (await shown(audit, OTHER_POOL))["reviewed"] == 0
    await suspected(audit, 1, "later")
    found = await audit.owner.fetchval("select count(*) from finding where shadow")
    assert found == (1 if on_trial else 0)
    flags = await audit.owner.fetchval("select count(*) from flag")
    assert flags == (100 if on_trial else 101)


async def test_its_trial_is_logged_once_and_ends_when_people_decide_otherwise(
    audit: Audit,
) -> None:
    await suspected(audit, 100, "p")
    await audit.owner.execute(_DECIDED, 0, 1, 100)
    for _ in range(2):
        await counted(audit)
    await audit.owner.execute(_DECIDED, 100, 2, 50)  # half of them were looked at again
    assert await counted(audit) == set()
    rows = await audit.owner.fetch(
        "select action, actor, subject, from_state, to_state from log where action like 'rule-%'"
        " order by id"
    )
    assert [tuple(row) for row in rows] == [
        ("rule-trial-begun", "audit", f"rule:{RULE}/1", "speaking", "trial"),
        ("rule-trial-ended", "audit", f"rule:{RULE}/1", "trial", "speaking"),
    ]


async def test_a_rule_on_trial_warns_no_hospital(audit: Audit) -> None:
    case = {
        "case_ref": "ZY-1", "person_ref": "p1", "benefit": "delivery", "insurance_type": "510",
        "admitted_on": "2026-02-01", "total": "6000.00", "sex": "male",
    }  # fmt: skip
    body = {"stage": "before", "rules": ["male-delivery"], "cases": [case]}
    for on_trial, advice in ((False, "hold"), (True, "proceed")):
        await audit.owner.execute(
            "insert into rule_record values ($1, 'male-delivery', 1, 100, 3, $2, now())"
            " on conflict (pool_code, rule, version) do update set on_trial = excluded.on_trial",
            POOL, on_trial,
        )  # fmt: skip
        answer = await post(audit, "/checks", body, "his", role="hospital")
        assert [one["advice"] for one in answer.json()["cases"]] == [advice], HOSPITAL
