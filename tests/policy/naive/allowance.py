"""What a leave is worth: days, base, divisor, waiting."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.policy.naive.law import Law, No, fen, first_of, month, month_of, rounded
from tests.policy.naive.right import months_asked, months_then, needed, not_interrupted


def allow(case: dict[str, Any], law: Law, on: date) -> dict[str, Any]:
    """The answer to a case of allowance, or No."""
    facts = case["allowance"]
    rule = law.need("allowance", on)
    if case["member"].get("employer") in rule.get("not_for", []):
        raise No("no_allowance_from_this_employer")
    needed(law, on)
    not_interrupted(case, law, on, medical=False)
    has_months = paid_enough(case, law, on)
    days = days_of(facts, law, on)
    amount = amount_of(base_of(facts, rule, law, on), days, rule)
    if has_months:
        return cash(amount, days)
    return short(case, law, on, amount, days, rule)


def days_of(facts: dict[str, Any], law: Law, on: date) -> int:
    """The days, by the clause of the day or by one that finds her still on leave; none lose."""
    rule = law.need("leave_days", on)
    following = law.next("leave_days", on)
    if following is not None and following[1].get("still_on_leave"):
        start, later = following
        if on + timedelta(days=days_by(facts, rule)) > start:
            return max(days_by(facts, rule), more_days(facts, later))
    return days_by(facts, rule)


def more_days(facts: dict[str, Any], later: dict[str, Any]) -> int:
    """The days of the later clause; of one that is silent here, none to add."""
    try:
        return days_by(facts, later)
    except No:
        return 0


def days_by(facts: dict[str, Any], rule: dict[str, Any]) -> int:
    event = facts["event"]
    if event == "paternity":
        return known(rule.get("paternity"))
    if event == "family_planning":
        return known(rule.get("family_planning", {}).get(facts["procedure"]))
    if event == "loss":
        for stage in rule.get("losses", []):
            if "below_week" not in stage or facts["weeks"] < stage["below_week"]:
                return known(stage["days"])
        return known(None)
    inside = facts.get("within_regulation", True)
    plain = known(rule["birth"] if inside else rule.get("outside_regulation", rule["birth"]))
    more = []
    if facts.get("mode") in rule.get("dystocia_modes", ["assisted", "cesarean"]):
        more.append(known(rule.get("dystocia")))
    if facts.get("infants", 1) > 1:
        more.append(known(rule.get("extra_infant")) * (facts["infants"] - 1))
    if not rule.get("stacking", True):
        return plain + max(more, default=0)
    return plain + sum(more)


def known(days: int | None) -> int:
    if days is None:
        raise No("days_not_known")
    return days


def base_of(facts: dict[str, Any], rule: dict[str, Any], law: Law, on: date) -> int:
    """The monthly base in fen, within its bounds."""
    average = law.find("average_wage", on)
    if facts.get("employers"):
        months = sum(employer["months"] for employer in facts["employers"])
        paid = sum(fen(e["base_monthly"]) * e["months"] for e in facts["employers"])
        result = rounded(Fraction(paid, months), rule["average_rounding"])
    elif "base_monthly" in facts:
        result = fen(facts["base_monthly"])
    elif "wage_sum" in facts:
        heads = facts.get("head_months") or facts["december_heads"] * 12
        result = rounded(Fraction(fen(facts["wage_sum"]), heads), rule["average_rounding"])
    elif rule["base"]["of"] == "pool" and average is not None:
        result = fen(average)
    else:
        raise No("base_not_stated")
    for bound in ("floor", "ceiling"):
        if bound not in rule:
            continue
        if average is None:
            law.need("average_wage", on)
        limit = rounded(Fraction(rule[bound]) * fen(average), rule["average_rounding"])
        result = max(result, limit) if bound == "floor" else min(result, limit)
    return max(result, fen(rule.get("minimum", "0.00")))


def amount_of(base: int, days: int, rule: dict[str, Any]) -> int:
    divisor = rule["divisor"]
    if divisor == "months":
        months = (days + 15) // 30  # whole months, the nearest
        return rounded(base * months, rule["rounding"])
    by_year = divisor == "12_months_over_365_days"
    daily = Fraction(base * 12, 365) if by_year else Fraction(base, 30)
    if "daily_rounding" in rule:
        daily = Fraction(rounded(daily, rule["daily_rounding"]))
    return rounded(daily * days, rule["rounding"])


def paid_enough(case: dict[str, Any], law: Law, on: date) -> bool:
    """Whether the months asked for were paid; refused where nothing comes of fewer."""
    waiting = law.need("cash_waiting", on)
    paid = months_then(case, law, on)
    if paid is None:
        return True
    if paid <= 0:
        raise No("not_insured_then")
    if paid >= months_asked(case, law, on, waiting["months"]):
        return True
    if waiting["if_short"] == "refused":
        raise No("waiting_period_not_met")
    return False


def short(
    case: dict[str, Any], law: Law, on: date, amount: int, days: int, rule: dict[str, Any]
) -> dict[str, Any]:
    """What the pool does with an amount for which too few months were paid."""
    waiting = law.need("cash_waiting", on)
    paid = months_then(case, law, on) or 0
    asked = months_asked(case, law, on, waiting["months"])
    if waiting["if_short"] == "pro_rata":
        return cash(rounded(Fraction(amount * paid, asked), rule["rounding"]), days)
    until = case["member"].get("paid_until")
    reached = month(on) if until is None else month_of(until)
    if waiting["if_short"] == "deferred":
        due = month(on) + asked - paid
    else:
        due = month(on) + waiting["months_after"]
    if until is not None and reached >= due:
        return cash(amount, days)
    return {**cash(amount, days), "deferred": first_of(due)}


def cash(amount: int, days: int) -> dict[str, Any]:
    return {
        "total": amount,
        "fund": amount,
        "member": 0,
        "institution": 0,
        "other_fund": 0,
        "desk": {"fund": amount, "member": 0},
        "days": days,
    }
