"""Faults planted into audit's reviews turn their invariant red through the API; sound code bears
the same callers green."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES
from deploy.verify.invariants import INVARIANTS
from deploy.verify.stores import open_stores
from shared.contracts.claim import ClaimSettled
from shared.plumbing.clock import SystemClock, business_day
from tests.audit.events import Telling
from tests.faults.desk import Desk, History
from tests.faults.planting import PLANTED, planted_copy
from tests.faults.processes import Processes, site_on
from tests.faults.scene import POOL
from tests.faults.tellings import tell
from tests.support.agency import until
from tests.support.postgres import ServiceDatabases
from tests.support.reviewing import AGREE, APPROVAL, CLEAR, DISPOSAL, PURSUE, STATEMENT

_numbers = itertools.count(1)


@dataclass
class Review:
    """A flag of a running audit, two reviewers, and the hospital that it is on."""

    processes: Processes
    settlement: asyncpg.Connection[asyncpg.Record]
    first: Desk
    second: Desk
    hospital: Desk
    flag: str = ""

    async def flagged(self) -> None:
        """Another flag: one birth, told as settled twice by the hospital."""
        person, known = uuid4().hex, {self.flag}
        for _ in range(2):
            now, institution = SystemClock().now(), self.hospital.institution
            claim = Telling(person, "2026-02-01", institution, POOL, now)
            event = ClaimSettled.from_bytes(claim.settled().data)
            await tell(self.settlement, "settlement", event, str(claim.claim_id), 1)

        async def raised() -> Any:
            answer = await self.first.get("/flags?state=open")
            flags = answer.json()["flags"] if answer is not None else []
            return [flag["flag_id"] for flag in flags if flag["flag_id"] not in known]

        self.flag = (await until(raised))[-1]

    async def tries(self, who: Desk, step: str, body: dict[str, Any]) -> int:
        """A step on the flag as it is; what was answered."""
        shown = await self.first.get(f"/flags/{self.flag}")
        assert shown is not None
        body = body | {"version": shown.json()["version"]}
        answer = await who.try_once(f"/flags/{self.flag}/{step}", body, uuid4().hex)
        assert answer is not None
        return answer.status_code

    async def last_day(self, days: int) -> None:
        """The step's last day is so many days from now."""
        owner = await asyncpg.connect(self.processes.site.databases["audit"]["owner"])
        last = business_day(SystemClock().now()) + timedelta(days=days)
        await owner.execute("update flag set due_on = $2 where flag_id::text = $1", self.flag, last)
        await owner.close()

    async def red(self, ids: set[str]) -> set[str]:
        """Which of these invariants are broken."""
        async with open_stores(self.processes.run_file()) as stores:
            lines = [await i.line(stores) for i in INVARIANTS if i.id in ids]
        assert not [line for line in lines if "broke down" in line], lines
        return {line.split()[0] for line in lines if " FAIL:" in line}


async def one_person_reviews_twice(review: Review) -> None:
    """The first reviewer takes the second review too, and another the disposal."""
    await review.tries(review.first, "first-review", PURSUE)
    await review.tries(review.hospital, "statement", STATEMENT)
    await review.tries(review.first, "second-review", AGREE)


async def one_person_clears_alone(review: Review) -> None:
    """Who clears a flag agrees with that."""
    await review.tries(review.first, "first-review", CLEAR)
    await review.tries(review.first, "second-review", AGREE)


async def one_person_approves_her_own(review: Review) -> None:
    """Who proposed a disposal approves it."""
    await review.tries(review.first, "first-review", PURSUE)
    await review.tries(review.hospital, "statement", STATEMENT)
    await review.tries(review.second, "second-review", AGREE)
    await review.tries(review.first, "disposal", DISPOSAL)
    await review.tries(review.first, "approval", APPROVAL)


async def one_person_sets_a_limit_alone(review: Review) -> None:
    """Who asks for a limit of an agreement, and for a price notice, approves them."""
    limit = {"indicator": "average-cost", "since": "2026-01", "window_months": 3,
             "limit": "99999.00", "reason": "协议"}  # fmt: skip
    notice = {"region": POOL, "month": "2026-01", "change": "9.0", "reason": "通知"}
    for place, said in (("/indicator-limits", limit), ("/price-notices", notice)):
        asked = await review.first.made(place, said)
        await review.first.try_once(f"{place}/{asked['id']}/approve", {}, uuid4().hex)


async def nobody_waits_for_the_institution(review: Review) -> None:
    """Two reviewers decide on money at once."""
    await review.tries(review.first, "first-review", PURSUE)
    await review.tries(review.second, "second-review", AGREE)
    await review.tries(review.first, "disposal", DISPOSAL)
    await review.tries(review.second, "approval", APPROVAL)


@dataclass(frozen=True)
class Fault:
    """A patch of audit, what provokes it, and the invariant that must turn red."""

    patch: str
    provoke: Callable[[Review], Awaitable[None]]
    red: set[str]


FAULTS = (
    Fault("first-reviewer-reviews-again", one_person_reviews_twice, {"S04"}),
    Fault("first-reviewer-clears-alone", one_person_clears_alone, {"S04"}),
    Fault("proposer-approves", one_person_approves_her_own, {"S04"}),
    Fault("one-person-sets-a-limit", one_person_sets_a_limit_alone, {"S04"}),
    Fault("institution-not-heard", nobody_waits_for_the_institution, {"S01"}),
)


@asynccontextmanager
async def audit_of(
    code: Path, folder: Path, cluster: Postgres, databases: ServiceDatabases
) -> AsyncIterator[Review]:
    """Run the audit of a copy, on a database made by the copy's own migrations."""
    name = f"audit_planted_{next(_numbers)}"
    own = await asyncio.to_thread(cluster.service_database, "audit", name, template=None)
    await asyncio.to_thread(_migrate, code, own)
    there = {one: await asyncio.to_thread(databases, one) for one in SERVICES if one != "audit"}
    site = await asyncio.to_thread(site_on, folder, there | {"audit": own}, None)
    processes = Processes(site, code)
    settlement = await asyncpg.connect(there["settlement"]["owner"])
    try:
        processes.start("audit")
        await processes.ready("audit")
        async with httpx.AsyncClient(timeout=20) as http:
            history = History(folder / "history.jsonl")
            desks = {
                client.client_id: Desk(http, history, site, "audit", client)
                for client in site.clients
                if client.pool_code == POOL and "audit" in client.services
            }
            first, second = desks[f"reviewer-{POOL}-a"], desks[f"reviewer-{POOL}-b"]
            hospital = desks[f"hospital-{POOL}-a"]
            yield Review(processes, settlement, first, second, hospital)
    finally:
        processes.stop()
        await settlement.close()
        await asyncio.to_thread(cluster.drop_database, name)


def _migrate(code: Path, database: dict[str, str]) -> None:
    settings = {f"AUDIT_{kind}_DSN".upper(): dsn for kind, dsn in database.items()}
    settings |= {"AUDIT_SIGNING_KEY": "-", "AUDIT_FIELD_KEY": "-", "PYTHONPATH": str(code)}
    settings |= {"AUDIT_ANCHOR_FILE": str(code / "anchors")}
    subprocess.run(
        [sys.executable, "-m", "services.audit", "migrate"],
        cwd=code,
        env=os.environ | settings,
        check=True,
    )


async def _turns_red(
    faults: Sequence[Fault], patch: Path | None, cluster: Postgres, databases: ServiceDatabases,
    folder: Path,
) -> set[str]:  # fmt: skip
    """What these provocations turn red, each on a flag of its own, in one running copy."""
    code = await asyncio.to_thread(planted_copy, folder, patch)
    ids = {one for fault in faults for one in fault.red}
    async with audit_of(code, folder, cluster, databases) as review:
        assert await review.red(ids) == set(), "red before anything happened"
        for fault in faults:
            await review.flagged()
            await fault.provoke(review)
        return await review.red(ids)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.patch)
async def test_a_planted_fault_turns_its_invariant_red(
    fault: Fault, postgres: Postgres, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    patch = PLANTED / f"{fault.patch}.patch"
    assert await _turns_red([fault], patch, postgres, service_databases, tmp_path) == fault.red


async def test_a_step_beyond_its_last_day_is_stuck_unless_somebody_holds_it(
    postgres: Postgres, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    code = await asyncio.to_thread(planted_copy, tmp_path, None)
    async with audit_of(code, tmp_path, postgres, service_databases) as review:
        await review.flagged()
        await review.last_day(0)
        assert await review.red({"R06"}) == set()
        await review.last_day(-1)
        assert await review.red({"R06"}) == {"R06"}
        taken = await review.first.post(f"/flags/{review.flag}/lease", {})
        assert taken.status_code == httpx.codes.OK, taken.text
        assert await review.red({"R06"}) == set()


async def test_sound_code_bears_the_provocations(
    postgres: Postgres, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    assert await _turns_red(FAULTS, None, postgres, service_databases, tmp_path) == set()
