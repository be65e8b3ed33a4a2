"""Random stays and visits of every benefit in every pool, and what a hospital states of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from shared.policy.compiler import BUILT_IN
from tests.policy.drawn_care import MEDICAL, CareDrawer
from tests.policy.naive import Naive
from tests.policy.test_differential import bearing_on
from tests.settlement.trial import Ward
from tests.support.trial_pools import TRIAL

MADE_UP = Path(__file__).parents[1] / "policy" / "made_up"
FOLDERS = (BUILT_IN, TRIAL, MADE_UP)
EARLIEST, LATEST = date(2022, 1, 10), date(2026, 10, 20)
STAYED_DAYS = 3
FIRST_PAID, LAST_PAID = "2019-01", "2026-11"


@dataclass(frozen=True)
class Drawn:
    """A discharged stay that waits for its settlement, and the case that was drawn for it."""

    hospital: str
    stay: str
    total: str
    case: dict[str, Any]


class Stays:
    """Draws them, from one seed."""

    def __init__(self, ward: Ward, seed: int) -> None:
        self.ward = ward
        self.random = Random(seed)  # noqa: S311
        self.naive = Naive(FOLDERS)
        made = (
            CareDrawer(self.random, sheet, list(bearing_on(sheet, self.naive.documents)))
            for sheet in self.naive.sheets.values()
        )
        self.drawers = {d.pool: d for d in made if set(d.benefits()) & set(MEDICAL)}

    async def one(self, pool: str, benefit: str) -> Drawn:
        """A stay of a new person."""
        case = self.drawn_case(pool, benefit)
        mother = await self.mother(case)
        return await self.brought(case, mother, self.random.choice("ab"))

    def drawn_case(self, pool: str, benefit: str) -> dict[str, Any]:
        """A case whose days lie within the ward's time."""
        drawer, random = self.drawers[pool], self.random
        case = drawer.care(benefit)
        while not EARLIEST <= date.fromisoformat(case["on"]) <= LATEST:
            days = random.randrange((LATEST - EARLIEST).days)
            on = random.choice([drawer.day(), EARLIEST + timedelta(days=days)])
            case["on"] = on.isoformat()
        case["cost"] = {"in_scope": f"{max(1, drawer.money() // 100)}.{random.randrange(100):02d}"}
        case.pop("dates", None)
        return case

    async def mother(
        self, case: dict[str, Any], *, paid_up: bool = False
    ) -> tuple[str, str | None]:
        """Who she is, and her pregnancy where the benefit has one: as old as the record states."""
        paid = {"first": FIRST_PAID, "last": LAST_PAID}
        if not paid_up and self.random.randrange(10) == 0:
            paid = {"first": case["on"][:7], "last": LAST_PAID}
        kind = case["member"]["kind"]
        if case["benefit"] == "family_planning":
            return await self.ward.house.person(case["pool"], kind=kind, **paid), None
        facts = case[case["benefit"]]
        weeks = facts.get("week", facts.get("weeks", 39))
        weeks += 45 if facts.get("postnatal") else 0
        since = date.fromisoformat(case["on"]) - timedelta(weeks=weeks, days=3)
        return await self.ward.mother(case["pool"], since.isoformat(), kind=kind, **paid)

    async def brought(
        self, case: dict[str, Any], mother: tuple[str, str | None], letter: str, *, on: str = "",
        price: str = "",
    ) -> Drawn:  # fmt: skip
        """The case as a hospital's record: a stay, its lines, its discharge."""
        pool, benefit, day = case["pool"], case["benefit"], on or case["on"]
        hospital = self.ward.hospital(letter, pool)
        outcome = self._stated(benefit, case[benefit])
        if "circumstances" in case:
            outcome["circumstances"] = case["circumstances"]
        until = date.fromisoformat(day) + timedelta(
            days=0 if benefit == "prenatal" else STAYED_DAYS
        )
        person, pregnancy = mother
        body = {"stay_number": uuid4().hex, "person_ref": person, "admitted_on": day,
                "benefit": benefit}  # fmt: skip
        opened = await hospital.post(
            "/stays", body | ({"pregnancy_id": pregnancy} if pregnancy else {})
        )
        assert opened.status_code == 201, opened.text
        stay = str(opened.json()["stay_id"])
        lines = [("delivery", "1", price or case["cost"]["in_scope"])]
        if not price:
            more = [("photo", "1.5", "8.33"), ("oxytocin", "2", "10.05"), ("bed", "3", "50.00")]
            lines += self.random.sample(more, self.random.randrange(3))
        added = await hospital.post(f"/stays/{stay}/lines", {"lines": [
            {"line_number": n, "item_code": item, "charged_on": day, "quantity": q, "price": p}
            for n, (item, q, p) in enumerate(lines, 1)
        ]})  # fmt: skip
        assert added.status_code == 201, added.text
        total = added.json()["total"]
        stated = {"benefit": benefit, "discharged_on": until.isoformat(), "event_on": day,
                  "total": total} | outcome  # fmt: skip
        done = await hospital.post(f"/stays/{stay}/discharge", stated)
        assert done.status_code == 201, done.text
        return Drawn(f"{letter}-{pool}", stay, total, case)

    @staticmethod
    def _stated(benefit: str, facts: dict[str, Any]) -> dict[str, Any]:
        named = {k: v for k, v in facts.items() if k not in ("used", "head")}
        if benefit == "complication":
            named["months_after_birth"] = named.pop("months_after")
            if named["when"] == "before_birth":
                named["months_after_birth"] = 0
        if benefit == "loss":
            named["weeks"] = min(45, named["weeks"])
        return named
