"""What trial hospitals do for a pregnancy: every benefit, from stay to settlement, over REST."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from services.enrollment.domain.id_number import check_character
from tests.support.agency import Agency, made, until
from tests.support.running import Client
from tests.support.trial_pools import TRIAL_POOLS

_serial = itertools.count(100, 2)  # even: women


@dataclass(frozen=True)
class Mother:
    """An insured person and her registered pregnancy."""

    person: str
    pregnancy: str


class Town:
    """A trial pool's people: a clerk of each service, two hospitals."""

    def __init__(self, whole: Agency, pool: str) -> None:
        self.whole = whole
        self.pool = pool
        self.high_code, self.low_code = TRIAL_POOLS[pool]

    async def move_in(self) -> None:
        """Get everybody's credentials, and an employer."""
        whole, pool = self.whole, self.pool
        self.registrar = await whole.caller("enrollment", f"clerk-of-{pool}", "clerk", pool)
        self.clerk = await whole.caller("settlement", f"clerk-of-{pool}", "clerk", pool)
        self.high = await whole.caller(
            "settlement", f"high-{pool}", "hospital", pool, self.high_code
        )
        self.low = await whole.caller("settlement", f"low-{pool}", "hospital", pool, self.low_code)
        employer = {"employer_ref": f"E{pool}", "name": "示例单位", "pool": pool,
                    "county_code": pool, "kind": "enterprise"}  # fmt: skip
        await made(self.registrar.post("/employers", employer))

    async def insured(self, first: str = "2022-01") -> str:
        """A person, paid for from `first` to March 2024, whom settlement has heard of."""
        first_17 = f"{self.pool}19900315{next(_serial):03d}"
        body = {"id_number": first_17 + check_character(first_17), "name": "例某",
                "county_code": self.pool, "kind": "employee", "start": "2022-01-01",
                "employer_ref": f"E{self.pool}"}  # fmt: skip
        ref = str((await made(self.registrar.post("/persons", body)))["person_ref"])
        await self.paid(ref, first, "2024-03")
        pool_of = self.whole.services["settlement"].app.state.office.pool

        async def heard() -> Any:
            return await pool_of.fetchval(
                "select true from person_state where person_ref = $1 and state_version = 2", ref
            )

        await until(heard)
        return ref

    async def paid(self, person: str, first: str, last: str) -> None:
        """Her months are paid, the first and the last included."""
        begins, ends = (12 * int(m[:4]) + int(m[5:]) - 1 for m in (first, last))
        months = [f"{n // 12}-{n % 12 + 1:02d}" for n in range(begins, ends + 1)]
        items = [{"person_ref": person, "month": month, "base": "6000.00"} for month in months]
        await made(self.registrar.post("/contributions", {"items": items}))

    async def paid_late(self) -> Mother:
        """A birth whose allowance waits for a year of contributions; then the year is paid after
        all, and what that changes is released by two people."""
        mother = await self.mother(first="2023-10")
        await self.birth(mother)
        assert {e["state"] for e in (await self.entitlements(mother)).values()} == {"deferred"}
        await self.paid(mother.person, "2022-01", "2023-09")

        async def proposed() -> Any:
            return (await made(self.clerk.get("/adjustments")))["items"]

        (adjustment,) = await until(proposed)
        assert adjustment["cause"] == "person:3"
        place = f"/adjustments/{adjustment['adjustment_id']}/release"
        other = await self.whole.caller("settlement", f"other-{self.pool}", "clerk", self.pool)
        for clerk, state in ((self.clerk, "proposed"), (other, "released")):
            assert (await made(clerk.post(place)))["state"] == state
        return mother

    async def mother(self, since: str = "2023-07-03", first: str = "2022-01") -> Mother:
        """An insured person, pregnant, entrusted to the higher hospital."""
        person = await self.insured(first)
        body = {"person_ref": person, "since": since, "institution_code": self.high_code}
        pregnancy = (await made(self.high.post("/pregnancies", body)))["pregnancy_id"]
        return Mother(person, str(pregnancy))

    async def settled(
        self, hospital: Client, benefit: str, of: Mother, on: str, price: str, *, until: str = "",
        **outcome: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """A stay or visit of a benefit, settled; family planning belongs to no pregnancy."""
        stay, total = await self.discharged(
            hospital, benefit, of, on, price, until=until, **outcome
        )
        return await made(hospital.post(f"/stays/{stay}/settle", {"total": total}))

    async def discharged(
        self, hospital: Client, benefit: str, of: Mother, on: str, price: str, *, until: str = "",
        **outcome: Any,
    ) -> tuple[str, str]:  # fmt: skip
        """The same, not settled yet: the stay, and its bill's total."""
        named = {} if benefit == "family_planning" else {"pregnancy_id": of.pregnancy}
        opened = {"stay_number": uuid4().hex, "person_ref": of.person, "admitted_on": on,
                  "benefit": benefit} | named  # fmt: skip
        stay = str((await made(hospital.post("/stays", opened)))["stay_id"])
        line = {"line_number": 1, "item_code": "delivery", "charged_on": on, "quantity": "1",
                "price": price}  # fmt: skip
        await made(hospital.post(f"/stays/{stay}/lines", {"lines": [line]}))
        stated = {"benefit": benefit, "discharged_on": until or on, "event_on": on,
                  "total": price} | outcome  # fmt: skip
        await made(hospital.post(f"/stays/{stay}/discharge", stated))
        return stay, price

    async def visit(
        self, hospital: Client, of: Mother, on: str, price: str, **outcome: Any
    ) -> dict[str, Any]:
        """A prenatal visit, settled."""
        return await self.settled(hospital, "prenatal", of, on, price, **outcome)

    async def birth(self, of: Mother, **more: Any) -> dict[str, Any]:
        """A birth in the higher hospital, of nine thousand yuan, settled."""
        return await self.settled(
            self.high, "delivery", of, "2024-03-20", "9000.00", until="2024-03-24", mode="vaginal",
            **more,
        )  # fmt: skip

    async def transfer(self, of: Mother, since: str) -> None:
        """Entrust the pregnancy to the lower hospital."""
        body = {"institution_code": self.low_code, "since": since}
        await made(self.high.post(f"/pregnancies/{of.pregnancy}/transfer", body))

    async def units(self, hospital: Client, of: Mother) -> dict[str, tuple[str, str]]:
        """What a hospital sees of a pregnancy's limits: used and left, by unit."""
        shown = await made(hospital.get(f"/pregnancies/{of.pregnancy}/units"))
        return {item["unit"]: (item["used"], item["left"]) for item in shown["items"]}

    async def entitlements(self, of: Mother) -> dict[str, dict[str, Any]]:
        """What a pregnancy entitles to, by kind."""
        listed = await made(self.clerk.get("/allowances", pregnancy=of.pregnancy))
        return {item["kind"]: item for item in listed["items"]}
