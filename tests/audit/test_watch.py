"""Months that are over are scored by a process of its own, and what grows is flagged."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.audit.domain.claim import Claim, ClaimStatus, ItemCharged, Parts
from services.audit.domain.claim_row import charges, claim_row, regions, severity
from services.audit.scoring import live_claims
from services.audit.scoring.claims_file import COLUMNS
from services.audit.scoring.growth import ALARM_SCORE
from services.audit.scoring.live_claims import LiveClaims
from services.audit.store import claims
from services.audit.work.watch import watch_once
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, LOT, Audit, FixedClock
from tests.audit.events import NOW, OTHER_POOL, POOL
from tests.audit.test_by_two import agreed

GROUPS = LIBRARY.rules.groups.of_all
MONTHS, HOSPITALS, BIRTHS = 18, 9, 18
DRIFTING = "H-03"
FIRST = (2024, 9)
LAST = {"institution": DRIFTING, "since": "2026-02"}


def fen(amount: int) -> Money:
    return Money(amount)


def a_claim(institution: str, day: date, total: int) -> Claim:
    nothing, bill = Money(0), Money(total)
    return Claim(
        pool_code=POOL, claim_id=new_id(), institution_code=institution, county_code=POOL,
        institution_level=2, stay_id=str(new_id()), person_ref=f"p{new_id()}",
        pregnancy_id=str(new_id()), benefit="delivery", insurance_type="510",
        expenditure_item="maternity", member_kind="employee", mode="vaginal", infants=1,
        admitted_on=day - timedelta(days=3), event_on=day - timedelta(days=2), discharged_on=day,
        settled_at=datetime.combine(day, datetime.min.time(), UTC), settled_on=day,
        account_month=day.isoformat()[:7],
        parts=Parts(bill, bill, *[nothing] * 5, bill, nothing), out_of_scope=nothing,
        line_count=3, book="b", engine="e", status=ClaimStatus.SETTLED, reversed_at=None,
        version=1, sex="female", age=29, weeks=39, diagnoses=("O80.000", "Z37.000"),
    )  # fmt: skip


def made_up(seed: int = 1) -> list[Claim]:
    """Hospitals whose bills differ by chance; one of them charges 8 % more each month at last."""
    draw = random.Random(seed)  # noqa: S311
    made = []
    for h in range(HOSPITALS):
        base = 4000 * draw.lognormvariate(0, 0.2)
        for m in range(MONTHS):
            year, month = divmod(FIRST[0] * 12 + FIRST[1] - 1 + m, 12)
            grown = 1.08 ** max(0, m - 10) if f"H-{h:02}" == DRIFTING else 1.0
            for _ in range(BIRTHS):
                total = int(100 * base * grown * draw.lognormvariate(0, 0.2))
                made.append(a_claim(f"H-{h:02}", date(year, month + 1, draw.randint(4, 28)), total))
    return made


@pytest.fixture
async def watched(audit: Audit) -> Audit:
    """Claims of eighteen months, the last of them the month before now, scored once."""
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claims.record(tx, made_up())
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    return audit


async def of_months(audit: Audit) -> list[dict[str, Any]]:
    """The flags of hospitals' months, without those that the lot took in."""
    return [flag for flag in await audit.flags() if flag["rule_family"] != "drawn-by-lot"]


async def months(audit: Audit, **query: Any) -> list[dict[str, Any]]:
    answer = await audit.client("r1").get("/series", params={"limit": 1000} | query)
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["series"]
    return listed


async def test_who_grows_is_flagged_and_nobody_else(watched: Audit) -> None:
    flags = await of_months(watched)
    assert {(f["institution_code"], f["channel"]) for f in flags} == {(DRIFTING, "cost")}
    shown = await watched.flag(flags[0]["flag_id"])
    assert shown["next_steps"]
    told = shown["months"][-1]
    assert told["month"] == "2026-02"
    assert Money.from_wire(told["excess"]) > Money(0)
    assert DRIFTING not in told["explanation"]
    for words in (told["explanation"], told["explanation_zh"]):
        assert "90" in words
        assert "2026-02" in words
        assert "watch-cost" in words
        assert "735" in words


async def test_an_alarm_names_the_three_claims_that_contribute_most(watched: Audit) -> None:
    [flag] = await of_months(watched)
    told = (await watched.flag(flag["flag_id"]))["months"][-1]
    named = told["contributors"]
    assert len(named) == 3
    above = [Money.from_wire(one["excess"]).fen for one in named]
    assert above == sorted(above, reverse=True)
    rows = await watched.owner.fetch(
        "select claim_id::text, total_fen, institution_code, discharged_on from claim"
        " where institution_code = $1 and discharged_on >= '2025-09-01'",
        DRIFTING,
    )
    dearest = sorted(rows, key=lambda row: -row["total_fen"])
    window = [r for r in dearest if f"{r['discharged_on']:%Y-%m}" > month_of(told, -1)]
    # Births of one kind: the dearest of the window lie farthest above the same usual bill.
    assert [one["claim_id"] for one in named] == [row["claim_id"] for row in window[:3]]
    for words in (told["explanation"], told["explanation_zh"]):
        assert all(one["claim_id"] in words for one in named)


def month_of(told: dict[str, Any], before: int) -> str:
    """The month before the window of an alarm."""
    year, month = map(int, told["month"].split("-"))
    at = year * 12 + month - 1 - told["window_months"] + 1 + before
    return f"{at // 12}-{at % 12 + 1:02}"


async def test_what_two_people_explained_is_the_new_past(watched: Audit) -> None:
    [flag] = await of_months(watched)
    shown = await watched.flag(flag["flag_id"])
    assert [m["channels"]["cost"]["score"] for m in await months(watched, **LAST)] != [None]
    before = await watched.told()
    await watched.dismiss(flag["flag_id"])
    listed = await watched.client("r1").get("/series", params={"institution": DRIFTING})
    since = month_of(shown["months"][-1], 0)
    assert listed.json()["baselines"] == [
        {"institution_code": DRIFTING, "channel": "cost", "since": since,
         "flag_id": flag["flag_id"], "reason_code": "medically-justified", "by": "r1",
         "approved_by": "r2", "decided_on": "2026-03-02"}
    ]  # fmt: skip
    await watch_once(watched.pool, FixedClock(), LOT, LIBRARY)
    assert [m["channels"]["cost"]["score"] for m in await months(watched, **LAST)] == [None]
    earlier = await months(watched, institution=DRIFTING, since="2025-08")
    assert earlier[0]["month"] == "2025-08"
    assert earlier[0]["channels"]["cost"]["score"] is not None
    assert [one for one in await watched.told() if one not in before] == [("decided", 2)]
    profile = (await watched.client("r1").get(f"/institutions/{DRIFTING}")).json()
    assert profile["baselines"] == listed.json()["baselines"]
    others = await watched.client("r1").get("/series", params={"institution": "H-00"})
    assert others.json()["baselines"] == []


async def test_what_was_confirmed_is_no_new_past(watched: Audit) -> None:
    [flag] = await of_months(watched)
    await watched.decide(flag["flag_id"], amount="0.00", outcome="uphold")
    profile = (await watched.client("r1").get(f"/institutions/{DRIFTING}")).json()
    assert profile["baselines"] == []


async def test_a_second_run_brings_nothing_new(watched: Audit) -> None:
    before = await watched.told()
    await watch_once(watched.pool, FixedClock(), LOT, LIBRARY)
    assert await watched.told() == before
    assert len(await months(watched)) == MONTHS * HOSPITALS


async def test_what_two_people_posted_is_no_growth(audit: Audit) -> None:
    own = [replace(c, county_code="653001") if c.institution_code == DRIFTING else c
           for c in made_up()]  # fmt: skip
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claims.record(tx, own)
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    [before] = await months(audit, **LAST)
    for month in range(11, MONTHS):
        year, number = divmod(FIRST[0] * 12 + FIRST[1] - 1 + month, 12)
        said = {"region": "653001", "month": f"{year}-{number + 1:02}", "change": "0.08",
                "reason": "价格文件"}  # fmt: skip
        await agreed(audit, "/price-notices", said)
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    [after] = await months(audit, **LAST)
    assert float(after["score"]) < ALARM_SCORE < float(before["score"])


async def test_the_running_month_is_not_scored(watched: Audit) -> None:
    async with transaction(watched.pool, [AGENCY]) as tx:
        await claims.record(tx, [a_claim("H-00", NOW.date(), 400000)])
    await watch_once(watched.pool, FixedClock(), LOT, LIBRARY)
    assert {m["month"] for m in await months(watched, institution="H-00", since="2026-02")} == {
        "2026-02"
    }


async def test_a_reversed_claim_leaves_its_month(watched: Audit) -> None:
    await watched.owner.execute(
        "update claim set status = 'reversed', reversed_at = now() where claim_id ="
        " (select claim_id from claim where institution_code = 'H-01'"
        " and discharged_on >= '2026-02-01' limit 1)"
    )
    await watch_once(watched.pool, FixedClock(), LOT, LIBRARY)
    [last] = await months(watched, institution="H-01", since="2026-02")
    assert last["claims"] == BIRTHS - 1


async def test_pages_of_series_hold_every_month_once(watched: Audit) -> None:
    seen, after = [], ""
    while after is not None:
        answer = (
            await watched.client("r1").get("/series", params={"limit": 7, "after": after})
        ).json()
        seen += [(m["institution_code"], m["month"]) for m in answer["series"]]
        after = answer["next"]
    assert len(seen) == len(set(seen)) == MONTHS * HOSPITALS


async def test_an_institution_is_shown_with_months_and_flags(watched: Audit) -> None:
    answer = await watched.client("r1").get(f"/institutions/{DRIFTING}")
    shown = answer.json()
    assert [m["month"] for m in shown["months"]][-1] == "2026-02"
    of_months = [f for f in shown["flags"] if f["about"] != "drawn-by-lot"]
    assert [(f["about"], f["state"], f["flags"]) for f in of_months] == [("cost", "open", 1)]
    assert (await watched.client("r1").get("/institutions/H-99")).status_code == 404


async def test_another_pool_and_a_hospital_see_no_series(watched: Audit) -> None:
    elsewhere = watched.client("r9", pool=OTHER_POOL)
    assert (await elsewhere.get("/series")).json()["series"] == []
    assert (await elsewhere.get(f"/institutions/{DRIFTING}")).status_code == 404
    assert (await watched.client("his", role="hospital").get("/series")).status_code == 403


def test_a_claim_has_every_column_of_a_claims_file() -> None:
    assert list(claim_row(a_claim("H", date(2026, 1, 5), 400000), "320100", GROUPS)) == list(
        COLUMNS
    )


def test_charges_add_up_to_the_items() -> None:
    day = date(2026, 1, 5)
    items = [
        ItemCharged(code, 1, fen(amount), fen(amount), day, day, 1, 1)  # type: ignore[arg-type]
        for code, amount in (("bed-day", 5), ("ultrasound", 7), ("anaesthesia", 11), ("x", 13))
    ]
    sums = charges(items, GROUPS)
    assert (sums["amt_bed"], sums["amt_exam"], sums["amt_anesthesia"]) == (5, 7, 11)
    assert sums["amt_other"] == 13
    assert sum(sums.values()) == 36


def test_a_birth_alone_is_not_severe() -> None:
    assert severity(["O80.000", "Z37.000"]) == 1
    assert severity(["O82.000", "O14.100", "O14.200", "Z37.000"]) == 2
    assert severity(["O10.0", "O11.0", "O12.0", "O13.0"]) == 4


def test_kinds_of_a_claims_file() -> None:
    birth = a_claim("H", date(2026, 1, 5), 1)
    assert claim_row(replace(birth, mode="cesarean"), "320100", GROUPS)["case_type"] == "C"
    assert (
        claim_row(replace(birth, benefit="prenatal", mode=None), "320100", GROUPS)["case_type"]
        == "P"
    )


def test_what_serves_loads_no_statistics() -> None:
    code = (
        "import sys, services.audit.main; "
        "print([m for m in ('numpy', 'scipy', 'sklearn', 'duckdb', 'ibis') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_institution_lies_in_one_county_wherever_its_women_live() -> None:
    """Red when each claim keeps its woman's county: the institution then falls apart by them."""
    claim = a_claim("H", date(2026, 1, 5), 400000)
    few = [replace(claim, claim_id=new_id(), county_code=county)
           for county in ("320115", "320102", "320102")]  # fmt: skip
    assert regions(few) == {"H": "320102"}
    first = [replace(few[1], claim_id=new_id()) for _ in range(100)]
    moved = [replace(few[0], claim_id=new_id(), discharged_on=date(2026, 2, 1)) for _ in range(200)]
    assert regions([*moved, *first]) == {"H": "320102"}


def test_claims_as_they_stand_are_columns_that_lose_nothing() -> None:
    """The parts of a pool make the rows that its claims make; what weighs is not held twice."""
    item = ItemCharged("B-1", Decimal(2), Money(3000), Money(3000), date(2026, 1, 5),
                       date(2026, 1, 6), 1, 2)  # fmt: skip
    some = [replace(a_claim("H", date(2026, 1, day), 400000), claim_id=new_id(), items=(item,))
            for day in (5, 6, 7)]  # fmt: skip
    standing = LiveClaims(GROUPS)
    standing.add(some[:2])
    standing.add(some[2:])
    of = regions(some)
    whole = [claim_row(claim, of["H"], GROUPS) for claim in some]
    assert standing.rows().to_pylist() == whole
    assert standing.rows(some[2].discharged_on).to_pylist() == whole[:2]
    assert [row["claim_id"] for row in standing.items().to_pylist()] == [
        str(claim.claim_id) for claim in some
    ]
    assert standing.items()["amount"].to_pylist() == [3000] * 3
    assert {claim.items for claim in standing.claims} == {None}


def test_the_regions_of_a_pool_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all who ask for its rows, until more claims come in."""
    counted: list[int] = []

    def counting(claims: Sequence[Claim]) -> dict[str, str]:
        counted.append(len(claims))
        return regions(claims)

    monkeypatch.setattr(live_claims, "regions", counting)
    some = [replace(a_claim("H", date(2026, 1, day), 400000), claim_id=new_id()) for day in (5, 6)]
    standing = LiveClaims(GROUPS)
    standing.add(some[:1])
    assert [len(standing.rows()), len(standing.rows(date(2026, 1, 5)))] == [1, 0]
    assert counted == [1]
    standing.add(some[1:])
    assert (len(standing.rows()), counted) == (2, [1, 2])
