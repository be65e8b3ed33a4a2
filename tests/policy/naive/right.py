"""Whether the member has the benefit at all: exclusions, interruption, waiting."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.policy.naive.law import Law, No, month, month_of


def needed(law: Law, on: date) -> None:
    """Which registration a settlement runs under, and which item bears it: without, none."""
    law.need("insurance_type", on)
    law.need("expenditure_item", on)


def circumstances(case: dict[str, Any], law: Law, on: date) -> bool:
    """Whether basic medical insurance has the case; refused where nobody of the fund has it."""
    found = law.find("exclusions", on) or {}
    of_case = set(case.get("circumstances", []))
    for circumstance in of_case & set(found.get("refused", [])):
        if not of_case & set(found.get("unless", {}).get(circumstance, [])):
            raise No("excluded")
    return bool(of_case & set(found.get("to_medical", [])))


def not_interrupted(case: dict[str, Any], law: Law, on: date, *, medical: bool) -> None:
    """Refuses a month for which nothing was paid."""
    rule = law.need("interruption", on)
    member = case["member"]
    if medical and rule["stops"] == "allowance":
        return
    now = month(on)
    gap = member.get("made_up")
    if gap is not None and month_of(gap["first"]) <= now <= month_of(gap["last"]):
        in_gap(gap, rule)
        return
    if member.get("paid_until") is None:
        return
    last = month_of(member["paid_until"]) + rule["grace_months"]
    waits_for_booking = now == last + 1 and on.day <= rule.get("booking_grace_days", 0)
    if now > last and not waits_for_booking:
        raise No("interrupted")


def in_gap(gap: dict[str, Any], rule: dict[str, Any]) -> None:
    """A month that was paid later."""
    if not mended(gap, rule):
        raise No("interrupted")
    mends = rule["make_up"]
    if mends["gap_paid_by"] == "employer":
        raise No("gap_on_employer")
    if mends["gap_paid_by"] == "nobody":
        raise No("gap_not_paid")


def mended(gap: dict[str, Any], rule: dict[str, Any]) -> bool:
    length = month_of(gap["last"]) - month_of(gap["first"]) + 1
    return "make_up" in rule and length <= rule["make_up"]["within_months"]


def months_then(case: dict[str, Any], law: Law, on: date) -> int | None:
    """The months that had been paid without a break on a day; None where it is not told.

    A gap that was made up too late breaks the count: what follows it is counted anew.
    """
    member = case["member"]
    paid: int | None = member.get("months_paid")
    if paid is None:
        return None
    if "paid_until" in member:
        paid -= max(0, month_of(member["paid_until"]) - month(on))
    gap = member.get("made_up")
    if gap is None or month_of(gap["last"]) >= month(on):
        return paid
    if mended(gap, law.need("interruption", on)):
        return paid
    return min(paid, month(on) - month_of(gap["last"]))


def months_asked(case: dict[str, Any], law: Law, on: date, asked: int) -> int:
    """The waiting period, which a transfer from another pool may shorten."""
    transfer = law.find("transfer_gap", on)
    gap = case["member"].get("transfer_gap_months")
    if transfer is None or gap is None:
        return asked
    if gap <= transfer["months"]:
        return 0
    return min(asked, int(transfer["waiting_if_longer"]))
