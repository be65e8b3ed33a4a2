"""Two that differ: the clock of a service and the world's, the schema of who tells and who hears.

The names are those of docs/faults.md. The clock is skewed in a copy of the source: no switch for it
is shipped.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest

from deploy.local.postgres import Postgres
from shared.contracts.contract import Contract
from shared.contracts.flag import FlagDecided
from shared.contracts.person import PersonStateChanged
from shared.period import Month
from shared.plumbing.clock import TIME_ZONE, SystemClock, to_wire
from tests.faults.bills import Bill, all_settled, bills, still_sound
from tests.faults.planting import Ground, planted_copy, settlement_of
from tests.faults.scene import POOL, Scene, state_of
from tests.faults.tellings import answered, heard, tell
from tests.support.agency import until_true
from tests.support.postgres import ServiceDatabases

CALLS = 6
BEFORE_THE_TURN = timedelta(seconds=2)


@pytest.fixture
async def settlement(
    postgres: Postgres, service_databases: ServiceDatabases, ground: Ground, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A settlement whose clock and schema a test may change."""
    code = planted_copy(tmp_path, None)
    async with settlement_of(code, tmp_path, postgres, service_databases, ground) as scene:
        yield scene


async def test_f16_the_clock_is_wrong_and_jumps(settlement: Scene) -> None:
    """Ten minutes either way, back by an hour, over the month's end while claims are settled: the
    books are whole each time, and a key's answer stays what it was."""
    scene = settlement
    # From noon: whatever hour it is, an hour back is no other day.
    noon = datetime.combine(scene.today, time(12), tzinfo=TIME_ZONE)
    # The book was appointed just now: where it is hours earlier none would be in force.
    await scene.owner.execute(
        "update book_appointment set effective_at = effective_at - interval '1 day'"
    )
    here, there = Month.of(scene.today), Month.of(scene.today).plus(1)
    turn = datetime.combine(there.first_day(), time(), tzinfo=TIME_ZONE)
    set_clock(scene, noon)
    stay, total = await scene.a_stay()
    key, answers = uuid4().hex, set[bytes]()
    for jump in (timedelta(minutes=10), timedelta(minutes=-10), timedelta(hours=-1), None):
        before, after = await bills(scene, CALLS), await bills(scene, CALLS)
        then = turn - BEFORE_THE_TURN if jump is None else noon + jump
        await scene.owner.execute("update person_state set as_of = $1", then)
        settling = asyncio.create_task(all_settled(scene, before))
        set_clock(scene, then)
        await settling
        if jump is None:
            await asyncio.sleep(2 * BEFORE_THE_TURN.total_seconds())
        await all_settled(scene, after)
        answer = await scene.here.post(f"/stays/{stay}/settle", {"total": total}, key)
        answers.add(answer.content)
    scene.clock_off_by(0)
    assert len(answers) == 1
    months = await scene.owner.fetch(
        "select distinct account_month as month from settlement order by month"
    )
    assert [row["month"] for row in months] == [here.first_day(), there.first_day()]
    assert not await scene.red({"R04"})
    await still_sound(scene)


def set_clock(scene: Scene, then: datetime) -> None:
    """Let it be this instant at settlement."""
    scene.clock_off_by((then - datetime.now(TIME_ZONE)).total_seconds())


class FlagDecidedNext(FlagDecided):
    """What a later audit might tell: all of today's, and something that nobody here knows."""

    version: ClassVar = 99

    weather: str = "fair"


class PersonStateBefore(Contract):
    """What the first enrollment told: without what later versions added."""

    topic: ClassVar = PersonStateChanged.topic
    type: ClassVar = PersonStateChanged.type
    version: ClassVar = 1

    person_ref: str
    state_version: int
    spells: list[dict[str, object]]
    paid: list[dict[str, object]]


async def test_f17_who_hears_knows_less_than_who_tells(sound: Scene) -> None:
    _, claim = await sound.settled()
    flag = str(uuid4())
    event = FlagDecidedNext(
        flag_id=flag, claim_id=claim, pool_code=POOL, decision=1, amount="1.00", outcome="deduct",
        institution_code=sound.here.institution, decided_at=to_wire(SystemClock().now()), lines=[],
    )  # fmt: skip
    await tell(sound.audit, "audit", event, flag, 1)
    await answered(sound, claim)
    taken = await sound.owner.fetchval(
        "select count(*) from outbox where aggregate_id = $1 and type like '%deduction-taken'",
        claim,
    )
    assert taken == 1
    await still_sound(sound)


async def test_f17_who_hears_knows_more_than_who_tells(sound: Scene) -> None:
    person = uuid4().hex
    last = Month.of(sound.today)
    state = state_of(person, 1, last.plus(-60), last).model_dump()
    before = PersonStateBefore(
        person_ref=person, state_version=1, spells=state["spells"], paid=state["paid"]
    )
    at = SystemClock().now()
    await sound.enrollment.execute(
        "insert into person_version (person_ref, version, at, state) values ($1, 1, $2, $3)",
        person, at, before.to_bytes(),
    )  # fmt: skip
    await tell(sound.enrollment, "enrollment", before, person, 1)
    await heard(sound, PersonStateBefore.topic)
    body = {"person_ref": person, "since": str(sound.today - timedelta(days=270)),
            "institution_code": sound.here.institution}  # fmt: skip
    pregnancy = (await sound.here.made("/pregnancies", body))["pregnancy_id"]
    await all_settled(sound, [await sound.stay(sound.here, person, pregnancy)])
    await still_sound(sound)


ADDS = """
from alembic import op
revision, down_revision = "9999", "{head}"
branch_labels = depends_on = None
def upgrade() -> None:
    op.execute("alter table {table} add column weather text")
    op.execute("create index on {table} (weather)")
"""


def next_release(folder: Path, table: str) -> Path:
    """A copy of the source with one migration more, which widens a table."""
    code = planted_copy(folder, None)
    versions = code / "services" / "settlement" / "store" / "migrations" / "versions"
    head = max(file.name[:4] for file in versions.glob("0*.py"))
    (versions / "9999_weather.py").write_text(ADDS.format(head=head, table=table))
    return code


async def one_by_one(scene: Scene, stays: Sequence[Bill]) -> None:
    for stay in stays:
        await all_settled(scene, [stay])


async def test_f17_a_migration_runs_under_load(settlement: Scene, tmp_path: Path) -> None:
    """One that widens a table which statements were planned on: what they meet may go again."""
    stays = await bills(settlement, 4 * CALLS)
    settling = asyncio.create_task(one_by_one(settlement, stays))
    await migrated(next_release(tmp_path / "next", "stay"), settlement)
    await settling
    await one_by_one(settlement, await bills(settlement, 2))
    await still_sound(settlement)


async def test_f17_a_migration_ahead_of_its_release_is_taken_back(
    settlement: Scene, tmp_path: Path
) -> None:
    """It widens what a settlement is written into: callers are refused, to come again, until the
    release is there, or as here the migration is taken back."""
    await one_by_one(settlement, await bills(settlement, 2))
    stays = await bills(settlement)
    await migrated(next_release(tmp_path / "next", "settlement"), settlement)
    settling = asyncio.create_task(one_by_one(settlement, stays))
    await until_true(lambda: settlement.here.history.counts.get("503", 0) > 0)
    await settlement.owner.execute("alter table settlement drop column weather")
    await settling
    await still_sound(settlement)


async def migrated(code: Path, scene: Scene) -> None:
    """Run a copy's migrations on the scene's database, as an operator does."""
    site = scene.processes.site
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.settlement", "migrate"],
        cwd=code,
        env=os.environ | {"PYTHONPATH": str(code)} | site.environment("settlement"),
        check=True,
    )
