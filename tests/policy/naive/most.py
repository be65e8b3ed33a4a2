"""The most that the fund may pay for a case, by the words of the document alone.

Whatever the fund's part is made of, it stays within this: the cap on the actual cost, what is left
of a unit, a stage or a head, a condition's own cap, a sum to her credit, a hospital's quota.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from tests.policy.naive.allowance import amount_of, days_of
from tests.policy.naive.delivery import Bill, Pricing, read_bill, stated
from tests.policy.naive.law import Law, fen, rounded
from tests.policy.naive.right import circumstances


def most(case: dict[str, Any], law: Law, on: date) -> int | None:
    """In fen; None where no document sets an end to it (an allowance without a ceiling)."""
    benefit = case["benefit"]
    if benefit == "allowance":
        return _allowance(case, law, on)
    if benefit == "nutrition":
        return _nutrition(case, law, on)
    bill = read_bill(case, law, on)
    if circumstances(case, law, on):
        return 0
    if benefit == "prenatal":
        return _check(case["prenatal"], law, on, bill)
    return _treated(case, law, on, bill)


def _treated(case: dict[str, Any], law: Law, on: date, bill: Bill | None) -> int:
    facts = case[case["benefit"]]
    pays = _payment(case["benefit"], facts, law, on)
    if pays["method"] == "handed_over":
        return 0
    if pays["method"] in ("full", "banded"):
        return stated(bill).in_scope
    for rule in law.find("complication_caps", on) or []:
        if rule["condition"] in facts.get("complications", []):
            return _at_most(fen(rule["cap"]), bill)
    pricing = Pricing({**case, "delivery": facts}, law, on, pays, bill)
    amount = None
    if not pricing.complicated() and ("amounts" in pays or _has_a_table(case, pays)):
        amount = pricing.standard()
    if amount is None or pricing.dearer(amount):
        return stated(bill).in_scope
    if pays["method"] == "cap":
        return _at_most(amount, bill)
    of_bill = pays["method"] in ("lump_sum", "subsidy") and not pays.get("even_above_bill")
    return min(amount, bill.total) if of_bill and bill is not None else amount


def _has_a_table(case: dict[str, Any], pays: dict[str, Any]) -> bool:
    """Whether the amount stands elsewhere: points, or a delivery's quota."""
    return pays["method"] == "points" or case["benefit"] == "delivery"


def _at_most(amount: int, bill: Bill | None) -> int:
    return amount if bill is None else min(amount, bill.in_scope)


def _payment(benefit: str, facts: dict[str, Any], law: Law, on: date) -> dict[str, Any]:
    rule: dict[str, Any] = law.need(benefit, on)
    if benefit == "family_planning":
        rule = rule["procedures"][facts["procedure"]]
    if benefit == "loss":
        rule = next(stage["pays"] for stage in rule["stages"] if _in_stage(stage, facts))
    if benefit == "complication":
        late = facts["when"] == "after_birth" and facts["months_after"] >= rule["months_after"]
        rule = {"method": "handed_over"} if late else rule[facts["when"]]
    return rule


def _in_stage(stage: dict[str, Any], facts: dict[str, Any]) -> bool:
    named = all(
        stage[name] == facts[name] for name in ("manner", "setting", "high_risk") if name in stage
    )
    return named and facts["weeks"] < stage.get("below_week", 99)


def _check(visit: dict[str, Any], law: Law, on: date, bill: Bill | None) -> int:
    rule = law.need("prenatal", on)
    method = rule["method"]
    if method in ("per_unit", "staged"):
        windows = rule["units" if method == "per_unit" else "stages"]
        limit, used = _within(windows, visit, adding_up=method == "staged")
        return _at_most(max(0, limit - used), bill)
    whole = fen(law.need("prenatal_amount", on))
    used = fen(visit["used"].get("head" if method == "per_capita" else "pregnancy", "0.00"))
    left = max(0, whole - used)
    if method == "one_limit":
        first = fen(rule["first_visit"]) if "first_visit" in rule else whole
        return _at_most(min(left, first) if visit["first_visit"] else left, bill)
    if method == "fixed_sum" and bill is not None and not rule.get("even_above_bill"):
        return min(left, bill.total)
    return left


def _within(
    windows: list[dict[str, Any]], visit: dict[str, Any], *, adding_up: bool
) -> tuple[int, int]:
    """The limit of the visit's window, and what was used of it."""
    number = next((n for n, w in enumerate(windows) if w["id"] == visit.get("unit")), None)
    if number is None and visit["postnatal"]:
        number = len(windows) - 1
    if number is None:
        reached = [n for n, w in enumerate(windows) if w.get("from_week", 0) <= visit["week"]]
        early = [
            n for n, w in enumerate(windows) if w.get("high_risk_earlier") and n not in reached
        ]
        number = early[0] if visit["high_risk"] and early else reached[-1]
    if adding_up:
        limit = sum(fen(window["limit"]) for window in windows[: number + 1])
        return limit, fen(visit["used"].get("pregnancy", "0.00"))
    return fen(windows[number]["limit"]), fen(visit["used"].get(windows[number]["id"], "0.00"))


def _allowance(case: dict[str, Any], law: Law, on: date) -> int | None:
    rule = law.need("allowance", on)
    if "ceiling" not in rule:
        return None
    average = fen(law.need("average_wage", on))
    base = rounded(Fraction(rule["ceiling"]) * average, rule["average_rounding"])
    base = max(base, fen(rule.get("minimum", "0.00")))
    return amount_of(base, days_of(case["allowance"], law, on), rule)


def _nutrition(case: dict[str, Any], law: Law, on: date) -> int:
    rule = law.need("nutrition", on)
    if "amount" in rule:
        return fen(rule["amount"])
    wage = Fraction(rule["share_of_annual_wage"]) * fen(case["nutrition"]["annual_wage"])
    return rounded(wage, rule["rounding"])
