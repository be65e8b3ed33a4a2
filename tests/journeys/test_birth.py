"""One birth, from the employer's registration to the deduction that two reviewers decided.

Walked on both buses; each step is what a person, a hospital or the agency would tell of it.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.money import Money
from shared.period import Month
from tests.support.agency import Agency, agency, made, until
from tests.support.postgres import ServiceDatabases
from tests.support.reviewing import APPROVAL, approved, proposed, raised_on
from tests.support.running import Client

NANJING, KIZILSU = "320100", "653000"
POOLS = {NANJING: {"HNJ3": 3, "HNJ2": 2}, KIZILSU: {"HKZ3": 3, "HKZ2": 2}}
_serial = itertools.count(100, 2)  # even: women


def _id_number(area: str) -> str:
    """A valid number of nobody: made up, with its check character."""
    body = f"{area}19900315{next(_serial):03d}"
    weights = [2 ** (17 - i) % 11 for i in range(17)]
    remainder = sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11
    return body + "10X98765432"[remainder]


class Town:
    """One pool's people: clerk of enrollment, two hospitals, two reviewers."""

    def __init__(self, whole: Agency, pool: str) -> None:
        self.whole = whole
        self.pool = pool

    async def move_in(self) -> None:
        high, low = POOLS[self.pool]
        self.clerk = await self.whole.caller("enrollment", f"c-{self.pool}", "clerk", self.pool)
        self.high = await self.whole.caller("settlement", f"h-{high}", "hospital", self.pool, high)
        self.low = await self.whole.caller("settlement", f"h-{low}", "hospital", self.pool, low)
        self.desk = await self.whole.caller("settlement", f"d-{self.pool}", "clerk", self.pool)
        self.first = await self.whole.caller("audit", f"r1-{self.pool}", "reviewer", self.pool)
        self.second = await self.whole.caller("audit", f"r2-{self.pool}", "reviewer", self.pool)
        self.stating = await self.whole.caller("audit", f"s-{low}", "hospital", self.pool, low)
        await made(
            self.clerk.post(
                "/employers",
                {"employer_ref": "E1", "name": "示例单位", "pool": self.pool,
                 "county_code": self.pool, "kind": "enterprise"},
            )
        )  # fmt: skip

    async def registered(self, kind: str, start: str) -> dict[str, Any]:
        body = {"id_number": _id_number(self.pool), "name": "例某", "county_code": self.pool,
                "kind": kind, "start": start}  # fmt: skip
        if kind == "employee":
            body["employer_ref"] = "E1"
        return await made(self.clerk.post("/persons", body))

    async def paid(self, person_ref: str, first: str, months: int) -> list[dict[str, Any]]:
        start = Month.parse(first)
        items = [
            {"person_ref": person_ref, "month": str(start.plus(n)), "base": "6000.00"}
            for n in range(months)
        ]
        booked = await made(self.clerk.post("/contributions", {"items": items}))
        found: list[dict[str, Any]] = booked["items"]
        return found

    async def pregnant(self, hospital: Client, person_ref: str, since: str = "2023-07-01") -> str:
        body = {"person_ref": person_ref, "since": since,
                "institution_code": hospital.institution}  # fmt: skip
        return str((await made(hospital.post("/pregnancies", body)))["pregnancy_id"])

    async def in_hospital(
        self, hospital: Client, person_ref: str, pregnancy: str, born: str = "2024-03-21",
        mode: str = "vaginal", fee: str = "4500.00",
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """Admitted, charged in two batches, quoted, discharged; the stay and its bill."""
        admitted = {"stay_number": uuid4().hex, "person_ref": person_ref,
                    "pregnancy_id": pregnancy, "admitted_on": born}  # fmt: skip
        stay = str((await made(hospital.post("/stays", admitted)))["stay_id"])
        batches = [[("delivery", "1", fee), ("bed", "3", "50.00")],
                   [("oxytocin", "2", "10.00"), ("photo", "1", "88.00")]]  # fmt: skip
        number = itertools.count(1)
        for batch in batches:
            lines = [
                {"line_number": next(number), "item_code": item, "charged_on": born,
                 "quantity": quantity, "price": price}
                for item, quantity, price in batch
            ]  # fmt: skip
            shown = await made(hospital.post(f"/stays/{stay}/lines", {"lines": lines}))
        outcome = {"discharged_on": born, "event_on": born, "mode": mode, "total": shown["total"]}
        quoted = await made(hospital.post(f"/stays/{stay}/quote", outcome))
        await made(hospital.post(f"/stays/{stay}/discharge", outcome))
        return stay, {"total": shown["total"], "quote": quoted}

    async def heard_of(self, person_ref: str) -> None:
        """Wait until settlement knows, by events, that the person has paid."""
        office = self.whole.services["settlement"].app.state.office

        async def known() -> bool:
            return bool(
                await office.pool.fetchval(
                    "select true from person_state"
                    " where person_ref = $1 and json_array_length(state -> 'paid') > 0",
                    person_ref,
                )
            )

        await until(known)


@pytest.mark.parametrize("bus", ["local", "kafka"])
async def test_a_birth_is_insured_settled_reversed_audited_and_deducted(
    bus: str, service_databases: ServiceDatabases, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kafka = request.getfixturevalue("kafka") if bus == "kafka" else None
    async with agency(service_databases, tmp_path, kafka) as whole:
        await whole.open_for_business(POOLS)
        for pool in POOLS:
            town = Town(whole, pool)
            await town.move_in()
            mother = await _insured(town)
            settled = await _settled_in_each_mode(town, mother)
            await _settled_by_look_up(town)
            await _refused_when_interrupted(town)
            await _reversed_and_settled_again(town, settled)
            await _audited_and_deducted(town)
            await _told_back_when_reversed_meanwhile(town)


async def _insured(town: Town) -> str:
    """One act starts both insurances, one for a flexible member; months are booked by the rule."""
    mother = await town.registered("employee", "2023-01-01")
    assert mother["spell"]["insurance"] == ["310", "510"]
    booked = await town.paid(mother["person_ref"], "2023-01", 15)
    rates = {(c["employer_rate"], c["individual_rate"]) for c in booked}
    if town.pool == KIZILSU:
        assert rates == {("0.085", "0.02")}
        assert {(c["employer"], c["individual"]) for c in booked} == {("510.00", "120.00")}
    assert all(c["employer_article"] and c["employer_document"] for c in booked)
    flexible = await town.registered("flexible", "2023-01-01")
    assert flexible["spell"]["insurance"] == ["310"]
    if town.pool == NANJING:  # the other pool's document gives flexible members no rate
        (month, *_) = await town.paid(flexible["person_ref"], "2023-01", 12)
        assert month["employer"] == "0.00"
    await town.heard_of(mother["person_ref"])
    return str(mother["person_ref"])


async def _settled_in_each_mode(town: Town, mother: str) -> dict[str, Any]:
    other = await town.registered("employee", "2023-01-01")
    await town.paid(other["person_ref"], "2023-01", 15)
    await town.heard_of(other["person_ref"])
    kept: dict[str, Any] = {}
    for person_ref, mode, fee in ((mother, "vaginal", "4500.00"),
                                  (other["person_ref"], "cesarean", "9000.00")):  # fmt: skip
        pregnancy = await town.pregnant(town.high, person_ref)
        stay, bill = await town.in_hospital(town.high, person_ref, pregnancy, mode=mode, fee=fee)
        key = uuid4().hex
        answer = await town.high.post(f"/stays/{stay}/settle", {"total": bill["total"]}, key=key)
        assert answer.status_code == 201, answer.text
        settled = answer.json()
        made_only = {"settlement_id", "reverses", "settled_at"}
        assert {k: v for k, v in settled.items() if k not in made_only} == bill["quote"]
        parts = ("fund", "member", "institution", "other_fund")
        assert Money.total(Money.from_wire(settled[p]) for p in parts) == Money.from_wire(
            settled["total"]
        )
        desk = settled["desk"]
        assert Money.from_wire(desk["fund"]) + Money.from_wire(desk["member"]) == Money.from_wire(
            settled["total"]
        )
        assert all(step["document"] and step["article"] for step in settled["steps"])
        explained = await made(
            town.high.get(f"/settlements/{settled['settlement_id']}/explanation")
        )
        assert explained["desk"] == desk
        said = 1 if settled["fund"] == desk["fund"] else 2  # the receipt, and the clearing
        assert len(explained["zh"]) == len(explained["en"]) == said + len(settled["steps"])
        kept = {"stay": stay, "key": key, "answer": answer, "settled": settled, "bill": bill}
    return kept


_FORGOTTEN = "delete from person_state where person_ref = $1"
_TOO_OLD = "update person_state set as_of = as_of - interval '400 days' where person_ref = $1"


async def _settled_by_look_up(town: Town) -> None:
    """A person whose state has not arrived, or is too old, is asked for over HTTP."""
    owner = await asyncpg.connect(town.whole.databases["settlement"]["owner"])
    for how in (_FORGOTTEN, _TOO_OLD):
        person_ref = (await town.registered("employee", "2023-01-01"))["person_ref"]
        await town.paid(person_ref, "2023-01", 15)
        await town.heard_of(person_ref)
        pregnancy = await town.pregnant(town.low, person_ref)
        stay, bill = await town.in_hospital(town.low, person_ref, pregnancy)
        await owner.execute(how, person_ref)
        await made(town.low.post(f"/stays/{stay}/settle", {"total": bill["total"]}))
        as_of = await owner.fetchval(
            "select as_of from person_state where person_ref = $1", person_ref
        )
        assert as_of == town.whole.clock.now()
    await owner.close()


async def _refused_when_interrupted(town: Town) -> None:
    stopped = await town.registered("employee", "2022-01-01")
    await town.paid(stopped["person_ref"], "2022-01", 20)
    await town.heard_of(stopped["person_ref"])
    pregnancy = await town.pregnant(town.low, stopped["person_ref"])
    body = {"stay_number": uuid4().hex, "person_ref": stopped["person_ref"],
            "pregnancy_id": pregnancy, "admitted_on": "2024-03-21"}  # fmt: skip
    stay = (await made(town.low.post("/stays", body)))["stay_id"]
    line = {"line_number": 1, "item_code": "delivery", "charged_on": "2024-03-21",
            "quantity": "1", "price": "100.00"}  # fmt: skip
    await made(town.low.post(f"/stays/{stay}/lines", {"lines": [line]}))
    outcome = {"discharged_on": "2024-03-21", "event_on": "2024-03-21", "mode": "vaginal",
               "total": "100.00"}  # fmt: skip
    await made(town.low.post(f"/stays/{stay}/discharge", outcome))
    refused = await town.low.post(f"/stays/{stay}/settle", {"total": "100.00"})
    assert (refused.status_code, refused.json()["code"]) == (422, "2001-interrupted"), refused.text


async def _reversed_and_settled_again(town: Town, before: dict[str, Any]) -> None:
    stay, total = before["stay"], {"total": before["bill"]["total"]}
    settlement = before["settled"]["settlement_id"]
    reversal = await made(town.high.post(f"/settlements/{settlement}/reverse"))
    for part in ("total", "fund", "member", "institution", "other_fund"):
        assert Money.from_wire(reversal[part]) == -Money.from_wire(before["settled"][part])
    replay = await town.high.post(f"/stays/{stay}/settle", total, key=before["key"])
    assert replay.content == before["answer"].content
    again = await made(town.high.post(f"/stays/{stay}/settle", total))
    assert again["settlement_id"] != settlement


async def _audited_and_deducted(town: Town) -> None:
    """A birth claimed twice is flagged, reviewed by two people and heard, and deducted."""
    claim = await _claimed_twice(town)
    flag = await raised_on(town.first, claim)
    shown = await made(town.first.get(f"/flags/{flag}"))
    assert claim in shown["findings"][0]["explanation_zh"]
    version = await proposed(town.first, town.second, town.stating, flag)
    same = await town.first.post(f"/flags/{flag}/approval", APPROVAL | {"version": version})
    assert same.json()["code"] == "4017-approver-is-proposer"
    await approved(town.second, flag, version)

    async def pending() -> Any:
        items = (await made(town.desk.get("/deductions")))["items"]
        return [i for i in items if i["settlement_id"] == claim and i["amount"] == "100.00"]

    await until(pending)


async def _told_back_when_reversed_meanwhile(town: Town) -> None:
    """The reversal is on its way to audit while audit decides: the decision comes back."""
    claim = await _claimed_twice(town)
    flag = await raised_on(town.first, claim)
    version = await proposed(town.first, town.second, town.stating, flag)
    audit = await asyncpg.connect(town.whole.databases["audit"]["owner"])
    # Audit hears nothing while this lock is held. It has no transaction id, which a row lock would
    # have: that would hold back audit's relay, which waits for all older transactions.
    async with audit.transaction():
        await audit.execute("lock table consumer_offset in share mode")
        await made(town.low.post(f"/settlements/{claim}/reverse"))
        await approved(town.second, flag, version)
        office = town.whole.services["settlement"].app.state.office

        async def refused() -> Any:
            return await office.pool.fetchval(
                "select true from outbox where aggregate_id = $1"
                " and type = 'settlement.claim.deduction-refused'",
                claim,
            )

        await until(refused)
    await audit.close()

    async def open_again() -> Any:
        found = await made(town.first.get(f"/flags/{flag}"))
        return found["state"] == "open" and found["deduction"] == "refused"

    await until(open_again)


async def _claimed_twice(town: Town) -> str:
    person = await town.registered("employee", "2022-01-01")
    await town.paid(person["person_ref"], "2022-01", 27)
    await town.heard_of(person["person_ref"])
    first = await town.pregnant(town.high, person["person_ref"])
    stay, bill = await town.in_hospital(town.high, person["person_ref"], first, born="2024-03-10")
    await made(town.high.post(f"/stays/{stay}/settle", {"total": bill["total"]}))
    second = await town.pregnant(town.low, person["person_ref"], since="2024-03-12")
    stay, bill = await town.in_hospital(town.low, person["person_ref"], second, born="2024-03-21")
    settled = await made(town.low.post(f"/stays/{stay}/settle", {"total": bill["total"]}))
    return str(settled["settlement_id"])
