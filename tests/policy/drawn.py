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
_LENGTHS = ("birth", "outside_regulation", "days", "paternity")
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


def _still_on_leave(clause: dict[str, Any]) -> bool:
    return bool(clause.get("sets", {}).get("leave_days", {}).get("still_on_leave"))


def _borders(clause: dict[str, Any]) -> Iterator[tuple[date, int, str, int]]:
    """First day, level, mode and sum of each border that a clause draws."""
    sets = clause.get("sets", {})
    above = sets.get("itemised", {}).get("above")
    for level in (1, 2, 3):
        for mode in MODES:
            bands = sets.get("member_share", {}).get(f"level_{level}", {}).get(mode, [])
            for edge in {band.get("up_to") for band in bands} | {above}:
                if edge is not None:
                    yield clause["from"], level, mode, int(edge.replace(".", ""))


class Drawer:
    """Draws cases of one pool; `documents` are all that bear on it, as they were read."""

    def __init__(
        self, random: Random, sheet: dict[str, Any], documents: list[dict[str, Any]]
    ) -> None:
        self.random = random
        self.pool = sheet["pool"]
        self.first = sheet["first_date"]
        self.counties = sorted(sheet.get("counties", {}))
        leaves = [leaf for document in documents for leaf in _leaves(document)]
        days = {v for k, v in leaves if k in ("from", "published")}
        self.days = sorted({max(day, self.first) for day in days})
        self.amounts = sorted({v for _, v in leaves if isinstance(v, str) and _YUAN.fullmatch(v)})
        edges = {v for k, v in leaves if k in ("up_to", "above", "cap")}
        self.edges = sorted(edges) or self.amounts
        multiples = [v for k, v in leaves if k == "above_times"]
        self.times = [1, 1, 1, 1, 2, 3, *multiples * 3]
        listed = {v for k, v in leaves if k in ("name", "condition", "complications")}
        self.names = [*sorted(listed), "epidural", "unheard_of"]
        self.lengths = sorted({v for k, v in leaves if k in _LENGTHS})
        clauses = [clause for document in documents for clause in document["clause"]]
        self.borders = sorted(border for clause in clauses for border in _borders(clause))
        self.transitions = sorted({c["from"] for c in clauses if _still_on_leave(c)})
        self.kinds = {
            benefit: sorted(
                {k for c in clauses if benefit in c.get("sets", {}) for k in c["kinds"]}
            )
            for benefit in ("delivery", "allowance")
        }
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
        if self.transitions and self.maybe(35):
            length = self.random.choice(self.lengths) + self.random.choice([0, 0, 15, 30])
            change: date = self.random.choice(self.transitions)
            return change - timedelta(days=length + self.random.randint(-1, 1))
        start: date = self.random.choice(self.days)
        far = self.random.choice([0, 0, 0, 0, 0, 1, 30, 98, 128, 158])
        return start - timedelta(days=far) + timedelta(days=self.random.randint(-1, 1))

    def money(self, most: int = 30_000) -> int:
        """Fen: any sum, but mostly one that the documents name, or a fen beside it."""
        if not self.amounts or self.maybe(40):
            return self.random.randrange(most * 100)
        among = self.edges if self.maybe(50) else self.amounts
        named = int(self.random.choice(among).replace(".", ""))
        times = self.random.choice(self.times)
        return max(0, int(named * times) + self.random.choice([-1, 0, 0, 1, 2]))

    def months(self, on: date, low: int, high: int) -> str:
        count = on.year * 12 + on.month - 1 + self.random.randint(low, high)
        return f"{count // 12:04d}-{count % 12 + 1:02d}"

    def sound_member(self, on: date, benefit: str) -> dict[str, Any]:
        """One to whom nothing is refused, so that the amounts are seen."""
        paid_until = on.isoformat()[:7]
        kind = self.random.choice(self.kinds[benefit] or KINDS)
        return {"kind": kind, "months_paid": 120, "paid_until": paid_until}

    def member(self, on: date, benefit: str) -> dict[str, Any]:
        paid = self.kinds[benefit]
        kinds = [*paid, *paid[:1] * 2] if paid and self.maybe(90) else KINDS
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
        event = self.random.choice(["birth"] * 5 + ["loss"] * 2 + ["family_planning", "paternity"])
        block: dict[str, Any] = {"event": event}
        if self.maybe(80):
            block["mode"] = self.random.choice(MODES)
        if self.maybe(60):
            block["infants"] = self.random.choice([1, 1, 2, 2, 3])
        if self.maybe(20):
            block["within_regulation"] = self.maybe(40)
        week = self.random.choice([*self.weeks * 2, 8, 30]) + self.random.randint(-1, 1)
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

    def at_edges(self) -> Iterator[dict[str, Any]]:
        """A sound delivery at each end of each band and at each border of itemised payment, on the
        clause's first day, a fen below, on it and a fen above."""
        for start, level, mode, edge in self.borders:
            for kind in self.kinds["delivery"]:
                for fen in (edge - 1, edge, edge + 1):
                    yield {
                        "id": f"{self.pool} {start} {level} {mode} {kind} {fen}",
                        "pool": self.pool,
                        "benefit": "delivery",
                        "on": start.isoformat(),
                        "known_on": "2027-12-31",
                        "member": {"kind": kind},
                        "institution": {"level": level},
                        "delivery": {"mode": mode},
                        "cost": {"in_scope": _yuan(fen)},
                    }

    def at_ends_of_leave(self) -> Iterator[dict[str, Any]]:
        """A birth so many days before a transitional clause that her leave ends beside its day."""
        for start in self.transitions:
            for length in {days + more for days in self.lengths for more in (-1, 0, 1, 14, 15, 16)}:
                on = (start - timedelta(days=length)).isoformat()
                for mode in MODES:
                    yield {
                        "id": f"{self.pool} {start} {length} {mode}",
                        "pool": self.pool,
                        "benefit": "allowance",
                        "on": on,
                        "known_on": "2027-12-31",
                        "member": {"kind": self.kinds["allowance"][0]},
                        "allowance": {"event": "birth", "mode": mode, "base_monthly": "6000.00"},
                    }

    def case(self, number: int) -> dict[str, Any]:
        """One case, in the form of the command `price`."""
        on, sound = self.day(), self.maybe(50)
        benefit = "delivery" if self.maybe(60 if self.kinds["allowance"] else 97) else "allowance"
        case: dict[str, Any] = {
            "id": str(number),
            "pool": self.pool,
            "benefit": benefit,
            "on": on.isoformat(),
            "known_on": "2027-12-31" if sound or self.maybe(70) else self.day().isoformat(),
            "member": self.sound_member(on, benefit) if sound else self.member(on, benefit),
        }
        if sound or self.maybe(85):
            case["institution"] = {"level": self.random.randint(1, 3)}
        if not sound and self.maybe(35):
            days = {which: self.day() for which in ("admitted", "event", "discharged", "settled")}
            case["dates"] = {w: d.isoformat() for w, d in days.items() if self.maybe(60)}
        if not sound and self.maybe(30):
            case["circumstances"] = self.random.sample(CIRCUMSTANCES, self.random.randint(1, 2))
        if not sound and self.maybe(6):
            case["county"] = self.random.choice([*self.counties, "990112"])
        if benefit == "delivery":
            case["delivery"] = self.delivery()
            if sound or self.maybe(85):
                case["cost"] = self.cost()
        else:
            case["allowance"] = self.allowance()
        return case


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
