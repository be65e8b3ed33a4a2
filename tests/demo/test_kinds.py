"""Every kind of benefit is in the demo, in each state that it can have, and settled by each method
that the demo's pools pay it by."""

from __future__ import annotations

from datetime import date

import pytest

from shared.policy.shapes import Benefit
from tests.demo.conftest import House

MEDICAL = {
    Benefit.DELIVERY,
    Benefit.PRENATAL,
    Benefit.LOSS,
    Benefit.FAMILY_PLANNING,
    Benefit.COMPLICATION,
}
# The documents name a subsidy's amount for births of 2025, and hand complications over since late
# 2026: of later two years the demo has none.
PAID_UNTIL = date(2027, 6, 1)
_STEPS = """
select distinct step ->> 'what' from settlement, lateral json_array_elements(steps) step
where benefit = '{benefit}'
"""


def _still_paid(day: str) -> bool:
    return date.fromisoformat(day) < PAID_UNTIL


@pytest.fixture
def made_on(house: House) -> str:
    """The day on which the demo was made."""
    return (house.folder / "demo").read_text().rpartition(" ")[2]


async def test_every_benefit_is_settled(house: House, made_on: str) -> None:
    settled = await house.column("settlement", "select distinct benefit from settlement")
    expected = MEDICAL if _still_paid(made_on) else MEDICAL - {Benefit.COMPLICATION}
    assert set(settled) == {benefit.value for benefit in expected}


async def test_entitlements_are_in_every_state(house: House, made_on: str) -> None:
    of_kind = "select distinct state from entitlement where kind = '{}'"
    allowances = await house.column("settlement", of_kind.format("allowance"))
    assert set(allowances) == {"opened", "deferred", "fixed", "withdrawn"}
    events = "select distinct event from entitlement where kind = 'allowance'"
    assert set(await house.column("settlement", events)) == {"birth", "loss", "family_planning"}
    if _still_paid(made_on):
        subsidies = await house.column("settlement", of_kind.format("nutrition"))
        assert "deferred" in subsidies


async def test_checks_are_paid_by_every_method_of_the_pools(house: House) -> None:
    kinds = set(await house.column("settlement", _STEPS.format(benefit="prenatal")))
    per_unit, before, since = {"unit_limit"}, {"stage_limit"}, {"pregnancy_limit"}
    per_capita = {"head", "head_slice"}
    assert per_unit | before | since | per_capita <= kinds


async def test_a_head_is_shared_by_two_hospitals_and_ends_after_the_birth(house: House) -> None:
    paid = await house.column(
        "settlement",
        "select count(distinct institution_code) from unit_entry where unit = 'head'"
        " group by pregnancy_id having max(used_after_fen) = max(limit_fen)",
    )
    assert max(paid) == 2
    transferred = "select pregnancy_id from designation group by 1 having count(*) = 2"
    assert await house.column("settlement", transferred)
    after = "select 1 from stay where particulars ->> 'postnatal' = 'true' and state = 'settled'"
    assert await house.column("settlement", after)


async def test_a_severe_birth_falls_back_to_its_items(house: House) -> None:
    kinds = set(await house.column("settlement", _STEPS.format(benefit="delivery")))
    assert "itemised_for_complication" in kinds


async def test_some_are_reversed_and_some_of_those_settled_again(house: House) -> None:
    reversed_stays = await house.column(
        "settlement", "select stay_id from settlement where reverses is not null"
    )
    again = await house.column(
        "settlement",
        "select stay_id from settlement where reverses is null group by 1 having count(*) = 2",
    )
    assert again
    assert set(again) < set(reversed_stays)


async def test_a_late_document_changed_claims_by_two_people(house: House) -> None:
    states = await house.column("settlement", "select state from adjustment")
    assert set(states) == {"proposed", "released", "rejected"}
    alone = "select 1 from adjustment where decided_by = proposed_by"
    assert await house.column("settlement", alone) == []
    books = "select count(distinct hash) from book_appointment"
    assert await house.column("settlement", books) == [2]
