"""What rules see of a claim that settlement told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from services.audit.domain.claim import Claim, ItemCharged
from services.audit.domain.claim_row import charges
from services.audit.domain.claimed_case import case_of as case_of
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.rule import read_rules
from shared.money import Money
from tests.audit.test_watch import a_claim

DAY = date(2026, 1, 5)
GROUPS = SHIPPED_GROUPS.of_all


def item(code: str, yuan: int, quantity: int = 1) -> ItemCharged:
    amount = Money(100 * yuan)
    return ItemCharged(code, Decimal(quantity), amount, amount, DAY, DAY, 1, 1)


def complication(*items: ItemCharged, diagnoses: tuple[str, ...] = ("O47.000",)) -> Claim:
    total = Money.total(one.amount for one in items)
    claim = a_claim("H", DAY, total.fen)
    return replace(
        claim, benefit="complication", mode=None, diagnoses=diagnoses, items=tuple(items)
    )


def test_severity_is_that_of_the_coded_complications_and_unknown_without_any_code() -> None:
    assert case_of(complication(item("exam-1", 1)), GROUPS).severity == 2
    assert case_of(complication(item("exam-1", 1), diagnoses=("Z34.000",)), GROUPS).severity == 1
    nothing_coded = case_of(complication(item("exam-1", 1), diagnoses=()), GROUPS)
    assert (nothing_coded.severity, nothing_coded.diagnoses) == (None, None)


def test_a_light_stay_of_examinations_is_an_admission_below_standard() -> None:
    rule = read_rules().find("low-standard-admission", 1)
    light = [item("exam-1", 500), item("lab-1", 200), item("bed-day", 300, 3)]
    claim = complication(*light, diagnoses=("Z34.000",))
    [hit] = rule.parameters.hits(case_of(claim, GROUPS), []) or []
    assert hit.evidence["examined"] == "700.00"
    severe = replace(claim, diagnoses=("O14.100",))
    assert rule.parameters.hits(case_of(severe, GROUPS), []) == []
    assert rule.parameters.hits(case_of(replace(claim, diagnoses=()), GROUPS), []) is None


def test_a_better_room_is_a_charge_for_the_bed_and_no_further_day() -> None:
    claim = complication(item("bed-day", 180, 3), item("ward-single", 600, 3))
    assert charges(claim.items or (), GROUPS)["amt_bed"] == 78000
    assert case_of(claim, GROUPS).billed["bed"].quantity == 3
