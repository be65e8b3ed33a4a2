"""What a delivery's bill comes to."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from tests.policy.naive.law import Law, No, fen, rounded
from tests.policy.naive.right import (
    circumstances,
    months_asked,
    months_then,
    needed,
    not_interrupted,
)


class Bill(NamedTuple):
    """A bill in fen."""

    total: int
    in_scope: int


def deliver(case: dict[str, Any], law: Law, on: date) -> dict[str, Any]:
    """The answer to a case of delivery, or No."""
    pays = law.need("delivery", on)
    needed(law, on)
    not_interrupted(case, law, on, medical=True)
    waited(case, law, on)
    to_medical = circumstances(case, law, on)
    bill = read_bill(case, law, on)
    if to_medical or pays["method"] == "handed_over":
        return handed_over(stated(bill))
    return Pricing(case, law, on, pays, bill).answer()


def waited(case: dict[str, Any], law: Law, on: date) -> None:
    rule = law.need("waiting", on)
    paid = months_then(case, law, on)
    if paid is None:
        return
    if paid <= 0:
        raise No("not_insured_then")
    short = paid < months_asked(case, law, on, rule["months"])
    if short and rule["medical_if_short"] == "refused":
        raise No("waiting_period_not_met")


def read_bill(case: dict[str, Any], law: Law, on: date) -> Bill | None:
    """The bill, with a bed above the pool's cap outside the scope."""
    cost = case.get("cost")
    if cost is None:
        return None
    if "in_scope" in cost:
        in_scope = fen(cost["in_scope"])
        outside = sum(fen(cost.get(k, "0")) for k in ("out_of_scope", "over_limit", "first_copay"))
        return Bill(fen(cost["total"]) if "total" in cost else in_scope + outside, in_scope)
    total = in_scope = bed = days = 0
    for line in cost["lines"]:
        amount = fen(line["amount"])
        total += amount
        if line["class"] == "C":
            continue
        covered = amount - fen(line.get("over_limit", "0")) - fen(line.get("first_copay", "0"))
        in_scope += covered
        if "bed_days" in line:
            bed += covered
            days += line["bed_days"]
    cap = law.find("bed_cap", on)
    if cap is not None and days:
        in_scope -= max(0, bed - fen(cap) * days)
    return Bill(total, in_scope)


def stated(bill: Bill | None) -> Bill:
    if bill is None:
        raise No("cost_not_stated")
    return bill


def parts(
    total: int, fund: int, member: int, other_fund: int = 0, desk_fund: int | None = None
) -> dict[str, Any]:
    """An answer; what nobody else has is the hospital's."""
    return {
        "total": total,
        "fund": fund,
        "member": member,
        "institution": total - fund - member - other_fund,
        "other_fund": other_fund,
        "desk": {"fund": fund if desk_fund is None else desk_fund, "member": member},
        "days": 0,
    }


def handed_over(bill: Bill) -> dict[str, Any]:
    return parts(bill.total, 0, bill.total - bill.in_scope, bill.in_scope)


class Pricing:
    """One case under one method."""

    def __init__(
        self, case: dict[str, Any], law: Law, on: date, pays: dict[str, Any], bill: Bill | None
    ) -> None:
        self.facts = case["delivery"]
        self.level = case.get("institution", {}).get("level")
        self.law = law
        self.on = on
        self.pays = pays
        self.bill = bill

    def answer(self) -> dict[str, Any]:
        method = self.pays["method"]
        if method in ("banded", "full"):
            return self.by_item(shares=method == "banded")
        for rule in self.law.find("complication_caps", self.on) or []:
            if rule["condition"] in self.facts.get("complications", []):
                return self.cap(fen(rule["cap"]))
        if self.complicated():
            return self.by_item(shares=True)
        amount = self.standard()
        if self.dearer(amount):
            return self.by_item(shares=True)
        if self.bill is None:
            if amount is None:
                raise No("cost_not_stated")
            return parts(amount, amount, 0)
        if method == "lump_sum":
            return self.lump_sum(self.needed(amount))
        if method == "cap":
            return self.cap(self.needed(amount))
        if method == "subsidy":
            return self.subsidy(self.needed(amount))
        return self.quota(amount)

    def needed(self, amount: int | None) -> int:
        if amount is None:
            raise No("no_rule_on_date")
        return amount

    def tariff(self, table: dict[str, Any]) -> int:
        if "level_1" in table:
            if self.level is None:
                raise No("level_not_stated")
            table = table[f"level_{self.level}"]
        return fen(table["all"] if "all" in table else table[self.facts["mode"]])

    def standard(self) -> int | None:
        """The amount with all that raises it, and this kind's portion; None if not known."""
        if self.pays["method"] == "quota":
            table = self.pays.get("amounts")
            if table is None:
                table = self.law.find("settlement_quota", self.on)
                unasked = self.bill is None and self.level is None
                if table is None or (unasked and "level_1" in table):
                    return None
            amount = self.tariff(table)
        elif self.pays["method"] == "points":
            points = self.pays["points"]
            if isinstance(points, dict):
                points = points[self.facts["mode"]]
            value = self.law.find("point_value", self.on)
            if value is None:
                return None
            amount = self.round(Fraction(points) * fen(value))
        else:
            amount = self.tariff(self.pays["amounts"])
        each = self.pays.get("extra_infant", "0.00")
        if isinstance(each, dict):
            infant = self.round(Fraction(each["share"]) * amount)
        else:
            infant = fen(each)
        whole: int = amount + infant * (self.facts.get("infants", 1) - 1)
        for extra in self.pays.get("extras", []):
            if extra["name"] in self.facts.get("extras", []):
                whole += self.tariff(extra["adds"])
        if "portion" in self.pays:
            return self.round(Fraction(self.pays["portion"]) * whole)
        return whole

    def round(self, amount: Fraction) -> int:
        return rounded(amount, self.law.need("rounding", self.on))

    def complicated(self) -> bool:
        """Whether a listed complication turns the case to itemised payment."""
        listed = (self.law.find("itemised", self.on) or {}).get("complications", [])
        return bool(set(listed) & set(self.facts.get("complications", [])))

    def dearer(self, amount: int | None) -> bool:
        """Whether its cost does."""
        rule = self.law.find("itemised", self.on)
        if rule is None or self.bill is None:
            return False
        if "above" in rule and self.bill.in_scope > fen(rule["above"]):
            return True
        times = rule.get("above_times")
        return (
            times is not None
            and amount is not None
            and self.bill.in_scope > Fraction(times) * amount
        )

    def share(self) -> int:
        """The member's part of the in-scope cost."""
        bands = self.pays.get("bands")
        if bands is None:
            if self.level is None:
                raise No("level_not_stated")
            table = self.law.need("member_share", self.on)
            bands = table[f"level_{self.level}"][self.facts["mode"]]
        in_scope = stated(self.bill).in_scope
        rule = self.law.need("rounding", self.on)
        pieces = []
        below = 0
        for band in bands:
            upper = min(in_scope, fen(band["up_to"])) if "up_to" in band else in_scope
            pieces.append(max(0, upper - below) * Fraction(band["share"]))
            below = max(below, upper)
        if rule["place"] == "each_band":
            share = sum(rounded(piece, rule) for piece in pieces)
        else:
            share = rounded(sum(pieces), rule)
        return min(share, in_scope)

    def by_item(self, *, shares: bool) -> dict[str, Any]:
        bill = stated(self.bill)
        share = self.share() if shares else 0
        return parts(bill.total, bill.in_scope - share, bill.total - bill.in_scope + share)

    def lump_sum(self, amount: int) -> dict[str, Any]:
        total = stated(self.bill).total
        fund = amount if self.pays.get("even_above_bill") else min(amount, total)
        return parts(max(total, fund), fund, max(0, total - fund))

    def cap(self, amount: int) -> dict[str, Any]:
        if self.bill is None:
            return parts(amount, amount, 0)
        bill = self.bill
        fund = min(bill.in_scope, amount)
        return parts(bill.total, fund, bill.total - fund)

    def subsidy(self, amount: int) -> dict[str, Any]:
        bill = stated(self.bill)
        fund = min(amount, bill.total)
        member = max(0, bill.total - bill.in_scope - fund)
        return parts(bill.total, fund, member, bill.total - fund - member)

    def quota(self, amount: int | None) -> dict[str, Any]:
        bill = stated(self.bill)
        share = self.share()
        member = bill.total - bill.in_scope + share
        desk = bill.in_scope - share
        if amount is None:
            return parts(bill.total, desk, member)
        includes = self.law.need("quota_includes_member_share", self.on)
        fund = max(0, amount - share) if includes else amount
        self.law.need("applied_at", self.on)
        return parts(bill.total, fund, member, desk_fund=desk)
