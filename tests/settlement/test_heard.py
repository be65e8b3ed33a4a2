"""What cannot be read of another service goes to the dead letters, and holds up nobody."""

from __future__ import annotations

from typing import Any

import pytest

from services.settlement.heard import contribution, person_state
from shared.contracts.person import ContributionPosted, PersonStateChanged
from shared.ids import new_id
from shared.plumbing.bus.record import Record
from shared.plumbing.inbox import Handle, Inbox
from tests.audit.conftest import ListSource
from tests.settlement.conftest import NANJING, House

AT = "2024-03-28T02:00:00.000Z"
CONTRIBUTION = ContributionPosted(
    contribution_id="0190a000-0000-7000-8000-000000000000", person_ref="p", pool_code=NANJING,
    county_code=NANJING, kind="employee", month="2024-03", base="6000.00", employer="510.00",
    individual="120.00", posted_at=AT, document="d", article="a",
)  # fmt: skip
PERSON = PersonStateChanged(person_ref="p", state_version=1, spells=[], paid=[])


def record(event: Any, data: bytes, at: str = AT) -> Record:
    headers = {"ce_id": str(new_id()), "ce_type": event.type, "ce_sequence": "1", "ce_time": at}
    return Record(event.topic, 0, 0, "one key", headers, data)


async def heard(house: House, handle: Handle, *records: Record) -> tuple[int, int, int]:
    """How many were applied, buried and parked."""
    pool = house.running.app.state.office.pool
    await Inbox("c", pool, ListSource(list(records)), handle, house.clock).take_once()
    row = await house.owner.fetchrow(
        "select applied, dead, parked from consumer_offset where consumer = 'c'"
    )
    assert row is not None
    return tuple(row)


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [
        (AT, "2024-03-28T02:00:00.000"),  # in whose zone?
        (AT, "the day before"),
        (CONTRIBUTION.contribution_id, "0190a000"),
        ("510.00", "5.1e2"),
    ],
)
async def test_a_contribution_that_cannot_be_read_is_a_dead_letter(
    house: House, whole: str, damaged: str
) -> None:
    data = CONTRIBUTION.to_bytes()
    broken = record(CONTRIBUTION, data.replace(whole.encode(), damaged.encode()))
    assert await heard(house, contribution.handle, broken, record(CONTRIBUTION, data)) == (1, 1, 0)
    assert await house.owner.fetchval("select count(*) from posting") == 2


async def test_a_state_that_is_of_no_instant_is_a_dead_letter(house: House) -> None:
    data = PERSON.to_bytes()
    broken = record(PERSON, data, "2024-03-28T02:00:00.000")
    assert await heard(house, person_state.handle, broken, record(PERSON, data)) == (1, 1, 0)
