"""A state that corrects the past has the claims that rest on it reconsidered by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.settlement.actions.note_person_states import note_person_states
from services.settlement.domain.person import PersonState, Spell, corrects_the_past
from services.settlement.work.late_documents import TRIES
from shared.contracts.person import PersonStateChanged
from shared.period import Month
from shared.plumbing.database import AGENCY, transaction
from shared.policy.shapes import MemberKind
from tests.settlement.conftest import NANJING, House
from tests.settlement.test_adjusting import person_of, second, settled
from tests.support.agency import made, until
from tests.support.running import Client

__all__ = ["second"]


async def told(house: House, person: str, **changed: Any) -> None:
    """Enrollment tells a person's next state; `kind` and paid months as given."""
    row = await house.owner.fetchrow(
        "select state_version, state::text from person_state where person_ref = $1", person
    )
    assert row is not None
    state = PersonStateChanged.model_validate_json(row["state"]).model_dump()
    state["state_version"] += 1
    state["spells"][0]["kind"] = changed.get("kind", state["spells"][0]["kind"])
    state["paid"] = changed.get("paid", state["paid"])
    event = PersonStateChanged.model_validate(state)
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        await note_person_states(tx, [(event, house.clock.now())])


async def done(house: House) -> bool:
    """Nobody waits."""
    return bool(await house.owner.fetchval("select count(*) = 0 from reconsideration_due"))


async def test_a_correction_is_proposed_by_itself_and_released_by_two_people(
    house: House, second: Client
) -> None:
    claim = await settled(house)
    other = await settled(house)
    person = await person_of(house, claim["settlement_id"])
    await told(house, person, kind="flexible")
    await until(lambda: done(house))
    (adjustment,) = (await made(second.get("/adjustments")))["items"]
    assert adjustment["settlement_id"] == claim["settlement_id"] != other["settlement_id"]
    assert (adjustment["cause"], adjustment["endorsed"]) == ("person:2", False)
    place = f"/adjustments/{adjustment['adjustment_id']}/release"
    endorsed = await made(second.post(place))
    assert (endorsed["state"], endorsed["endorsed"]) == ("proposed", True)
    assert (await second.post(place)).json()["code"] == "1029-second-person-needed"
    released = await made(house.clerks[NANJING].post(place))
    assert (released["state"], released["expenditure_item"]) == ("released", "medical")
    by = await house.owner.fetch(
        "select action, actor from log where subject = $1 order by id",
        f"adjustment:{adjustment['adjustment_id']}",
    )
    assert [tuple(row) for row in by] == [
        ("propose_adjustment", "work:late-documents"), ("endorse_adjustment", "clerk-other"),
        ("release_adjustment", f"clerk-1-{NANJING}"),
    ]  # fmt: skip


async def test_hearing_it_again_and_a_month_paid_in_time_ask_for_nothing(house: House) -> None:
    claim = await settled(house)
    person = await person_of(house, claim["settlement_id"])
    await told(house, person, paid=[{"first": "2022-01", "last": "2024-04"}])
    assert await done(house)
    await told(house, person, kind="flexible")
    await until(lambda: done(house))
    first = await house.owner.fetchval("select count(*) from adjustment")
    await told(house, person, paid=[{"first": "2022-01", "last": "2024-04"}], kind="flexible")
    assert await done(house)
    assert first == await house.owner.fetchval("select count(*) from adjustment") == 1


async def test_of_whom_nothing_was_settled_nothing_is_asked(house: House) -> None:
    person = await house.person(NANJING)
    await told(house, person, kind="flexible")
    assert await done(house)
    assert await house.owner.fetchval("select count(*) from log where action = 'reconsider'") == 0


async def test_who_fails_again_and_again_holds_nobody_up_and_is_counted(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    failing, other = [(await settled(house))["settlement_id"] for _ in range(2)]
    person, behind = [await person_of(house, claim) for claim in (failing, other)]
    spoiled = "update entitlement set base = $2 where settlement_id::text = $1"
    await house.owner.execute(spoiled, failing, "{}")

    async def tried(times: int) -> bool:
        due = await house.owner.fetch("select person_ref, tries from reconsideration_due")
        return [tuple(row) for row in due] == [(person, times)]

    await told(house, person, kind="flexible")
    house.clock.move(seconds=1)
    await told(house, behind, kind="flexible")
    await until(lambda: tried(TRIES))
    adjusted = await house.owner.fetch("select settlement_id::text from adjustment")
    assert [row["settlement_id"] for row in adjusted] == [other]

    async def counted() -> bool:
        return REGISTRY.get_sample_value("reconsiderations_failing") == 1

    await until(counted)
    said = capfd.readouterr()
    lines = [one for one in (said.out + said.err).splitlines() if "put off" in one]
    assert len(lines) == TRIES
    assert not [one for one in lines if person in one]
    house.clock.move(seconds=59)
    await asyncio.sleep(1.2)  # two turns of the worker
    assert await tried(TRIES)
    house.clock.move(seconds=1)
    await until(lambda: tried(TRIES + 1))
    await house.owner.execute(spoiled, failing, None)
    house.clock.move(seconds=60)
    await until(lambda: done(house))
    assert await house.owner.fetchval("select count(*) from adjustment") == 2


MARCH = date(2024, 3, 28)
SPELL = Spell(NANJING, NANJING, MemberKind.EMPLOYEE, date(2022, 1, 1), None)
BEFORE = PersonState(
    "p", 1, (SPELL,), ((Month(2022, 1), Month(2024, 2)),), datetime(2024, 3, 28, tzinfo=UTC)
)
LATER = replace(SPELL, kind=MemberKind.FLEXIBLE, start=date(2024, 4, 1))


@pytest.mark.parametrize(
    ("after", "corrects"),
    [
        ({}, False),
        ({"paid": ((Month(2022, 1), Month(2024, 3)),)}, False),
        ({"paid": ((Month(2021, 12), Month(2024, 2)),)}, True),
        ({"paid": ((Month(2022, 1), Month(2024, 1)),)}, True),
        ({"spells": (replace(SPELL, kind=MemberKind.FLEXIBLE),)}, True),
        ({"spells": (replace(SPELL, end=date(2024, 3, 1)),)}, True),
        ({"spells": (replace(SPELL, end=MARCH),)}, True),
        ({"spells": (replace(SPELL, end=date(2024, 3, 29)),)}, False),
        ({"spells": (replace(SPELL, end=date(2024, 4, 1)), LATER)}, False),
        ({"spells": (SPELL, replace(LATER, start=date(2024, 3, 1)))}, True),
        ({"spells": ()}, True),
    ],
)
def test_what_corrects_the_past(after: dict[str, Any], corrects: bool) -> None:
    assert corrects_the_past(BEFORE, replace(BEFORE, version=2, **after), MARCH) is corrects


@pytest.mark.parametrize(
    ("known", "said", "corrects"),
    [
        (date(2024, 1, 1), date(2024, 12, 1), True),
        (date(2024, 1, 1), None, True),
        (MARCH, None, True),
        (date(2024, 3, 29), None, False),
        (date(2024, 12, 1), None, False),
        (date(2024, 12, 1), date(2024, 6, 1), False),
        (date(2024, 12, 1), date(2024, 1, 1), True),
        (date(2024, 1, 1), date(2024, 1, 1), False),
    ],
)
def test_an_end_corrects_the_past_once_the_earlier_had_come(
    known: date, said: date | None, corrects: bool
) -> None:
    before = replace(BEFORE, spells=(replace(SPELL, end=known),))
    after = replace(BEFORE, version=2, spells=(replace(SPELL, end=said),))
    assert corrects_the_past(before, after, MARCH) is corrects
