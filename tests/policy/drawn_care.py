"""Random cases of every benefit, drawn as a delivery's are: close to the documents' borders."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.policy.drawn import CIRCUMSTANCES, KINDS, PROCEDURES, Drawer

BENEFITS = (
    "delivery", "prenatal", "loss", "family_planning", "complication", "allowance", "nutrition",
)  # fmt: skip
MEDICAL = BENEFITS[:5]


class CareDrawer(Drawer):
    """Draws cases of one pool, of those benefits that somebody has there."""

    def __init__(
        self, random: Random, sheet: dict[str, Any], documents: list[dict[str, Any]]
    ) -> None:
        super().__init__(random, sheet, documents)
        clauses = [clause for document in documents for clause in document["clause"]]
        sets = [(clause, clause.get("sets", {})) for clause in clauses]
        self.kinds = {
            benefit: sorted({kind for c, cells in sets if benefit in cells for kind in c["kinds"]})
            for benefit in BENEFITS
        }
        rules = [cells["prenatal"] for _, cells in sets if "prenatal" in cells]
        windows = [w for rule in rules for w in rule.get("units", rule.get("stages", []))]
        self.windows = sorted({window["id"] for window in windows})
        self.starts = sorted({window.get("from_week", 0) for window in windows} | {0, 12})
        surgery = [cells["family_planning"] for _, cells in sets if "family_planning" in cells]
        self.procedures = sorted({name for rule in surgery for name in rule["procedures"]})

    def benefits(self) -> list[str]:
        """What somebody has in the pool."""
        return [benefit for benefit in BENEFITS if self.kinds[benefit]]

    def care(self, benefit: str) -> dict[str, Any]:
        """One case of a benefit, mostly of somebody who has it, in the form of `price`."""
        on = self.day()
        case: dict[str, Any] = {
            "id": "drawn",
            "pool": self.pool,
            "benefit": benefit,
            "on": on.isoformat(),
            "known_on": "2027-12-31",
            "member": self.sound_member(on, benefit),
            benefit: getattr(self, f"_{benefit}")(),
        }
        if self.maybe(10):
            case["member"]["kind"] = self.random.choice(KINDS)
        if self.maybe(20):
            case["member"]["account_available"] = _yuan(self.money(2_000))
        if self.maybe(90):
            case["institution"] = {"level": self.random.randint(1, 3)}
        if self.maybe(8):
            case["circumstances"] = [self.random.choice(CIRCUMSTANCES)]
        if benefit in MEDICAL:
            if self.maybe(15):
                case["dates"] = {"admitted": self.day().isoformat()}
            if self.maybe(92):
                case["cost"] = self.cost()
        return case

    def _delivery(self) -> dict[str, Any]:
        return self.delivery()

    def _prenatal(self) -> dict[str, Any]:
        week = self.random.choice([*self.starts, 20, 39]) + self.random.randint(-1, 1)
        visit: dict[str, Any] = {
            "week": max(0, week),
            "postnatal": self.maybe(15),
            "high_risk": self.maybe(25),
            "first_visit": self.maybe(25),
            "used": {
                unit: _yuan(self.money(1_200))
                for unit in (*self.windows, "pregnancy", "head")
                if self.maybe(40)
            },
        }
        if self.windows and self.maybe(25):
            visit["unit"] = self.random.choice(self.windows)
        if self.maybe(40):
            first = self.random.randint(0, 44)
            visit["head"] = {"from_week": first, "until_week": self.random.randint(first + 1, 45)}
        return visit

    def _loss(self) -> dict[str, Any]:
        week = self.random.choice([*self.weeks * 2, 8, 30]) + self.random.randint(-1, 1)
        return {
            "weeks": max(1, week),
            "manner": self.random.choice(["surgical", "medical"]),
            "setting": self.random.choice(["outpatient", "inpatient"]),
            "high_risk": self.maybe(40),
            **self._conditions(),
        }

    def _family_planning(self) -> dict[str, Any]:
        among = self.procedures * 3 + PROCEDURES
        return {"procedure": self.random.choice(among), **self._conditions()}

    def _complication(self) -> dict[str, Any]:
        when = self.random.choice(["before_birth", "after_birth"])
        return {"when": when, "months_after": self.random.randint(0, 8)}

    def _conditions(self) -> dict[str, Any]:
        named = {"complications": 15, "extras": 30}
        return {key: [self.random.choice(self.names)] for key, p in named.items() if self.maybe(p)}

    def _allowance(self) -> dict[str, Any]:
        return self.allowance()

    def _nutrition(self) -> dict[str, Any]:
        block: dict[str, Any] = {"annual_wage": _yuan(self.money(150_000))}
        if self.maybe(30):
            block["loss_weeks"] = self.random.choice([12, 27, 28, 29])
        return block


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
