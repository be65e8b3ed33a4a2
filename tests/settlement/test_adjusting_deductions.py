"""Adjustments and deductions of one claim: what is deducted is counted, also at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.settlement.actions.scene import Scene
from services.settlement.actions.take_deduction import take_deduction
from services.settlement.domain.deduction import Decision
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.settlement.conftest import NANJING, House
from tests.settlement.test_adjusting import accounts, proposed, settled, with_book
from tests.support.agency import made, until
from tests.support.late_document import LATE_AT_ONCE
from tests.support.running import Client


@pytest.fixture
async def second(house: House) -> Client:
    """Another clerk."""
    return await house.running.caller("clerk-other", "clerk", NANJING)


async def _take(tx: Any, house: House, claim: dict[str, Any], flag: str, amount: str) -> None:
    """A decision to deduct, taken in a transaction."""
    scene = Scene(NANJING, "", "audit", flag, house.clock.now())
    decision = Decision(
        flag,
        1,
        UUID(claim["settlement_id"]),
        NANJING,
        claim["institution_code"],
        Money.from_wire(amount),
    )
    await take_deduction(tx, scene, decision)


async def _deducted(house: House, claim: dict[str, Any], flag: str, amount: str) -> str:
    """What became of a decision to deduct."""
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        await _take(tx, house, claim, flag, amount)
    kind: str = await house.owner.fetchval(
        "select type from outbox order by at desc, id desc limit 1"
    )
    return kind.rpartition(".")[2]


async def test_what_may_be_deducted_counts_the_adjusted_fund_part(
    house: House, second: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    assert await _deducted(house, claim, "f1", "3000.00") == "deduction-refused"
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    adjustment = await proposed(house)
    await made(second.post(f"/adjustments/{adjustment}/release"))
    assert await _deducted(house, claim, "f2", "3000.00") == "deduction-taken"


async def test_no_release_leaves_less_than_was_deducted(
    house: House, second: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    assert await _deducted(house, claim, "f1", "2800.00") == "deduction-taken"
    await with_book(house, tmp_path, LATE_AT_ONCE.replace("3400.00", "2000.00"), second)
    adjustment = await proposed(house)
    answer = await second.post(f"/adjustments/{adjustment}/release")
    assert (answer.status_code, answer.json()["code"]) == (409, "1034-adjustment-below-deductions")
    await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    assert await accounts(house) == {}


async def test_a_deduction_that_is_taken_while_a_release_waits_is_counted(
    house: House, second: Client, tmp_path: Path
) -> None:
    """The release has read that nothing is deducted yet. Red when it moves the claim whatever
    number the claim has come to."""
    claim = await settled(house)
    await with_book(house, tmp_path, LATE_AT_ONCE.replace("3400.00", "2000.00"), second)
    place = f"/adjustments/{await proposed(house)}/release"
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        await _take(tx, house, claim, "f1", "2800.00")
        release = asyncio.create_task(second.post(place))

        async def waits() -> Any:
            return await house.owner.fetchval(
                "select true from pg_locks where not granted and locktype = 'transactionid'"
            )

        await until(waits)
    answer = await release
    assert (answer.status_code, answer.json()["code"]) == (409, "1034-adjustment-below-deductions")
    assert not await house.owner.fetchval(
        "select count(*) from adjustment where state = 'released'"
    )
