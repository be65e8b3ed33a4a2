"""Each predicate on its own: where it begins to hold, where it ends, what it is silent about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.audit.domain.case import Benefit, Case, Item, Sex
from services.audit.domain.finding import ask
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.rule import read_rules
from shared.money import Money

BOOK = read_rules()
GROUPS = SHIPPED_GROUPS.of_all
NEWEST = {rule.id: rule for rule in BOOK.newest().rules}
DAY = date(2026, 1, 10)


def a_case(*items: Item, **facts: Any) -> Case:
    """A delivery of three nights that costs 9,000 yuan, of which the fund paid 7,000."""
    told: dict[str, Any] = {
        "pool": "1", "case_id": "b", "person": "p", "institution": "h1", "level": 3,
        "benefit": Benefit.DELIVERY, "filed": "2026-01-20", "admitted": DAY, "event": DAY,
        "discharged": DAY + timedelta(days=3), "total": Money(900_000), "fund": Money(700_000),
        "mode": "vaginal",
    }  # fmt: skip
    if items:
        told |= {"items": GROUPS.marked(items), "billed": GROUPS.billed(items, whole=True)}
    return Case(**(told | facts))


def an_item(code: str, quantity: str = "1", yuan: int = 100, **facts: Any) -> Item:
    told = {"first_day": DAY, "last_day": DAY} | facts
    return Item(code, Decimal(quantity), Money(yuan * 100), **told)


def fen(rule: str, case: Case, *others: Case) -> int | None:
    """What is at risk by a rule; 0 where it does not hold, None where it is silent."""
    answer = ask(NEWEST[rule], case, others)
    if answer is None:
        return None
    assert all(hit.at_risk.fen > 0 for hit in answer), "a hit without money at risk"
    return sum(hit.at_risk.fen for hit in answer)


@pytest.mark.parametrize(
    ("rule", "facts", "at_risk"),
    [
        ("male-delivery", {"sex": Sex.MALE}, 700_000),
        ("male-delivery", {"sex": Sex.FEMALE}, 0),
        ("male-delivery", {}, None),
        ("male-delivery", {"sex": Sex.MALE, "benefit": Benefit.PRENATAL}, 0),
        ("sex-of-person", {"sex": Sex.MALE, "benefit": Benefit.PRENATAL}, 700_000),
        ("mens-surgery-of-woman",
         {"sex": Sex.FEMALE, "benefit": Benefit.FAMILY_PLANNING, "procedures": ("63.7300",)},
         700_000),
        ("mens-surgery-of-woman",
         {"sex": Sex.FEMALE, "benefit": Benefit.FAMILY_PLANNING, "procedures": ("66.2901",)}, 0),
        ("mens-surgery-of-woman",
         {"sex": Sex.FEMALE, "benefit": Benefit.FAMILY_PLANNING}, None),
        ("age-of-person", {"age": 11}, 700_000),
        ("age-of-person", {"age": 12}, 0),
        ("age-of-person", {"age": 55}, 0),
        ("age-of-person", {"age": 56}, 700_000),
        ("age-of-person", {}, None),
        ("not-insured", {"insured": False}, 700_000),
        ("not-insured", {"insured": True}, 0),
        ("not-insured", {}, None),
        ("delivery-as-ordinary",
         {"benefit": Benefit.ORDINARY_INPATIENT, "diagnoses": ("O80.000",)}, 700_000),
        ("delivery-as-ordinary",
         {"benefit": Benefit.ORDINARY_INPATIENT, "diagnoses": ("O20.000",)}, 0),
        ("caesarean-without-operation", {"mode": "cesarean", "procedures": ("75.3400",)}, 700_000),
        ("caesarean-without-operation", {"mode": "cesarean", "procedures": ("74.1x01",)}, 0),
        ("caesarean-without-operation", {"mode": "cesarean"}, None),
    ],
)  # fmt: skip
def test_of_one_case(rule: str, facts: dict[str, Any], at_risk: int | None) -> None:
    assert fen(rule, a_case(**facts)) == at_risk


@pytest.mark.parametrize(
    ("rule", "item", "facts", "at_risk"),
    [
        # Three nights are four days in bed; the fifth and sixth cost a third of 90 yuan.
        ("bed-days-beyond-stay", an_item("bed-day", "6", 90), {}, 3_000),
        ("bed-days-beyond-stay", an_item("bed-day", "4", 90), {}, 0),
        ("nursing-days-beyond-stay", an_item("nursing-1", "7", 1), {}, 43),
        ("duplicate-charge", an_item("cesarean-section", "2", 4_000), {}, 200_000),
        ("duplicate-charge", an_item("cesarean-section", "1", 4_000), {}, 0),
        ("item-swap", an_item("cesarean-section"), {}, 10_000),
        ("item-swap", an_item("cesarean-section"), {"mode": "cesarean"}, 0),
        ("newborn-on-mothers-bill", an_item("newborn-care", "1", 8_000), {}, 700_000),
        ("caesarean-without-anaesthesia", an_item("cesarean-section"), {"mode": "cesarean"},
         700_000),
        ("caesarean-without-anaesthesia", an_item("cesarean-section"), {}, 0),
        ("haemorrhage-without-evidence", an_item("bed-day"), {"diagnoses": ("O72.100",)}, 700_000),
        ("haemorrhage-without-evidence", an_item("blood-red"), {"diagnoses": ("O72.100",)}, 0),
        ("haemorrhage-without-evidence", an_item("bed-day"), {}, None),
        ("charge-outside-stay", an_item("other", first_day=DAY - timedelta(days=4)), {}, 10_000),
        ("charge-outside-stay", an_item("other", first_day=DAY - timedelta(days=3)), {}, 0),
        ("charge-outside-stay", an_item("other", last_day=DAY + timedelta(days=4)), {}, 10_000),
        ("price-above-list", an_item("other", "3", 100, list_price=Money(3_000)), {}, 1_000),
        ("price-above-list", an_item("other", "4", 100, list_price=Money(2_500)), {}, 0),
        ("price-above-list", an_item("other"), {}, None),
        ("public-health-charged", an_item("public-health-1"), {"benefit": Benefit.PRENATAL},
         10_000),
        ("maternity-drug-elsewhere", an_item("drug-maternity-1"),
         {"benefit": Benefit.ORDINARY_OUTPATIENT}, 10_000),
        ("early-ultrasounds", an_item("ultrasound", "4"),
         {"benefit": Benefit.PRENATAL, "weeks": 13}, 5_000),
        ("early-ultrasounds", an_item("ultrasound", "4"),
         {"benefit": Benefit.PRENATAL, "weeks": 14}, 0),
        ("early-ultrasounds", an_item("ultrasound", "2"),
         {"benefit": Benefit.PRENATAL, "weeks": 13}, 0),
        ("early-ultrasounds", an_item("ultrasound", "4"), {"benefit": Benefit.PRENATAL}, None),
    ],
)  # fmt: skip
def test_of_what_a_case_bills(
    rule: str, item: Item, facts: dict[str, Any], at_risk: int | None
) -> None:
    assert fen(rule, a_case(item, **facts)) == at_risk


@pytest.mark.parametrize(
    "rule",
    ["bed-days-beyond-stay", "duplicate-charge", "charge-outside-stay", "newborn-on-mothers-bill",
     "item-swap"],
)  # fmt: skip
def test_a_case_that_tells_of_no_items_is_not_judged_by_them(rule: str) -> None:
    assert fen(rule, a_case()) is None


@pytest.mark.parametrize(
    ("code", "quantity", "yuan", "lines", "days", "at_risk"),
    [
        ("bed-day", "2", 100, 2, 1, 5_000),
        ("bed-day", "3", 90, 3, 2, 3_000),
        ("bed-day", "6", 90, 3, 1, 6_000),
        ("bed-day", "2", 100, 2, 2, 0),  # once a day
        ("bed-day", "1", 100, 2, 1, 0),  # one of the two was returned
        ("bed-day", "3", 100, 2, 1, 0),  # they cannot be alike
        ("bed-day", "3", 100, 3, 2, 0),  # nor can they have one amount
        ("drug-magnesium-1", "2", 100, 2, 1, 0),
        ("consumable-1", "2", 100, 2, 1, 0),
        ("of-no-group", "2", 100, 2, 1, 0),
        ("bed-day", "2", 100, None, None, None),
    ],
)
def test_an_item_twice_on_one_day(
    code: str, quantity: str, yuan: int, lines: int | None, days: int | None, at_risk: int | None
) -> None:
    case = a_case(an_item(code, quantity, yuan, lines=lines, days=days))
    assert fen("duplicate-lines", case) == at_risk


def test_what_of_a_doubled_item_is_disputed_is_the_further_lines() -> None:
    rule = NEWEST["duplicate-lines"]
    twice = an_item("bed-day", "4", 120, lines=4, days=3)
    [hit] = ask(rule, a_case(twice, an_item("nursing-1", lines=1, days=1)), ()) or ()
    told = {"items": "bed-day", "lines": "4", "days_charged": "3", "amount": "30.00"}
    assert hit.evidence == told
    longer = rule.parameters.model_copy(update={"lines_above_days_min": 2})
    assert longer.hits(a_case(twice), ()) == []


def test_a_mode_stated_otherwise_is_a_doubt_with_nothing_at_risk() -> None:
    rule = NEWEST["mode-stated-otherwise"]
    (hit,) = ask(rule, a_case(mode_stated="cesarean", diagnoses=("O80.000",)), ()) or ()
    assert hit.at_risk == Money(0)
    told = {name: hit.evidence[name] for name in ("mode", "stated", "codes")}
    assert told == {"mode": "vaginal", "stated": "cesarean", "codes": "O80.000"}
    assert ask(rule, a_case(), ()) == ask(rule, a_case(mode=None, mode_stated="cesarean"), ()) == []


def test_items_left_out_prove_nothing_missing() -> None:
    items = [an_item("cesarean-section")]
    part = replace(a_case(mode="cesarean"), billed=GROUPS.billed(items, whole=False))
    assert fen("caesarean-without-anaesthesia", part) is None


def test_a_further_operation_costs_a_share() -> None:
    first = an_item("cesarean-section", "1", 4_000, list_price=Money(400_000))
    second = an_item("operation-myoma", "1", 1_000, list_price=Money(100_000))
    assert fen("second-procedure-in-full", a_case(first, second)) == 50_000
    assert fen("second-procedure-in-full", a_case(first)) == 0
    unlisted = replace(second, list_price=None)
    assert fen("second-procedure-in-full", a_case(first, unlisted)) is None


@pytest.mark.parametrize(
    ("rule", "earlier", "holds"),
    [
        ("duplicate-claim", {"event": DAY - timedelta(days=30)}, True),
        ("duplicate-claim", {"event": DAY - timedelta(days=31)}, False),
        ("delivery-interval", {"event": DAY - timedelta(days=31)}, True),
        ("delivery-interval", {"event": DAY - timedelta(days=30)}, False),
        ("delivery-interval", {"event": DAY - timedelta(days=182)}, True),
        ("delivery-interval", {"event": DAY - timedelta(days=183)}, False),
        ("repeated-claim", {}, True),
        ("repeated-claim", {"institution": "h2"}, False),
        ("repeated-claim", {"total": Money(1)}, False),
        ("overlapping-stays", {"discharged": DAY + timedelta(days=1), "institution": "h2"}, True),
        ("overlapping-stays", {"institution": "h2"}, True),
        ("overlapping-stays", {"discharged": DAY + timedelta(days=1)}, False),
        ("overlapping-stays",
         {"admitted": DAY - timedelta(days=5), "discharged": DAY, "institution": "h2"}, False),
        ("stays-of-one-hospital-overlap", {"discharged": DAY + timedelta(days=1)}, True),
        ("stays-of-one-hospital-overlap", {}, False),
        ("split-stay", {"admitted": DAY - timedelta(days=5), "discharged": DAY}, True),
        ("split-stay",
         {"admitted": DAY - timedelta(days=5), "discharged": DAY - timedelta(days=2)}, False),
        ("split-stay",
         {"admitted": DAY - timedelta(days=5), "discharged": DAY, "institution": "h2"}, False),
        ("split-stay", {"admitted": DAY - timedelta(days=5), "discharged": DAY,
                        "benefit": Benefit.ANTEPARTUM}, True),
        ("split-stay", {"admitted": DAY - timedelta(days=5), "discharged": DAY,
                        "benefit": Benefit.COMPLICATION}, True),
    ],
)  # fmt: skip
def test_of_two_cases_the_later_is_questioned(
    rule: str, earlier: dict[str, Any], holds: bool
) -> None:
    one, other = a_case(), a_case(case_id="a", filed="2026-01-01", **earlier)
    assert fen(rule, one, other) == (700_000 if holds else 0)
    assert fen(rule, other, one) == 0
    assert fen(rule, replace(one, person="q"), other) == 0


def test_visits_of_a_pregnancy_are_counted_together() -> None:
    visit = {"benefit": Benefit.PRENATAL, "weeks": 30}
    one = a_case(an_item("ultrasound", "3", 300), **visit)
    before = [
        a_case(an_item("ultrasound"), case_id=f"a{n}", event=DAY - timedelta(days=n), **visit)
        for n in (1, 40, 80, 120, 160, 200, 240, 280, 299, 300, 301)
    ]
    assert fen("ultrasounds-of-pregnancy", one, *before) == 10_000
    assert fen("ultrasounds-of-pregnancy", one, *before[1:]) == 0


def test_prenatal_items_are_an_outpatients_only_outside_a_pregnancy() -> None:
    visit = a_case(case_id="a", benefit=Benefit.PRENATAL, event=DAY - timedelta(days=30))
    other = a_case(an_item("prenatal-check"), benefit=Benefit.ORDINARY_OUTPATIENT)
    assert fen("prenatal-as-outpatient", other, visit) == 10_000
    assert fen("prenatal-as-outpatient", other) == 0


def test_an_episiotomy_alone_lifts_a_group() -> None:
    def hits(*procedures: str) -> int:
        answer = ask(BOOK.find("episiotomy-lifts-group", 1), a_case(procedures=procedures), [])
        assert answer is not None
        return len(answer)

    assert (hits("73.6x01"), hits("73.6x01", "72.0x00"), hits("72.0x00")) == (1, 0, 0)


def test_short_light_stays_of_examinations() -> None:
    items = [an_item("exam-1", "1", 3_000), an_item("lab-1", "1", 2_400)]
    light = {"benefit": Benefit.ANTEPARTUM, "severity": 1}
    assert fen("low-standard-admission", a_case(*items, **light)) == 700_000
    assert fen("low-standard-admission", a_case(items[0], **light)) == 0
    assert fen("low-standard-admission", a_case(*items, **light | {"severity": 2})) == 0
    assert fen("low-standard-admission", a_case(*items, benefit=Benefit.ANTEPARTUM)) is None


def test_births_without_a_record_are_looked_at_where_they_cluster() -> None:
    end = {"discharged": date(2026, 1, 29), "event": date(2026, 1, 28)}
    rule = "no-prenatal-record"
    assert fen(rule, a_case(**end, month_end_unrecorded=3)) == 700_000
    assert fen(rule, a_case(**end, month_end_unrecorded=2)) == 0
    assert fen(rule, a_case(**end)) is None
    assert fen(rule, a_case(discharged=date(2026, 1, 28), month_end_unrecorded=3)) == 0
    visit = a_case(case_id="a", benefit=Benefit.PRENATAL, event=date(2025, 12, 1))
    assert fen(rule, a_case(**end, month_end_unrecorded=3), visit) == 0


def test_a_rule_of_another_insurance_is_not_asked() -> None:
    other = a_case(insurance_type="390", sex=Sex.MALE)
    assert fen("male-delivery", other) == 0
    assert fen("male-delivery", replace(other, insurance_type="510")) == 700_000
