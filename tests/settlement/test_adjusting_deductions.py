"""Adjustments and deductions of one claim: what is deducted is counted, also at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.settlement.actions.scene import Scene
from services.settlement.actions.take_deduction import give_back, take_deduction
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


async def _take(
    tx: Any, house: House, claim: dict[str, Any], flag: str, amount: str, number: int = 1
) -> None:
    """A decision to deduct, taken in a transaction; a dismissal without an amount."""
    scene = Scene(NANJING, "", "audit", flag, house.clock.now())
    decision = Decision(
        flag,
        number,
        UUID(claim["settlement_id"]),
        NANJING,
        claim["institution_code"],
        Money.from_wire(amount),
    )
    await (take_deduction if decision.amount else give_back)(tx, scene, decision)


async def deducted(
    house: House, claim: dict[str, Any], flag: str, amount: str, number: int = 1
) -> str:
    """What became of a decision to deduct."""
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        await _take(tx, house, claim, flag, amount, number)
    kind: str = await house.owner.fetchval(
        "select type from outbox order by at desc, id desc limit 1"
    )
    return kind.rpartition(".")[2]


async def test_what_may_be_deducted_counts_the_adjusted_fund_part(
    house: House, second: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    assert await deducted(house, claim, "f1", "3000.00") == "deduction-refused"
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    adjustment = await proposed(house)
    await made(second.post(f"/adjustments/{adjustment}/release"))
    assert await deducted(house, claim, "f2", "3000.00") == "deduction-taken"


async def test_no_release_leaves_less_than_was_deducted(
    house: House, second: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    assert await deducted(house, claim, "f1", "2800.00") == "deduction-taken"
    await with_book(house, tmp_path, LATE_AT_ONCE.replace("3400.00", "2000.00"), second)
    adjustment = await proposed(house)
    answer = await second.post(f"/adjustments/{adjustment}/release")
    assert (answer.status_code, answer.json()["code"]) == (409, "1034-adjustment-below-deductions")
    await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    assert await accounts(house) == {}


async def test_what_a_payment_run_deducted_is_counted_as_well(house: House) -> None:
    """In whatever state a run will leave it: none is known yet."""
    claim = await settled(house)
    assert await deducted(house, claim, "f1", "2800.00") == "deduction-taken"
    await house.owner.execute("alter table deduction drop constraint known_state")
    await house.owner.execute("update deduction set state = 'paid'")
    assert await deducted(house, claim, "f2", "2800.00") == "deduction-refused"
    for given_up in ("cancelled", "released"):
        await house.owner.execute("update deduction set state = $1", given_up)
        assert await deducted(house, claim, given_up, "2800.00") == "deduction-taken"


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


async def _told(house: House) -> list[tuple[str, int]]:
    rows = await house.owner.fetch(
        "select type, sequence from outbox where topic = 'maternity.settlement.claim.v1'"
        " order by sequence"
    )
    return [(row["type"].rpartition(".")[2], row["sequence"]) for row in rows]


async def _deductions(house: House) -> list[tuple[int, int, str]]:
    rows = await house.owner.fetch(
        "select decision, amount_fen, state from deduction order by decision"
    )
    return [(row["decision"], row["amount_fen"], row["state"]) for row in rows]


async def test_a_lower_decision_replaces_what_was_taken(house: House) -> None:
    claim = await settled(house)
    await deducted(house, claim, "f1", "2800.00")
    assert await deducted(house, claim, "f1", "1000.00", number=2) == "deduction-taken"
    assert await _deductions(house) == [(1, 280000, "released"), (2, 100000, "pending")]
    assert await _told(house) == [
        ("settled", 1), ("deduction-taken", 2), ("deduction-released", 3), ("deduction-taken", 4),
    ]  # fmt: skip
    fund = Money(await house.owner.fetchval("select fund_fen from settlement"))
    left = fund - Money.from_wire("1000.00")
    above = (left + Money(1)).to_wire()
    assert await deducted(house, claim, "f2", above) == "deduction-refused"
    assert await deducted(house, claim, "f2", left.to_wire(), number=2) == "deduction-taken"


async def test_a_refused_decision_gives_back_what_the_one_before_took(house: House) -> None:
    claim = await settled(house)
    await deducted(house, claim, "f1", "1000.00")
    assert await deducted(house, claim, "f1", "99999.00", number=2) == "deduction-refused"
    assert await _deductions(house) == [(1, 100000, "released")]
    assert await _told(house) == [
        ("settled", 1), ("deduction-taken", 2), ("deduction-released", 3), ("deduction-refused", 4),
    ]  # fmt: skip


async def test_a_dismissal_gives_back_what_was_taken_and_nothing_else(
    house: House, nanjing_a: Client
) -> None:
    claim = await settled(house)
    await deducted(house, claim, "f1", "1000.00")
    await deducted(house, claim, "f2", "500.00")
    assert await deducted(house, claim, "f1", "0.00", number=2) == "deduction-released"
    states = await house.owner.fetch("select flag_id, state from deduction order by flag_id")
    assert [tuple(row) for row in states] == [("f1", "released"), ("f2", "pending")]
    before = await _told(house)
    await deducted(house, claim, "f1", "0.00", number=3)
    assert await _told(house) == before, "nothing was left to give back"
    await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    states = await house.owner.fetch("select flag_id, state from deduction order by flag_id")
    assert [tuple(row) for row in states] == [("f1", "released"), ("f2", "cancelled")]
