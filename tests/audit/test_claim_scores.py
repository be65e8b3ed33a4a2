"""Claims' scores reach the service: on flags, where they order the queue, and on claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.audit.domain.claim import ItemCharged
from services.audit.scoring.claim_table import FEATURE_VERSION
from services.audit.scoring.evidence import EVIDENCE_VERSION
from services.audit.store import claim_scores, claims
from services.audit.work.watch import watch_once
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, LOT, Audit, FixedClock
from tests.audit.events import HOSPITAL, NOW, OTHER_HOSPITAL, OTHER_POOL, POOL, Telling
from tests.audit.test_by_two import post
from tests.audit.test_watch import made_up


@pytest.fixture
async def scored(audit: Audit) -> Audit:
    """The last months of nine hospitals, one birth that was claimed twice, and two claims that no
    rule had seen: a man who gave birth, a newborn's care on the mother's bill. All scored once."""
    recent = [claim for claim in made_up() if claim.discharged_on.isoformat() >= "2025-11"]
    day, fee = recent[1].discharged_on, Money(20000)
    care = ItemCharged("newborn-care", Decimal(1), fee, fee, day, day, lines=1, days=1)
    billed = replace(recent[1], items=(care,))
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claims.record(tx, [replace(recent[0], sex="male"), billed, *recent[2:]])
    await audit.hear(Telling(born="2026-02-01").settled(), Telling(born="2026-02-03").settled())
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    return audit


async def one_flag(audit: Audit) -> dict[str, Any]:
    (found,) = [f for f in await audit.flags() if f["rule_family"] == "duplicate-claim"]
    return await audit.flag(found["flag_id"])


async def test_a_proven_flag_shows_its_claims_score_and_counts_whole(scored: Audit) -> None:
    flag = await one_flag(scored)
    score = flag["score"]
    assert Decimal(score["chance"]) > Decimal("0.5")
    assert (score["features"], score["model"]) == (FEATURE_VERSION, EVIDENCE_VERSION)
    assert score["explanation"] != score["explanation_zh"]
    row = await scored.owner.fetchrow(
        "select score, expected_fen, at_risk_fen, version from flag where flag_id::text = $1",
        flag["flag_id"],
    )
    assert row is not None
    # A breach that a rule proves counts whole, whatever the statistics make of the claim.
    assert (row["score"], row["expected_fen"]) == (None, row["at_risk_fen"])
    assert row["version"] == flag["version"] == 1  # nothing that a reviewer decided on changed
    shown = await scored.client("r1").get(f"/claims/{flag['claim_id']}")
    assert shown.json()["score"] == score
    flags = (await scored.client("r1").get("/flags", params={"order": "money"})).json()["flags"]
    rows = await scored.owner.fetch(
        "select flag_id::text from flag where state = 'open'"
        " order by expected_fen desc, flag_id desc"
    )
    assert [flag["flag_id"] for flag in flags] == [row["flag_id"] for row in rows]


async def test_a_suspicion_counts_by_its_claims_chance(scored: Audit) -> None:
    flag = await one_flag(scored)
    await scored.owner.execute("update flag set grade = 'suspicious'")
    await watch_once(scored.pool, FixedClock(), LOT, LIBRARY)
    row = await scored.owner.fetchrow(
        "select score, expected_fen, at_risk_fen from flag where flag_id::text = $1",
        flag["flag_id"],
    )
    assert row is not None
    assert row["score"] == Decimal(flag["score"]["chance"])
    assert row["expected_fen"] == round(row["at_risk_fen"] * row["score"])


async def test_what_is_likely_wrong_is_listed_and_raises_no_flag(scored: Audit) -> None:
    listed = (await scored.client("r1").get("/claim-scores")).json()["claims"]
    expected = [Money.from_wire(c["score"]["at_risk"]).fen * Decimal(c["score"]["chance"])
                for c in listed]  # fmt: skip
    assert expected == sorted(expected, reverse=True)
    unseen = [claim for claim in listed if not claim["flagged"]]
    assert [one["institution_code"] for one in unseen] == ["H-00", "H-00"]
    assert len(await scored.flags()) == len([c for c in listed if c["flagged"]])
    elsewhere = await scored.client("r9", pool=OTHER_POOL).get("/claim-scores")
    assert elsewhere.json() == {"claims": [], "next": None}
    assert (await scored.client("his", role="hospital").get("/claim-scores")).status_code == 403
    for wall, seen in ((AGENCY, True), (HOSPITAL, True), (OTHER_HOSPITAL, False)):
        async with transaction(scored.pool, [wall]) as tx:
            found = await claim_scores.highest(tx, POOL, 100)
            mine = [one for one in found if one.score.institution_code == HOSPITAL]
            assert bool(mine) is seen


async def test_a_second_run_lays_the_same_and_a_decision_ends_scoring(scored: Audit) -> None:
    before = (await one_flag(scored))["score"]
    await watch_once(scored.pool, FixedClock(), LOT, LIBRARY)
    flag = await one_flag(scored)
    assert flag["score"] == before
    await scored.dismiss(flag["flag_id"])
    async with transaction(scored.pool, [AGENCY]) as tx:
        assert flag["claim_id"] not in await claim_scores.under_review(tx, POOL)
        [(claim_id, verdict, at)] = await claim_scores.reviewed(tx, POOL)
    assert (str(claim_id), verdict) == (flag["claim_id"], "explained")
    assert at <= datetime.now(UTC)


async def test_a_snoozed_rule_counts_in_no_score_of_its_institution(scored: Audit) -> None:
    async def unseen() -> int:
        listed = (await scored.client("r1").get("/claim-scores")).json()["claims"]
        return sum(not claim["flagged"] for claim in listed)

    assert await unseen() == 2
    until = (NOW + timedelta(days=30)).date().isoformat()
    said = {"rule": "male-delivery", "until": until, "reason": "登记有误"}
    for institution, left in (("H-01", 2), ("H-00", 1)):
        asked = await agreed_snooze(scored, said | {"institution_code": institution})
        assert asked["state"] == "standing"
        await watch_once(scored.pool, FixedClock(), LOT, LIBRARY)
        assert await unseen() == left


async def agreed_snooze(audit: Audit, said: dict[str, Any]) -> dict[str, Any]:
    """A snooze that one asked for and another approved."""
    asked = (await post(audit, "/snoozes", said)).json()
    answer = await post(audit, f"/snoozes/{asked['snooze_id']}/approve", {}, "r2")
    shown: dict[str, Any] = answer.json()
    return shown
