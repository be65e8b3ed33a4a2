"""What is stored is what its archived book gives again, to the byte: over random claims of every
pool, with late documents, corrected states, adjustments and reversals between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from deploy.verify.priced_again import price_again
from deploy.verify.rates import rates_in_force
from deploy.verify.stores import Stores
from deploy.verify.topic_log import TopicLog
from services.settlement.api.reprice_command import reprice_command, what_if_book
from shared.money import Money
from tests.policy.drawn_care import MEDICAL
from tests.settlement.drawn_stays import FOLDERS, Drawn, Stays
from tests.settlement.test_adjusting import corrected
from tests.settlement.trial import appoint, open_ward
from tests.support.agency import made
from tests.support.clock import FixedClock
from tests.support.late_document import LATE, LATE_CAP
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client
from tests.support.trial_pools import UNITS, book_of

NANJING = "320100"
LIVE = """
select settlement_id from settlement s where reverses is null
and not exists (select from settlement r where r.reverses = s.settlement_id) order by 1
"""
EVER = {"since": "2022-01-01", "until": "2026-12-31"}


@dataclass
class Agency:
    """A ward whose claims are looked at from outside, as the operator's tools do."""

    stays: Stays
    stores: Stores
    dsn: str
    second: dict[str, Client]

    async def live(self, count: int, pools: list[str], benefits: tuple[str, ...] = MEDICAL) -> None:
        """So many random stays brought in and settled; some refused, one in six undone."""
        for number in range(count):
            drawer = self.stays.drawers[pools[number % len(pools)]]
            among = [b for b in drawer.benefits() if b in benefits]
            drawn = await self.stays.one(drawer.pool, self.stays.random.choice(among))
            await self._settled(drawn)

    async def _settled(self, drawn: Drawn) -> None:
        hospital = self.stays.ward.house.hospitals[drawn.hospital]
        done = await hospital.post(f"/stays/{drawn.stay}/settle", {"total": drawn.total})
        if done.status_code == 201 and self.stays.random.randrange(6) == 0:
            await made(hospital.post(f"/settlements/{done.json()['settlement_id']}/reverse"))

    async def remember_states(self) -> None:
        """Enrollment keeps every version of a person that settlement has heard of."""
        rows = await self.stores.settlement.fetch(
            "select person_ref, state_version, as_of, state::text from person_state"
        )
        await self.stores.enrollment.executemany(
            "insert into person_version values ($1, $2, $3, $4) on conflict do nothing",
            [(ref, version, at, state.encode()) for ref, version, at, state in rows],
        )

    async def repriced(self, *folders: Path) -> list[dict[str, Any]]:
        """What the command `reprice` prints."""
        said: list[str] = []
        await asyncio.to_thread(
            reprice_command, self.dsn, [*FOLDERS[1:], *folders], date(2022, 1, 1),
            date(2026, 12, 31), processes=1, done=lambda _: None, say=said.append,
        )  # fmt: skip
        return [json.loads(line) for line in said]


@pytest.fixture(scope="module")
async def agency(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Agency]:
    folder = tmp_path_factory.mktemp("ward")
    clock = FixedClock(datetime(2026, 11, 21, 2, tzinfo=UTC))
    dsns, others = module_databases("settlement"), module_databases("enrollment")
    async with open_ward(dsns, folder, book_of(FOLDERS), clock) as ward:
        owners = [await asyncpg.connect(d["owner"]) for d in (dsns, others)]
        # Here people are known by their state alone; enrollment does not run.
        await owners[1].execute(
            "alter table person_version drop constraint person_version_person_ref_fkey"
        )
        nobody = cast(TopicLog, None)
        stores = Stores(owners[1], owners[0], owners[0], nobody, {}, folder / "snapshot")
        second = {
            pool: await ward.house.running.caller(f"second-{pool}", "clerk", pool)
            for pool in (NANJING, UNITS)
        }
        yield Agency(Stays(ward, 20261123), stores, dsns["service"], second)
        for owner in owners:
            await owner.close()


async def test_claims_are_priced_again_as_they_were(agency: Agency, tmp_path: Path) -> None:
    """Red when settling knew another day than it stores, and when today's book was asked."""
    stays = agency.stays
    pools = [*stays.drawers, NANJING, UNITS]
    await agency.live(60, pools)
    await agency.live(16, [NANJING, UNITS], ("delivery",))
    await agency.remember_states()
    assert await price_again(agency.stores) == await rates_in_force(agency.stores) == []
    await _command_agrees(agency, changed=0)

    late = _late_documents(tmp_path)
    await appoint(stays.ward.house, what_if_book([*FOLDERS[1:], late]))
    proposed = await _reconsidered(agency)
    await agency.live(16, pools)
    await _one_is_corrected(agency)
    await agency.remember_states()
    assert await price_again(agency.stores) == await rates_in_force(agency.stores) == []
    await _command_agrees(agency, late, changed=len(proposed) - len(proposed[::2]))
    await _a_fen_is_noticed(agency)


def _late_documents(folder: Path) -> Path:
    for pool, text in ((NANJING, LATE), (UNITS, LATE_CAP)):
        place = folder / "late" / f"{pool}-late"
        place.mkdir(parents=True)
        (place / "late.toml").write_text(text, encoding="utf-8")
    return folder / "late"


async def _reconsidered(agency: Agency) -> list[str]:
    """All adjustments that the late documents propose; every other one is released, a third of the
    rest rejected."""
    proposed = []
    for pool, second in agency.second.items():
        first = agency.stays.ward.house.clerks[pool]
        of_pool = (await made(first.post("/reconsiderations", EVER)))["proposed"]
        assert len(of_pool) >= 2, pool
        proposed += [(second, adjustment) for adjustment in of_pool]
    for second, adjustment in proposed[::2]:
        await made(second.post(f"/adjustments/{adjustment}/release"))
    for second, adjustment in proposed[1::6]:
        await made(second.post(f"/adjustments/{adjustment}/reject"))
    return [adjustment for _, adjustment in proposed]


async def _one_is_corrected(agency: Agency) -> None:
    """Enrollment corrects a person whose claim is settled already, and nothing comes of it: the
    same kind of member."""
    house = agency.stays.ward.house
    ref = await house.owner.fetchval(
        f"select person_ref from settlement where settlement_id in ({LIVE})"  # noqa: S608
        " and member_kind = 'employee' and pool_code = $1 limit 1",
        UNITS,
    )
    await agency.remember_states()
    await corrected(house, ref, "employee")
    body = EVER | {"person_ref": ref}
    await made(house.clerks[UNITS].post("/reconsiderations", body))


async def _command_agrees(agency: Agency, *folders: Path, changed: int) -> None:
    """`reprice` under the book in force changes what waits for its adjustment, and nothing else."""
    *places, total = await agency.repriced(*folders)
    assert (total["changed"], total["refused"]) == (changed, 0), places
    live = await agency.stores.settlement.fetchval(f"select count(*) from ({LIVE}) live")  # noqa: S608
    assert total["claims"] + total["left_out"] == live > 40
    if not changed:
        assert total["before"] == total["after"]
    of_places = Money.total(Money.from_wire(place["before"]["fund"]) for place in places)
    assert of_places == Money.from_wire(total["before"]["fund"])


async def _a_fen_is_noticed(agency: Agency) -> None:
    """Each of these edits of one stored row is told: the check is no check of nothing."""
    settlement = agency.stores.settlement
    for edit in (
        "fund_fen = fund_fen + 1, institution_fen = institution_fen - 1",
        "steps = (replace(steps::text, '\"amount\":', '\"amount\": '))::json",
        "rates = rates[2:]",
    ):
        undo = settlement.transaction()
        await undo.start()
        try:
            edited = f"update settlement set {edit} where settlement_id = ({LIVE} limit 1)"  # noqa: S608
            assert await settlement.execute(edited) == "UPDATE 1"
            assert await price_again(agency.stores) != [], edit
        finally:
            await undo.rollback()
