"""Claims that no rule met come into review: those that a person picks, and those of the lot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.audit.actions.pick_claims import pick_drawn
from services.audit.domain.claim_score import (
    Challenger,
    ClaimScore,
    DriftWarning,
    ScoringRun,
)
from services.audit.domain.rule import Words
from services.audit.domain.series import Versions
from services.audit.scoring.live_scores import SHARE_DRAWN
from services.audit.scoring.queue_order import drawn
from services.audit.store import claim_scores, claims, scoring_runs
from services.audit.work.drift_gauge import DriftGauge
from services.audit.work.watch import watch_once
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, LOT, Audit, FixedClock
from tests.audit.events import HOSPITAL, NOW, OTHER_POOL, POOL, Telling
from tests.audit.test_by_two import post
from tests.audit.test_watch import made_up

WHY = {"reason": "费用与同级机构相比偏高"}


def a_score(claim_id: UUID, **more: Any) -> ClaimScore:
    score = ClaimScore(
        POOL, claim_id, HOSPITAL, Decimal("0.6200"), Money.from_wire("812.50"),
        Words(zh="检验费偏高", en="tests are dear"), Versions("claims-2", "evidence-3"),
    )  # fmt: skip
    return replace(score, **more)


async def laid(audit: Audit, scores: Sequence[ClaimScore]) -> None:
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claim_scores.lay(tx, POOL, scores, NOW)


async def told(audit: Audit) -> UUID:
    """A claim in which no rule finds anything."""
    claim = Telling()
    await audit.hear(claim.settled())
    assert await audit.flags() == []
    return claim.claim_id


async def test_a_person_picks_a_scored_claim(audit: Audit) -> None:
    claim_id = await told(audit)
    await laid(audit, [a_score(claim_id)])
    picked = await post(audit, f"/claims/{claim_id}/pick", WHY)
    assert picked.status_code == 201, picked.text
    flag = picked.json()
    assert (flag["rule_family"], flag["grade"], flag["state"]) == (
        "picked-by-person", "suspicious", "open"
    )  # fmt: skip
    assert flag["amount_at_risk"] == "7000.00"
    await laid(audit, [a_score(claim_id, chance=Decimal("0.1"))])  # what later runs say is another
    shown = await audit.flag(flag["flag_id"])
    why = {name: shown["pick"][name] for name in ("picked_by", "by", "reason", "share", "chance")}
    assert why == {"picked_by": "person", "by": "r1", "share": None, "chance": "0.6200"} | WHY
    assert shown["pick"]["explanation_zh"] == "检验费偏高"
    assert [(one["step"], one["by"]) for one in shown["history"]] == [("raised", "r1")]
    assert await audit.told(flag["flag_id"]) == [("raised", 1)]
    row = await audit.owner.fetchrow("select actor, subject from log where action = 'flag-raised'")
    assert row is not None
    assert tuple(row) == ("r1", f"flag:{flag['flag_id']}")


async def test_a_persons_pick_is_queued_by_no_models_chance(audit: Audit) -> None:
    """Red while the next run puts on it what statistics make of the claim: a person's own reason
    then comes last where no score had seen it."""
    picked, of_lot = await told(audit), Telling(person="p2")
    await audit.hear(of_lot.settled())
    flag = (await post(audit, f"/claims/{picked}/pick", WHY)).json()
    scores = [a_score(one, chance=Decimal("0.01")) for one in (picked, of_lot.claim_id)]
    async with transaction(audit.pool, [AGENCY]) as tx:
        assert await pick_drawn(tx, scores[1], SHARE_DRAWN, "watch:1", LIBRARY.time_limits, NOW)
    await audit.owner.execute("update flag set score = 0.3")  # as earlier releases did
    await laid(audit, scores)
    rows = await audit.owner.fetch("select rule_family, score, expected_fen from flag")
    chances = {row["rule_family"]: row["score"] for row in rows}
    assert chances == {"picked-by-person": None, "drawn-by-lot": Decimal("0.0100")}
    [first, _] = (await audit.client("r1").get("/flags", params={"order": "money"})).json()["flags"]
    assert first["flag_id"] == flag["flag_id"]


async def test_what_is_under_review_or_was_picked_before_is_not_picked(audit: Audit) -> None:
    claim_id = await told(audit)
    flag = (await post(audit, f"/claims/{claim_id}/pick", WHY)).json()
    assert flag["amount_at_risk"] == "7000.00"  # without a score all that the fund paid
    for _ in range(2):
        again = await post(audit, f"/claims/{claim_id}/pick", WHY, "r2")
        assert (again.status_code, again.json()["code"]) == (409, "4041-claim-flagged-already")
        if (await audit.flag(flag["flag_id"]))["state"] == "open":
            await audit.dismiss(flag["flag_id"])
    assert len(await audit.flags()) == 1
    nowhere = await post(audit, f"/claims/{new_id()}/pick", WHY)
    assert nowhere.status_code == 404
    elsewhere = await post(audit, f"/claims/{claim_id}/pick", WHY, pool=OTHER_POOL)
    assert elsewhere.status_code == 404
    assert (await post(audit, f"/claims/{claim_id}/pick", WHY, role="hospital")).status_code == 403
    assert (await post(audit, f"/claims/{claim_id}/pick", {"reason": ""})).status_code == 400


async def test_it_is_reviewed_like_any_other_and_its_hospital_is_told_who_picked_it(
    audit: Audit,
) -> None:
    claim_id = await told(audit)
    flag = (await post(audit, f"/claims/{claim_id}/pick", WHY)).json()
    flag_id = flag["flag_id"]
    await audit.first(flag_id)
    notice = await audit.client("his", role="hospital").get(f"/flags/{flag_id}/notice")
    assert (notice.json()["picked_by"], notice.json()["grounds"]) == ("person", [])
    assert WHY["reason"] not in notice.text
    await audit.statement(flag_id)
    await audit.second(flag_id)
    await audit.dispose(flag_id, amount="500.00")
    assert (await audit.approve(flag_id)).json()["deduction"] == "pending"
    async with transaction(audit.pool, [AGENCY]) as tx:
        [(learned, verdict, _)] = await claim_scores.reviewed(tx, POOL)
    assert (learned, verdict) == (claim_id, "confirmed")


async def test_its_ground_is_its_claim(audit: Audit) -> None:
    claim = Telling()
    await audit.hear(claim.settled())
    flag = (await post(audit, f"/claims/{claim.claim_id}/pick", WHY)).json()
    await audit.hear(claim.reversed())
    assert (await audit.flag(flag["flag_id"]))["state"] == "closed"
    gone = Telling(person="p2")
    await audit.hear(gone.settled(), gone.reversed())
    answer = await post(audit, f"/claims/{gone.claim_id}/pick", WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "4007-claim-reversed")


async def test_the_lot_takes_what_never_was_flagged_once(audit: Audit) -> None:
    first, second = Telling(born="2026-02-01"), Telling(born="2026-02-03")
    other = Telling(person="p2")
    await audit.hear(first.settled(), second.settled(), other.settled())
    [flagged] = await audit.flags()
    scores = [
        a_score(one.claim_id, drawn=True, chance=Decimal("0.01")) for one in (first, second, other)
    ]
    for taken in (2, 0):
        async with transaction(audit.pool, [AGENCY]) as tx:
            picked = [
                await pick_drawn(tx, score, SHARE_DRAWN, "watch:1", LIBRARY.time_limits, NOW)
                for score in scores
            ]
        assert sum(picked) == taken
    lot = [flag for flag in await audit.flags() if flag["rule_family"] == "drawn-by-lot"]
    assert flagged["claim_id"] not in {flag["claim_id"] for flag in lot}
    for order in ("raised", "money"):
        asked = {"family": "drawn-by-lot", "order": order, "limit": 1}
        page = (await audit.client("r1").get("/flags", params=asked)).json()
        assert [flag["rule_family"] for flag in page["flags"]] == ["drawn-by-lot"]
    taken_up = await audit.client("r1").post("/flags:next", json={"family": "drawn-by-lot"})
    assert taken_up.json()["rule_family"] == "drawn-by-lot"
    nothing = await audit.client("r1").post("/flags:next", json={"family": "split-stay"})
    assert nothing.json()["code"] == "4022-no-flag-waits"
    shown = (await audit.flag(lot[0]["flag_id"]))["pick"]
    assert (shown["picked_by"], shown["by"], shown["share"]) == ("lot", "audit", "0.0005")
    with pytest.raises(asyncpg.CheckViolationError, match="a_lot_has_a_share"):
        await audit.owner.execute("update pick set share = null")


async def test_the_watch_draws_and_tells_what_its_run_was_like(audit: Audit) -> None:
    recent = [claim for claim in made_up() if claim.discharged_on.isoformat() >= "2025-12"]
    claim_id = next(one for one in iter(new_id, None) if drawn([str(one)], LOT)[0])
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claims.record(tx, [replace(recent[0], claim_id=claim_id), *recent[1:]])
    assert (await audit.client("r1").get("/scoring")).json() == {"run": None}
    for _ in range(2):
        await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
        lot = [flag for flag in await audit.flags() if flag["rule_family"] == "drawn-by-lot"]
        assert str(claim_id) in [flag["claim_id"] for flag in lot]
        assert len(lot) == len({flag["claim_id"] for flag in lot})
    listed = (await audit.client("r1").get("/claim-scores")).json()["claims"]
    assert {one["claim_id"] for one in listed if one["drawn"]} == {f["claim_id"] for f in lot}
    run = (await audit.client("r1").get("/scoring")).json()["run"]
    assert (run["claims"], run["champion"], run["challenger"]) == (len(recent), "evidence-3", None)
    assert (run["reviewed"], run["confirmed"], run["warnings"]) == (0, 0, [])


async def test_warnings_of_drift_are_shown_and_counted(audit: Audit) -> None:
    warned = DriftWarning("psi", "z_lab", Decimal("0.3100"), Decimal("0.0000"), Decimal("0.2000"))
    run = ScoringRun(
        POOL, 900, 12, "claims-2", "ranker-1", "evidence-3", 3400, 400,
        (warned, replace(warned, of="z_drug")),
    )  # fmt: skip
    for warnings, counted in ((run.warnings, 2.0), ((), 0.0)):
        async with transaction(audit.pool, [AGENCY]) as tx:
            await scoring_runs.lay(tx, replace(run, warnings=warnings), NOW)
        await DriftGauge(audit.pool).sample()
        metrics = (await audit.client("r1").get("http://audit/audit/metrics")).text
        assert f'audit_drift_warnings{{kind="psi",pool="{POOL}"}} {counted}' in metrics
        shown = (await audit.client("op", role="operator").get("/scoring")).json()["run"]
        assert len(shown["warnings"]) == len(warnings)
    assert (shown["champion"], shown["challenger"]) == ("ranker-1", "evidence-3")
    async with transaction(audit.pool, [HOSPITAL]) as tx:
        assert await scoring_runs.of_pool(tx, POOL) is None
    assert (await audit.client("his", role="hospital").get("/scoring")).status_code == 403


async def test_scores_are_paged_and_show_the_challengers_word(audit: Audit) -> None:
    tellings = [Telling(person=f"p{n}") for n in range(5)]
    await audit.hear(*(one.settled() for one in tellings))
    await laid(
        audit,
        [
            # two of them expect the same money
            a_score(one.claim_id, chance=Decimal(n // 2) / 4,
                    challenger=Challenger(Decimal("0.2500"), "ranker-1") if n else None)
            for n, one in enumerate(tellings)
        ],
    )  # fmt: skip
    client = audit.client("r1")
    whole = (await client.get("/claim-scores")).json()
    pages, after = [], ""
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await client.get("/claim-scores", params=query)).json()
        pages += page["claims"]
        if page["next"] is None:
            break
        after = page["next"]
    assert pages == whole["claims"]
    assert len(pages) == len(tellings)
    by_id = {one["claim_id"]: one["score"] for one in pages}
    second = by_id[str(tellings[1].claim_id)]
    assert (second["challenger_chance"], second["challenger_model"]) == ("0.2500", "ranker-1")
    assert by_id[str(tellings[0].claim_id)]["challenger_model"] is None
