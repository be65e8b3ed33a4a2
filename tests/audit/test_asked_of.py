"""Where each rule can speak is told, so that nobody waits for what it can never find."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

from services.audit.api.check_wire import CaseBody, OrderBody
from services.audit.domain.asked_of import LACKING, TOLD, AskedOf, asked_of
from services.audit.domain.case import Case, Item
from services.audit.domain.claimed_case import case_of
from services.audit.domain.finding import ask
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.rule import Mode, read_rules
from shared.contracts.claim import ClaimSettled
from tests.audit.conftest import Audit
from tests.audit.test_watch import made_up

RULES = read_rules().rules
NOT_OF_CLAIMS = {
    "not-insured", "price-above-list", "second-procedure-in-full", "prenatal-as-outpatient",
    "maternity-drug-elsewhere",
}  # fmt: skip


async def test_each_rule_is_listed_with_where_it_can_speak(audit: Audit) -> None:
    listed = (await audit.client("r1").get("/rules")).json()["rules"]
    assert {rule["id"] for rule in listed if "claims" not in rule["asked_of"]} == NOT_OF_CLAIMS
    never_checked = {rule["id"] for rule in listed if "checks" not in rule["asked_of"]}
    shadow = {rule.id for rule in RULES if rule.mode is Mode.SHADOW}
    assert never_checked == shadow | {"mode-stated-otherwise", "no-prenatal-record"}
    assert all(rule["asked_of"] for rule in listed if rule["mode"] == "live")


def test_what_is_said_to_be_lacking_is_never_told() -> None:
    told = set(CaseBody.model_fields) | set(OrderBody.model_fields)
    assert not LACKING[AskedOf.CHECKS] & told
    assert LACKING[AskedOf.CLAIMS] <= told
    whole = {one.name for kind in (Case, Item) for one in fields(kind)}
    assert LACKING[AskedOf.CHECKS] | LACKING[AskedOf.CLAIMS] <= whole
    for claim in made_up()[:50]:
        case = case_of(claim, SHIPPED_GROUPS.of_all)
        assert case.insured is None
        assert all(item.list_price is None for item in case.items or ())
    for where, field in ((AskedOf.CLAIMS, ClaimSettled), (AskedOf.CHECKS, CaseBody)):
        assert TOLD[where] == set(get_args(field.model_fields["benefit"].annotation)), where


def test_a_rule_finds_nothing_without_the_facts_that_it_needs() -> None:
    needing = [rule for rule in RULES if rule.parameters.needs]
    assert {rule.id for rule in needing} >= {"not-insured", "no-prenatal-record"}
    case = case_of(made_up()[0], SHIPPED_GROUPS.of_all)
    item = Item("surgery", 2, case.total, case.admitted, case.admitted)  # type: ignore[arg-type]
    case = replace(case, items=(item, item), insurance_type=None)
    for rule in needing:
        for day in range(28, 32):
            late = replace(case, discharged=case.discharged.replace(month=1, day=day))
            assert not ask(rule, late, []), rule.id


def test_the_page_of_rules_names_those_in_shadow() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page.split("| in shadow | why |")[1].split("\n\n")[0]
    for rule in RULES:
        assert (f"`{rule.id}`" in table) is (rule.mode is Mode.SHADOW), rule.id


def test_the_page_of_rules_names_those_that_no_claim_meets() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page.split("| rule | lacks |")[1].split("\n\n")[0]
    for rule in RULES:
        assert (f"`{rule.id}`" in table) is (AskedOf.CLAIMS not in asked_of(rule)), rule.id
