"""One rule, two readings: asked of each case, and of a whole file at once, it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pytest

from services.audit.domain.finding import ask
from services.audit.domain.item_group import SHIPPED_GROUPS, ItemGroup, ItemGroups
from services.audit.domain.rule import Rule, read_rules
from services.audit.domain.stays import NoPrenatalRecord
from services.audit.scoring.rule_hits import rule_hits
from tests.audit.case_rows import as_cases, random_items, random_rows

RULES = read_rules().newest().rules
_TYPES = {
    "claim_id": "string", "person_id": "string", "sex": "string", "age": "int16",
    "hospital_id": "string", "kind": "string", "case_type": "string", "severity": "int8",
    "admit_date": "date", "discharge_date": "date", "gest_weeks": "int16",
    "diag_codes": "string", "proc_codes": "string", "n_us": "int16", "n_lab": "int16",
    "amt_bed": "int64", "amt_nursing": "int64", "amt_exam": "int64", "amt_lab": "int64",
    "amt_surgery": "int64", "amt_anesthesia": "int64", "total_amount": "int64",
    "fund_amount": "int64",
}  # fmt: skip
_ITEM_TYPES = {
    "claim_id": "string", "item_code": "string", "quantity": "decimal(12, 3)", "amount": "int64",
    "first_day": "date", "last_day": "date", "lines": "int32", "days": "int32",
}  # fmt: skip
_NOT_IN_FILES = {
    "mode-stated-otherwise", "not-insured", "price-above-list", "second-procedure-in-full",
}  # fmt: skip
_NEVER_CLAIMED_SO = {"maternity-drug-elsewhere", "prenatal-as-outpatient"}

Said = set[tuple[str, str, str, int]]


def one_by_one(
    rules: Sequence[Rule],
    rows: Sequence[dict[str, Any]],
    items: Sequence[dict[str, Any]],
    groups: ItemGroups = SHIPPED_GROUPS.of_all,
) -> Said:
    """(claim, rule, grade, greatest money at risk) of each case asked by itself."""
    [clusters] = [r.parameters for r in rules if isinstance(r.parameters, NoPrenatalRecord)]
    cases = as_cases(rows, items, clusters, groups)
    of_person: dict[str, list[Any]] = {}
    for case in cases:
        of_person.setdefault(case.person, []).append(case)
    return {
        (case.case_id, rule.id, str(rule.grade), max(hit.at_risk.fen for hit in hits))
        for case in cases
        for rule in rules
        if (hits := ask(rule, case, of_person[case.person]))
    }


def all_at_once(
    rules: Sequence[Rule],
    rows: Sequence[dict[str, Any]],
    items: Sequence[dict[str, Any]],
    groups: ItemGroups = SHIPPED_GROUPS.of_all,
) -> list[tuple[str, str, str, int]]:
    """The same, by expressions over tables."""
    engine = ibis.duckdb.connect()
    claims = engine.create_table("claims", ibis.memtable(rows, schema=ibis.schema(_TYPES)))
    beside = None
    if items:
        beside = engine.create_table("items", ibis.memtable(items, schema=ibis.schema(_ITEM_TYPES)))
    found = engine.to_pyarrow(rule_hits(claims, rules, beside, groups)).to_pylist()
    engine.disconnect()
    return [tuple(row.values()) for row in found]


@pytest.mark.parametrize("with_items", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_both_readings_agree(seed: int, with_items: bool) -> None:
    rows = random_rows(seed, 1500)
    items = random_items(seed, rows) if with_items else []
    scalar, columnar = one_by_one(RULES, rows, items), all_at_once(RULES, rows, items)
    assert len(columnar) == len(set(columnar))
    assert scalar == set(columnar)
    met = {rule for _, rule, _, _ in scalar}
    asked = {rule.id for rule in RULES} - _NOT_IN_FILES - _NEVER_CLAIMED_SO
    if with_items:
        assert asked - met <= {"overlapping-claim"}


def test_a_rule_read_otherwise_is_seen() -> None:
    """What the comparison is worth: one day more in a rule, and it disagrees."""
    rows = random_rows(3, 500)
    changed = [
        rule.model_copy(
            update={"parameters": rule.parameters.model_copy(update={"interval_days_max": 31})}
        )
        if rule.id == "duplicate-claim"
        else rule
        for rule in RULES
    ]
    assert one_by_one(RULES, rows, []) != set(all_at_once(changed, rows, []))


@pytest.mark.parametrize("known", [(), ("bed", "surgery"), ("bed", "lab", "drug", "exam", "birth")])
def test_both_readings_agree_on_bills_in_foreign_codes(known: tuple[str, ...]) -> None:
    """An agency's groups know some of the codes: both readings are silent of the same claims."""
    shipped = SHIPPED_GROUPS.of_all.by_name
    groups = ItemGroups(
        {name: group if name in known else ItemGroup() for name, group in shipped.items()}
    )
    rows = random_rows(4, 600)
    items = random_items(4, rows)
    scalar = one_by_one(RULES, rows, items, groups)
    assert scalar == set(all_at_once(RULES, rows, items, groups))
    # That an item is missing is said of claims that tell sums alone, or where its code is known.
    with_items = {row["claim_id"] for row in items}
    missing = {claim for claim, rule, *_ in scalar if rule == "caesarean-without-anaesthesia"}
    assert missing - with_items
    assert bool(missing & with_items) is ("surgery" in known)


def test_a_bill_in_codes_that_are_set_is_read_again() -> None:
    rows = random_rows(4, 600)
    items = [one | {"item_code": f"national-{one['item_code']}"} for one in random_items(4, rows)]
    own = ItemGroups(
        {
            name: ItemGroup(
                codes=[f"national-{code}" for code in group.codes],
                prefixes=[f"national-{prefix}" for prefix in group.prefixes],
            )
            for name, group in SHIPPED_GROUPS.of_all.by_name.items()
        }
    )
    scalar = one_by_one(RULES, rows, items, own)
    assert scalar == set(all_at_once(RULES, rows, items, own))
    assert scalar == one_by_one(RULES, rows, random_items(4, rows), SHIPPED_GROUPS.of_all)
