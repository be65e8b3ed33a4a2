"""Random cases of `price`, drawn close to where the documents change their minds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

KINDS = [
    "employee", "flexible", "retiree", "early_retiree", "spouse_unemployed",
    "unemployment_benefit",
]  # fmt: skip
MODES = ["vaginal", "assisted", "cesarean"]
CIRCUMSTANCES = [
    "not_designated", "emergency", "abroad", "third_party_does_not_pay", "third_party_liable",
    "ectopic", "outside_regulation", "infertility", "medical_accident",
]  # fmt: skip
PROCEDURES = ["tubal_ligation", "vasectomy", "iud_insert", "iud_remove", "tubal_reversal"]
FIRST, LAST = date(2012, 1, 1), date(2027, 12, 31)
_YUAN = re.compile(r"[0-9]+\.[0-9]{2}")


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, key)
    else:
        yield key, value


class Drawer:
    """Draws cases of one pool; `documents` are all that bear on it, as they were read."""

    def __init__(
        self, random: Random, sheet: dict[str, Any], documents: list[dict[str, Any]]
    ) -> None:
        self.random = random
        self.pool = sheet["pool"]
        self.first = sheet["first_date"]
        leaves = [leaf for document in documents for leaf in _leaves(document)]
        self.days = sorted({v for k, v in leaves if k in ("from", "published")})
        self.amounts = sorted({v for _, v in leaves if isinstance(v, str) and _YUAN.fullmatch(v)})
        self.edges = sorted({v for k, v in leaves if k == "up_to"}) or self.amounts
        listed = {v for k, v in leaves if k in ("name", "condition", "complications")}
        self.names = [*sorted(listed), "epidural", "unheard_of"]
        clauses = [clause for document in documents for clause in document["clause"]]
        paid = [c for c in clauses if {"delivery", "allowance"} & set(c.get("sets", {}))]
        self.kinds = sorted({kind for clause in paid for kind in clause["kinds"]})
        allows = any("allowance" in clause["sets"] for clause in paid)
        self.benefits = ["delivery"] * 2 + ["allowance"] * 3 if allows else ["delivery"] * 9
        self.weeks = sorted({v for k, v in leaves if k == "below_week"})

    def maybe(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def day(self) -> date:
        """A day; one before the pool's first is mostly drawn again."""
        drawn = self.any_day()
        return self.any_day() if drawn < self.first and self.maybe(80) else drawn

    def any_day(self) -> date:
        """Any day, but mostly one on which something begins, or the day beside it."""
        if self.maybe(20):
            return FIRST + timedelta(days=self.random.randrange((LAST - FIRST).days))
        start: date = self.random.choice(self.days)
        far = self.random.choice([0, 0, 0, 0, 0, 1, 30, 98, 128, 158])
        return start - timedelta(days=far) + timedelta(days=self.random.randint(-1, 1))

    def money(self, most: int = 30_000) -> int:
        """Fen: any sum, but mostly one that the documents name, or a fen beside it."""
        if not self.amounts or self.maybe(40):
            return self.random.randrange(most * 100)
        among = self.edges if self.maybe(50) else self.amounts
        named = int(self.random.choice(among).replace(".", ""))
        times = self.random.choice([1, 1, 1, 1, 2, 3])
        return max(0, named * times + self.random.choice([-1, 0, 0, 1, 2]))

    def months(self, on: date, low: int, high: int) -> str:
        count = on.year * 12 + on.month - 1 + self.random.randint(low, high)
        return f"{count // 12:04d}-{count % 12 + 1:02d}"

    def member(self, on: date) -> dict[str, Any]:
        kinds = [*self.kinds, *self.kinds[:1] * 2] if self.maybe(90) else KINDS
        member: dict[str, Any] = {"kind": self.random.choice(kinds)}
        if self.maybe(75):
            member["months_paid"] = self.random.choice([*range(27), *[36, 60, 120] * 5])
        if self.maybe(75):
            far = self.random.choice([(0, 0), (0, 0), (0, 0), (-3, 2), (0, 24)])
            member["paid_until"] = self.months(on, *far)
        if self.maybe(12):
            first, last = sorted([self.months(on, -7, 1), self.months(on, -3, 2)])
            member["made_up"] = {"first": first, "last": last}
        if self.maybe(12):
            member["transfer_gap_months"] = self.random.randrange(8)
        if self.maybe(25):
            member["employer"] = self.random.choice(
                ["public_institution", "self_financed_institution", "enterprise"]
            )
        return member

    def cost(self) -> dict[str, Any]:
        in_scope = self.money()
        if self.maybe(20):
            return {"lines": [self.line() for _ in range(self.random.randint(1, 4))]}
        cost = {"in_scope": _yuan(in_scope)}
        if self.maybe(70):
            cost["total"] = _yuan(in_scope + self.random.choice([0, 1, self.money(900)]))
        return cost

    def line(self) -> dict[str, Any]:
        amount = self.money()
        line: dict[str, Any] = {"amount": _yuan(amount), "class": self.random.choice("AAABC")}
        if line["class"] == "B":
            line["first_copay"] = _yuan(self.random.randrange(amount // 2 + 1))
        if line["class"] != "C" and self.maybe(30):
            line["over_limit"] = _yuan(self.random.randrange(amount // 2 + 1))
        if self.maybe(30):
            line["bed_days"] = self.random.randint(1, 30)
        return line

    def delivery(self) -> dict[str, Any]:
        block: dict[str, Any] = {"mode": self.random.choice(MODES)}
        if self.maybe(60):
            block["infants"] = self.random.choice([1, 1, 1, 2, 2, 3, 5])
        for name in ("complications", "extras"):
            if self.maybe(35):
                drawn = min(self.random.randint(1, 2), len(self.names))
                block[name] = self.random.sample(self.names, drawn)
        return block

    def allowance(self) -> dict[str, Any]:
        event = self.random.choice(["birth"] * 4 + ["loss", "family_planning", "paternity"])
        block: dict[str, Any] = {"event": event}
        if self.maybe(80):
            block["mode"] = self.random.choice(MODES)
        if self.maybe(60):
            block["infants"] = self.random.choice([1, 1, 2, 2, 3])
        if self.maybe(20):
            block["within_regulation"] = self.maybe(40)
        week = self.random.choice([*self.weeks, 8, 30]) + self.random.randint(-1, 1)
        block["weeks"] = max(1, week)
        block["procedure"] = self.random.choice(PROCEDURES)
        block.update(self.base())
        return block

    def base(self) -> dict[str, Any]:
        how = self.random.randrange(10)
        if how == 0:
            return {}
        if how < 5:
            return {"base_monthly": _yuan(self.money())}
        if how < 7:
            return {
                "wage_sum": _yuan(self.money(9_000_000)),
                "head_months": self.random.randint(1, 900),
            }
        if how == 7:
            return {"wage_sum": _yuan(self.money(9_000_000)), "december_heads": 1 + how * 3}
        employers = [
            {"base_monthly": _yuan(self.money()), "months": self.random.randint(1, 12)}
            for _ in range(self.random.randint(1, 3))
        ]
        return {"employers": employers}

    def case(self, number: int) -> dict[str, Any]:
        """One case, in the form of the command `price`."""
        on = self.day()
        case: dict[str, Any] = {
            "id": str(number),
            "pool": self.pool,
            "benefit": self.random.choice([*self.benefits, "allowance"]),
            "on": on.isoformat(),
            "known_on": "2027-12-31" if self.maybe(85) else self.day().isoformat(),
            "member": self.member(on),
        }
        if self.maybe(85):
            case["institution"] = {"level": self.random.randint(1, 3)}
        if self.maybe(20):
            days = {which: self.day() for which in ("admitted", "event", "discharged", "settled")}
            case["dates"] = {w: d.isoformat() for w, d in days.items() if self.maybe(60)}
        if self.maybe(15):
            case["circumstances"] = self.random.sample(CIRCUMSTANCES, self.random.randint(1, 2))
        if self.maybe(3):
            case["county"] = self.random.choice(["990111", "990112"])
        if case["benefit"] == "delivery":
            case["delivery"] = self.delivery()
            if self.maybe(92):
                case["cost"] = self.cost()
        else:
            case["allowance"] = self.allowance()
        return case


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
