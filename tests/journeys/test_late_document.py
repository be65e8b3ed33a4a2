"""A document comes late: what was settled stays, and two people put the difference beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from services.settlement.api.reprice_command import reprice_command
from shared.money import Money
from tests.faults.small_run import POOLS, _birth, _callers, _insured
from tests.support.agency import Agency, agency, made, run_file, until
from tests.support.late_document import LATE, POOL, book_with, make_current
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client

PARTS = ("total", "fund", "member", "institution", "other_fund")


def fen(shown: dict[str, Any], part: str) -> Money:
    """A part of what is shown."""
    return Money.from_wire(shown[part])


async def test_a_late_document_is_adjusted_by_two_people_and_undone_whole(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with agency(service_databases, tmp_path, None) as whole:
        await whole.open_for_business(POOLS)
        those = await _callers(whole, POOL, "march")
        hospital = those["high"]
        mother = await _insured_once(whole, those)
        stay, total, claim = await _birth(whole, POOL, hospital, mother)
        before = await made(hospital.get(f"/settlements/{claim}"))
        assert before["adjustments"] == []

        whole.clock.move(days=45)
        assert whole.clock.now().date().isoformat() > "2024-05-01"
        hospital = (await _callers(whole, POOL, "may"))["high"]
        first = await whole.caller("settlement", "clerk-1", "clerk", POOL)
        second = await whole.caller("settlement", "clerk-2", "clerk", POOL)
        march = {"since": "2024-03-01", "until": "2024-03-31"}
        # The same book, later: nothing to propose.
        nothing = await made(first.post("/reconsiderations", march))
        assert (nothing["looked_at"], nothing["proposed"], nothing["next"]) == (1, [], None)

        await make_current(whole, first, second, book_with(tmp_path, LATE))
        out_of_range = {"since": "2024-04-01", "until": "2024-04-30"}
        assert (await made(first.post("/reconsiderations", out_of_range)))["looked_at"] == 0
        done = await made(first.post("/reconsiderations", march))
        assert (done["looked_at"], len(done["proposed"]), done["refused"]) == (1, 1, [])
        (adjustment,) = done["proposed"]
        assert (await made(hospital.get(f"/settlements/{claim}"))) == before

        again = await made(second.post("/reconsiderations", march))
        assert (again["looked_at"], again["proposed"]) == (1, [])
        (shown,) = (await made(hospital.get("/adjustments")))["items"]
        assert shown["adjustment_id"] == adjustment
        assert shown["cause"].startswith("book:")
        assert {part: shown["parts"][part] for part in PARTS} == {
            "total": "0.00", "fund": "300.00", "member": "0.00", "institution": "-300.00",
            "other_fund": "0.00",
        }  # fmt: skip

        own = await first.post(f"/adjustments/{adjustment}/release")
        assert (own.status_code, own.json()["code"]) == (422, "1029-second-person-needed")
        released = await made(second.post(f"/adjustments/{adjustment}/release"))
        assert released["state"] == "released"
        twice = await second.post(f"/adjustments/{adjustment}/release")
        assert (twice.status_code, twice.json()["code"]) == (409, "1033-adjustment-decided")

        now = await made(hospital.get(f"/settlements/{claim}"))
        assert [a["adjustment_id"] for a in now["adjustments"]] == [adjustment]
        assert {k: v for k, v in now.items() if k != "adjustments"} == {
            k: v for k, v in before.items() if k != "adjustments"
        }
        explained = await made(hospital.get(f"/settlements/{claim}/explanation"))
        (beside,) = explained["adjustments"]
        assert any("3400.00" in sentence and "第一条" in sentence for sentence in beside["zh"])
        assert len(beside["zh"]) == len(beside["en"]) == len(released["steps"])
        await _ledger_and_audit_agree(whole, claim, before, released)
        for clerk in (first, second):
            settled_law = await made(clerk.post("/reconsiderations", march))
            assert (settled_law["looked_at"], settled_law["proposed"]) == (1, [])
        await _verified(whole, tmp_path)

        reversal = await made(hospital.post(f"/settlements/{claim}/reverse"))
        for part in PARTS:
            sum_of_both = fen(before, part) + fen(released["parts"], part)
            assert fen(reversal, part) == -sum_of_both
        settlement = await asyncpg.connect(whole.databases["settlement"]["owner"])
        legs = await settlement.fetch(
            "select account, sum(amount_fen) as fen from posting"
            " where account not in ('bank', 'income_contribution') group by 1"
        )
        await settlement.close()
        assert {row["fen"] for row in legs} == {0}
        anew = await made(hospital.post(f"/stays/{stay}/settle", {"total": total}))
        assert fen(anew, "fund") == fen(before, "fund") + fen(released["parts"], "fund")
        await _verified(whole, tmp_path)


async def test_a_what_if_says_what_a_document_would_change_and_stores_nothing(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with agency(service_databases, tmp_path, None) as whole:
        await whole.open_for_business(POOLS)
        those = await _callers(whole, POOL, "march")
        _, _, claim = await _birth(
            whole, POOL, those["high"], await _insured_once(whole, those), born="2024-03-10"
        )
        undone = await _insured(whole, POOL, those["clerk"])
        _, _, other = await _birth(whole, POOL, those["low"], undone)
        settled = await made(those["high"].get(f"/settlements/{claim}"))
        low = await made(those["low"].get(f"/settlements/{other}"))
        dsns = whole.databases["settlement"]
        pool = tmp_path / "proposed" / f"{POOL}-what-if"
        pool.mkdir(parents=True)
        (pool / "late.toml").write_text(LATE, encoding="utf-8")
        # Contributions come in by events, and are posted.
        await _quiet(run_file(whole, tmp_path, None))
        before = await _rows(dsns["owner"])

        same = await _repriced(dsns["service"], [])
        assert [line["changed"] for line in same] == [0, 0, 0]
        assert same[-1]["before"] == same[-1]["after"]
        *lines, total = await _repriced(dsns["service"], [pool.parent])
        by_hospital = {line["institution_code"]: line for line in lines}
        changed, unchanged = by_hospital["HNJ3"], by_hospital["HNJ2"]
        assert (changed["claims"], changed["changed"], unchanged["changed"]) == (1, 1, 0)
        assert changed["before"]["fund"] == settled["fund"]
        assert fen(changed["after"], "fund") == fen(settled, "fund") + Money(30000)
        assert unchanged["before"] == unchanged["after"]
        assert unchanged["before"]["fund"] == low["fund"]
        assert (total["claims"], total["changed"], total["refused"], total["left_out"]) == (
            2,
            1,
            0,
            0,
        )
        assert fen(total["after"], "fund") == fen(changed["after"], "fund") + fen(low, "fund")
        assert await _repriced(dsns["service"], [], since="2024-04-01") == [
            same[-1] | {"claims": 0, "before": _NOTHING, "after": _NOTHING}
        ]
        assert await _rows(dsns["owner"]) == before


_NOTHING = {"fund": "0.00", "member": "0.00", "institution": "0.00"}


async def _repriced(
    dsn: str, folders: list[Path], since: str = "2024-03-01"
) -> list[dict[str, Any]]:
    said: list[str] = []
    await asyncio.to_thread(
        reprice_command, dsn, folders, date.fromisoformat(since), date(2024, 4, 30), processes=2,
        done=lambda _: None, say=said.append,
    )  # fmt: skip
    return [json.loads(line) for line in said]


async def _rows(dsn: str) -> list[int]:
    owner = await asyncpg.connect(dsn)
    tables = ("settlement", "claim", "posting", "adjustment", "outbox", "log", "book")
    counts = [await owner.fetchval(f"select count(*) from {table}") for table in tables]  # noqa: S608
    await owner.close()
    return counts


async def _insured_once(whole: Agency, those: dict[str, Client]) -> str:
    employer = {"employer_ref": f"E{POOL}", "name": "示例单位", "pool": POOL,
                "county_code": POOL, "kind": "enterprise"}  # fmt: skip
    await made(those["clerk"].post("/employers", employer))
    return await _insured(whole, POOL, those["clerk"])


async def _ledger_and_audit_agree(
    whole: Agency, claim: str, before: dict[str, Any], released: dict[str, Any]
) -> None:
    settlement = await asyncpg.connect(whole.databases["settlement"]["owner"])
    audit = await asyncpg.connect(whole.databases["audit"]["owner"])
    spent = await settlement.fetchval(
        "select sum(amount_fen)::bigint from posting where account like 'expenditure%'"
    )
    both = fen(before, "fund") + fen(released["parts"], "fund")
    assert Money(spent) == both

    async def heard() -> Any:
        row = await audit.fetchrow("select * from claim where claim_id::text = $1", claim)
        return row if row is not None and row["version"] == 2 else None

    row = await until(heard)
    for part in PARTS:
        assert Money(row[f"{part}_fen"]) == fen(before, part) + fen(released["parts"], part)
    await settlement.close()
    await audit.close()


async def _quiet(told: Path) -> None:
    async with open_stores(told) as stores:
        assert await wait_for_quiet(stores, 60) == []


async def _verified(whole: Agency, folder: Path) -> None:
    told = run_file(whole, folder, None)
    await _quiet(told)

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.verify", "--run", str(told)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = await asyncio.to_thread(verify)
    failed = [line for line in done.stdout.splitlines() if " FAIL" in line]
    assert failed == []
    assert done.returncode == 0, done.stdout + done.stderr
